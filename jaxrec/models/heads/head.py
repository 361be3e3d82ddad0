"""What a head is: a history of item vectors, read at any moment of it.

A moment is an event number: what is read are the items of earlier events, so
that one pass gives the user before every item of a history, and after the last.

A new head is a file with a subclass of Head and its Config, a line in HEADS
(`jaxrec.models.heads`), and a test; see docs/contributing.md. Heads had better
be residual: the mean of the history is a strong recommender untrained, and one
that starts at random needs far more clicks to get there.
"""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.batch import NEVER, Context
from jaxrec.models.terms.term import Channel


@dataclasses.dataclass(frozen=True)
class HeadConfig:
  """What every head may read of a history beside its items.

  Attributes:
    behaviours: whether the behaviour an item was acted on by is read.
    gaps: whether the time between events is.
    once: whether an item that comes again counts once in the mean of the
      history, by the last time.
  """

  type: ClassVar[str] = ''
  behaviours: bool = False
  gaps: bool = False
  once: bool = False


class Head(nnx.Module):
  """Item vectors [B, H, D] of histories -> user vectors [B, T, D].

  Args:
    config: its own Config.
    channels: runs of the D columns; the first is of the items' texts.
    num_behaviours: how many there are.
    rngs: for the initial parameters.
  """

  Config: ClassVar[type] = HeadConfig
  # Whether `__call__` takes `key=`, which a training step gives for dropout.
  takes_key: ClassVar[bool] = False
  # W x D and W x W matrices that each item of a history is worth, W its width:
  # what `training.flops` counts. None: other work, which it does not know.
  gates: ClassVar[int | None] = None

  def __init__(
    self,
    config: Any,
    *,
    channels: tuple[Channel, ...],
    num_behaviours: int,
    rngs: nnx.Rngs,
  ):
    del config, channels, num_behaviours, rngs

  def inputs(self, table) -> Any:
    """What is worth computing of items [M, D] once, before who has read them.

    A tree of arrays with M rows; None for nothing.
    """
    del table

  def __call__(self, history, mask, context: Context, at, inputs=None):
    """User vectors at T moments, from no later event.

    Args:
      history: [B, H, D].
      mask: bool [B, H].
      context: [B, H], see Context.
      at: int32 [B, T], the moments: event numbers.
      inputs: of `inputs`, of the history's items, time first: [H, B, ...];
        None where they are not at hand.

    Returns:
      [B, T, D].
    """
    raise TypeError(f'{type(self).__name__} cannot be called')


def earlier(mask, context: Context, at):
  """Which items are read at a moment, and how many events ago they were.

  Args:
    mask: bool [B, H].
    context: of the history, whose events never fall along it.
    at: int32 [B, T]; where a row is several users', T is H, and the moments are
      those of the row's own items.

  Returns:
    bool and int32 [B, T, H]; the last event before the moment is 0 ago.
  """
  ages = at[:, :, None] - context.events[:, None] - 1
  read = mask[:, None] & (ages >= 0)
  if context.segments is not None:
    read &= context.segments[:, :, None] == context.segments[:, None]
  return read, ages


def state_at(states, mask, context: Context, at):
  """A sequence learner's state at moments: after the last item that is read.

  Args:
    states: [B, H, W], after each item of a history.
    mask, context, at: see `earlier`.

  Returns:
    [B, T, W]; 0 before any item.
  """
  read, _ = earlier(mask, context, at)
  states = jnp.pad(states, ((0, 0), (1, 0), (0, 0)))
  places = jnp.arange(1, mask.shape[1] + 1)[None, None]
  last = jnp.max(jnp.where(read, places, 0), -1, initial=0)
  return jnp.take_along_axis(states, last[..., None], axis=1)


def in_order(mask) -> Context:
  """The Context of a history of which every item is an event of its own."""
  steps = jnp.arange(mask.shape[1], dtype=jnp.int32)
  steps = jnp.broadcast_to(steps[None], mask.shape)
  zeros = jnp.zeros_like(steps)
  never = jnp.full_like(steps, NEVER)
  days = zeros.astype(jnp.float32)
  today = jnp.zeros(len(mask), jnp.int32)
  return Context(steps, zeros, days, never, zeros, today)


def begins(context: Context):
  """bool [B, H]: where another user's history begins, the first in place 0."""
  segments = context.segments
  return jnp.pad(
    segments[:, 1:] != segments[:, :-1], ((0, 0), (1, 0)), constant_values=True
  )


def after_all(mask, events):
  """The moment after a history, [B, 1]."""
  return jax.lax.stop_gradient(
    jnp.max(jnp.where(mask, events, -1), -1, keepdims=True, initial=-1) + 1
  )
