"""User encoders: a history of item vectors, read at any moment of it.

A moment is an event number: what is read are the items of earlier events, so
that one pass gives the user before every item of a history, and after the last.
Both heads are residual: they start as the mean of the history, a strong
recommender untrained; a head that starts at random needs far more clicks to get
there.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.batch import NEVER, Context
from jaxrec.models.heads.lstm import Lstm

AGES = 16  # Of items: doubling, from an hour to years.


class Ways(NamedTuple):
  """What of a Context is read, beside the events.

  Attributes:
    behaviours: how many there are; 0: they are not read.
    days: whether they are.
    once: whether an item that comes again counts once in the mean, by the last
      time.
  """

  behaviours: int = 0
  days: bool = False
  once: bool = False


def earlier(mask, events, at):
  """Which items are read at a moment, and how many events ago they were.

  Args:
    mask: bool [B, H].
    events: int32 [B, H], never falling along a history.
    at: int32 [B, T].

  Returns:
    bool and int32 [B, T, H]; the last event before the moment is 0 ago.
  """
  ages = at[:, :, None] - events[:, None] - 1
  return mask[:, None] & (ages >= 0), ages


def pooled(history, mask, ages, rate=0.0, more=None):
  """Mean of a history, the weight of an item falling with its age.

  Args:
    history: [B, H, D].
    mask, ages: [B, T, H], see `earlier`.
    rate: by how much the log of the weight falls with each event.
    more: [B, T, H], what adds to the log of the weight; None for 0.

  Returns:
    [B, T, D]; 0 where there is nothing.
  """
  # Not exp of what is masked: its gradient could be infinite.
  logs = -rate * jnp.where(mask, ages, 0)
  if more is not None:
    logs += jnp.where(mask, more, 0)
  weights = jnp.exp(logs) * mask
  total = jnp.maximum(weights.sum(-1, keepdims=True), 1)
  return jnp.einsum('bth,bhd->btd', weights / total, history)


def age_of(days):
  """Which of AGES so many days are: int32."""
  hours = 24 * jnp.maximum(days, 0)
  return jnp.clip(jnp.log2(1 + hours).astype(jnp.int32), 0, AGES - 1)


class ContextVectors(nnx.Module):
  """What is added to an item's vector by how and after what time it was read.

  Both start at zero.

  Args:
    width: D, of the vectors read.
    ways: what is read of a Context.
  """

  def __init__(self, *, width: int, ways: Ways):
    self.ways = ways
    if ways.behaviours:
      self.behaviours = nnx.Param(jnp.zeros((ways.behaviours, width)))
    if ways.days:
      self.gaps = nnx.Param(jnp.zeros((AGES, width)))

  def __call__(self, mask, context):
    """Mask and context [B, H] -> [B, H, D]."""
    found = 0
    if self.ways.behaviours:
      found += self.behaviours[context.behaviours]
    if self.ways.days:
      before, _ = earlier(mask, context.events, context.events)
      last = jnp.max(jnp.where(before, context.days[:, None], 0), -1, initial=0)
      found += self.gaps[age_of(context.days - last)]
    return found


class MeanHead(nnx.Module):
  """User vector = mean of the history, whatever its order.

  Args:
    width: D, of the vectors read and made.
    channels: sizes of runs of the last of these; with `recency`, each run has
      weights of its own.
    hidden_width: not used.
    recency: whether the weight of an item falls with its age, at rates learned.
    decays: what each rate starts at: the vectors' first, then each channel's;
      the weight left after one event, 1 for the plain mean.
    ways: of a `Context`, what else an item's weight depends on.
    rngs: for the initial parameters.
  """

  def __init__(
    self,
    *,
    width: int,
    hidden_width: int,
    rngs: nnx.Rngs,
    channels: tuple[int, ...] = (),
    decays: tuple[float, ...] | None = None,
    ways: Ways = Ways(),  # noqa: B008 (it is immutable)
  ):
    del hidden_width
    self.sizes = (width - sum(channels), *channels)
    self.empty = nnx.Param(
      nnx.initializers.normal(self.sizes[0] ** -0.5)(
        rngs.params(), (self.sizes[0],)
      )
    )
    if decays is not None:
      rates = -jnp.log(jnp.array(decays, jnp.float32))
      # As logarithms, so that a rate stays positive.
      self.log_rates = nnx.Param(jnp.log(jnp.maximum(rates, 1e-3)))
    self.has_rates = decays is not None
    self.ways = ways
    # Logs of weights, of each way and each age, for each channel.
    if ways.behaviours:
      self.by_behaviour = nnx.Param(
        jnp.zeros((ways.behaviours, len(self.sizes)))
      )
    if ways.days:
      self.by_age = nnx.Param(jnp.zeros((AGES, len(self.sizes))))

  def inputs(self, table):
    """Nothing is worth computing of an item before histories are known."""
    del table

  def _weights(self, read, context):
    """Logs of weights, [B, T, H, channels]; None where nothing adds to them."""
    logs = []
    if self.ways.behaviours:
      logs.append(self.by_behaviour[context.behaviours][:, None])
    if self.ways.days:
      # Since the last item that is read: nobody's clock has to be known.
      days = jnp.where(read, context.days[:, None], 0)
      ages = jnp.max(days, -1, keepdims=True, initial=0) - days
      logs.append(self.by_age[age_of(ages)])
    return sum(logs) if logs else None

  def __call__(self, history, mask, context, at, inputs=None):
    """History [B, H, D], mask, context [B, H], at [B, T] -> [B, T, D]."""
    del inputs
    read, ages = earlier(mask, context.events, at)
    if self.ways.once:
      read &= at[:, :, None] <= context.again[:, None]
    more = self._weights(read, context)
    parts, begin = [], 0
    for i, size in enumerate(self.sizes):
      part = history[..., begin : begin + size]
      rate = jnp.exp(self.log_rates[i]) if self.has_rates else 0.0
      of_part = None if more is None else more[..., i]
      parts.append(pooled(part, read, ages, rate, of_part))
      begin += size
    none = ~read.any(-1, keepdims=True)
    parts[0] = jnp.where(none, self.empty[...][None, None], parts[0])
    return jnp.concatenate(parts, -1)


class LstmHead(nnx.Module):
  """Mean of the history plus an LSTM's correction, which starts at zero.

  A user without history gets a learned vector in place of the mean. Arguments
  as of MeanHead; `hidden_width` is the LSTM's.
  """

  def __init__(
    self, *, width: int, hidden_width: int, rngs: nnx.Rngs, **options
  ):
    self.mean = MeanHead(
      width=width, hidden_width=hidden_width, rngs=rngs, **options
    )
    self.lstm = Lstm(width=width, hidden_width=hidden_width, rngs=rngs)
    self.correct = nnx.Linear(
      hidden_width,
      width,
      use_bias=False,
      kernel_init=nnx.initializers.zeros,
      rngs=rngs,
    )

  def inputs(self, table):
    """What the LSTM reads of items [M, D]: [M, 4W]."""
    return self.lstm.inputs(table)

  def __call__(self, history, mask, context, at, inputs=None):
    """See MeanHead; `inputs`, of the history's items, [H, B, 4W]."""
    if inputs is None:
      inputs = self.lstm.inputs(jnp.swapaxes(history, 0, 1))
    states = self.lstm.read(inputs, mask)
    read, _ = earlier(mask, context.events, at)
    # The state after the last item that is read; the first, 0, is before any.
    states = jnp.pad(jnp.swapaxes(states, 0, 1), ((0, 0), (1, 0), (0, 0)))
    places = jnp.arange(1, mask.shape[1] + 1)[None, None]
    last = jnp.max(jnp.where(read, places, 0), -1, initial=0)
    state = jnp.take_along_axis(states, last[..., None], axis=1)
    return self.mean(history, mask, context, at) + self.correct(state)


HEADS = {'lstm': LstmHead, 'mean': MeanHead}


def in_order(mask):
  """The Context of a history of which every item is an event of its own."""
  steps = jnp.arange(mask.shape[1], dtype=jnp.int32)
  steps = jnp.broadcast_to(steps[None], mask.shape)
  zeros = jnp.zeros_like(steps)
  never = jnp.full_like(steps, NEVER)
  days = zeros.astype(jnp.float32)
  today = jnp.zeros(len(mask), jnp.int32)
  return Context(steps, zeros, days, never, zeros, today)


def after_all(mask, events):
  """The moment after a history, [B, 1]."""
  return jax.lax.stop_gradient(
    jnp.max(jnp.where(mask, events, -1), -1, keepdims=True, initial=-1) + 1
  )
