"""What heads with a sequence learner have in common: they correct the mean.

    user = norm( mean of the history + correct( state of the learner ) )

The correction starts at zero: the mean of a history is a good recommender
untrained, and a learner that speaks at random from the start needs far more
clicks to get there. A subclass says what the learner is.
"""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.batch import Context
from jaxrec.errors import UserError, at_least
from jaxrec.models.heads.head import Head, HeadConfig, state_at
from jaxrec.models.heads.mean import MeanHead
from jaxrec.models.terms.term import Channel

EPSILON = 1e-6


@dataclasses.dataclass(frozen=True)
class SequenceConfig(HeadConfig):
  """Of a head with a sequence learner.

  Attributes:
    width: of the learner's state.
    dropout: share of what the learner reads, and of its state, that a training
      step hides.
    norm: whether the learner reads layer-normalised vectors, and the user
      vector is one, its mean of the history scaled to the same length.
  """

  width: int = 256
  dropout: float = 0.0
  norm: bool = False

  def __post_init__(self):
    at_least(self, width=1)
    if not 0 <= self.dropout < 1:
      raise UserError(f'dropout={self.dropout}: must be 0 or more, < 1')


class SequenceHead(Head):
  """Mean of the history plus a sequence learner's correction.

  A subclass makes its learner in `make_learner`, and gives its states.
  """

  Config: ClassVar[type] = SequenceConfig
  takes_key: ClassVar[bool] = True

  def __init__(
    self,
    config: Any,
    *,
    channels: tuple[Channel, ...],
    num_behaviours: int,
    rngs: nnx.Rngs,
  ):
    width = sum(channel.size for channel in channels)
    self.dropout, self.norm = config.dropout, config.norm
    self.mean = MeanHead(
      config, channels=channels, num_behaviours=num_behaviours, rngs=rngs
    )
    self.make_learner(config, width, rngs)
    self.correct = nnx.Linear(
      config.width,
      width,
      use_bias=False,
      kernel_init=nnx.initializers.zeros,
      rngs=rngs,
    )
    if config.norm:
      self.norm_read = nnx.LayerNorm(width, epsilon=EPSILON, rngs=rngs)
      self.norm_user = nnx.LayerNorm(width, epsilon=EPSILON, rngs=rngs)

  def make_learner(self, config: Any, width: int, rngs: nnx.Rngs) -> None:
    """Makes the learner's parameters; it reads vectors of `width`."""
    raise TypeError(f'{type(self).__name__} has no make_learner')

  def item_inputs(self, x) -> Any:
    """What is worth computing of items once, [..., D] -> [..., I]."""
    return x

  def states(self, inputs, mask, context: Context, key):
    """The learner's states [B, H, width], after each item of a history.

    Args:
      inputs: [H, B, I], see `item_inputs`.
      mask: bool [B, H].
      context: [B, H].
      key: of dropout within the learner; None for none.
    """
    raise TypeError(f'{type(self).__name__} has no states')

  def inputs(self, table):
    """See Head: [M, I]; None where dropout hides other parts each time."""
    if self.dropout:
      return None
    return self.item_inputs(self.norm_read(table) if self.norm else table)

  def __call__(
    self, history, mask, context: Context, at, inputs=None, *, key=None
  ):
    """See Head; `key` of dropout, None for none."""
    keys = (None,) * 3 if key is None else jax.random.split(key, 3)
    mean = self.mean(history, mask, context, at)
    if inputs is None:
      x = self.norm_read(history) if self.norm else history
      x = dropped(x, self.dropout, keys[0])
      inputs = self.item_inputs(jnp.swapaxes(x, 0, 1))
    states = self.states(inputs, mask, context, keys[1])
    state = state_at(states, mask, context, at)
    correction = self.correct(dropped(state, self.dropout, keys[2]))
    if not self.norm:
      return mean + correction
    return self.norm_user(normalised(mean) + correction)


def dropped(x, rate: float, key):
  """`x` with a share `rate` of its values at 0, the others scaled up."""
  if key is None or not rate:
    return x
  kept = jax.random.bernoulli(key, 1 - rate, x.shape)
  return jnp.where(kept, x / (1 - rate), 0)


def normalised(x):
  """`x` [..., D] at the length of D ones; 0 stays 0."""
  squares = jnp.mean(x * x, -1, keepdims=True)
  return x * jax.lax.rsqrt(squares + EPSILON)
