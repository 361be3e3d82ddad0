"""What is known of an item by who acted on it: vectors of the item itself."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.errors import UserError, at_least, choices, one_of_known
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import (
  Channel,
  ItemColumns,
  ItemInputs,
  Term,
  UserColumns,
)
from jaxrec.models.terms.text import check_decay

CHANNELS = ('together', 'follows')


@dataclasses.dataclass(frozen=True)
class Decays:
  """What an item of a history weighs after each event, to start with.

  Attributes:
    together: of the channel of that name.
    follows: likewise.
  """

  together: float = 1.0
  follows: float = 1.0

  def __post_init__(self):
    check_decay(self, *CHANNELS)


@dataclasses.dataclass(frozen=True)
class IdsConfig:
  """The term of item ids.

  Attributes:
    width: of the vectors of each channel.
    channels: by commas. together: who acted on this acted on that; follows:
      what comes after what, for sequences that have an order.
    start: 'factors', of item-item matrices; or 'random'.
    penalty: of the squared weights of `together`.
    damping: popularity to this power divides it.
    fade_days: actions so old weigh 1/e in it; 0: all alike.
    texts: weight of items' texts in it; 0: none.
    dropout: share of items whose ids a training step hides.
    learning_rate: of its parameters.
    decays: by channel.
  """

  width: int = 384
  channels: str = 'together,follows'
  start: str = 'factors'
  penalty: float = 150.0
  damping: float = 0.0
  fade_days: float = 0.0
  texts: float = 0.0
  dropout: float = 0.1
  learning_rate: float = 1e-3
  decays: Decays = Decays()

  def __post_init__(self):
    at_least(self, width=1, texts=0, learning_rate=0)
    one_of_known(self, start=('factors', 'random'))
    for name in self.channel_names:
      if name not in CHANNELS:
        raise UserError(f'channels: {choices(name, CHANNELS)}')
    if not self.channel_names:
      raise UserError("channels='': name some, or drop the term")
    if not 0 <= self.dropout < 1:
      raise UserError(f'dropout={self.dropout}: must be 0 or more, < 1')

  @property
  def channel_names(self) -> tuple[str, ...]:
    """`channels`, one by one."""
    names = (name.strip() for name in self.channels.split(','))
    return tuple(name for name in names if name)


class Ids(Term):
  """Two vectors of every item, learned: as it is read, and as it is scored.

  What follows what has a direction, so that one vector would not do. Vectors
  are of channels, each with a gain of its own. Of a share of the batch's items
  they are 0 in a training step, so that the rest of the model learns to do
  without them, as it must for items that are new.
  """

  Config: ClassVar[type] = IdsConfig
  per_item: ClassVar[tuple[str, ...]] = ('read', 'scored')
  takes_key: ClassVar[bool] = True

  def __init__(self, config: IdsConfig, facts: Facts, *, rngs: nnx.Rngs):
    sizes = (config.width,) * len(config.channel_names)
    shape = facts.num_items, sum(sizes)
    normal = nnx.initializers.normal(0.1 * sum(sizes) ** -0.5)
    self.read = nnx.Param(normal(rngs.params(), shape))
    self.scored = nnx.Param(normal(rngs.params(), shape))
    self.log_gains = nnx.Param(jnp.zeros(len(sizes)))
    self.sizes = sizes
    self.dropout = config.dropout

  @classmethod
  def channels(cls, config: IdsConfig, facts: Facts) -> tuple[Channel, ...]:
    return tuple(
      Channel(config.width, getattr(config.decays, name))
      for name in config.channel_names
    )

  @classmethod
  def start(cls, config: IdsConfig, facts: Facts, source) -> dict:
    if config.start != 'factors':
      return {}
    factors = source.factors(config)
    return {(name,): values for name, values in factors.items()}

  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    items = inputs.items
    shown = items >= 0
    if key is not None and self.dropout:
      shown &= jax.random.bernoulli(key, 1 - self.dropout, items.shape)
    rows = jnp.maximum(items, 0)
    gains = jnp.repeat(
      jnp.exp(self.log_gains[...]),
      np.array(self.sizes),
      total_repeat_length=sum(self.sizes),
    )
    return ItemColumns(
      read=jnp.where(shown[:, None], self.read[rows], 0),
      scored=jnp.where(shown[:, None], self.scored[rows] * gains[None], 0),
    )

  def user_columns(self, read, dates) -> UserColumns:
    return UserColumns(read=jnp.zeros_like(read), scored=read)
