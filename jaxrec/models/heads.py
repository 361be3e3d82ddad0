"""User encoders: a history of item vectors, read at any moment of it.

A moment is an event number: what is read are the items of earlier events, so
that one pass gives the user before every item of a history, and after the last.
Both heads are residual: they start as the mean of the history, a strong
recommender untrained; a head that starts at random needs far more clicks to get
there.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.models.lstm import Lstm


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


def pooled(history, mask, ages, rate=0.0):
  """Mean of a history, the weight of an item falling with its age.

  Args:
    history: [B, H, D].
    mask, ages: [B, T, H], see `earlier`.
    rate: by how much the log of the weight falls with each event.

  Returns:
    [B, T, D]; 0 where there is nothing.
  """
  # Not exp of what is masked: its gradient could be infinite.
  weights = jnp.exp(-rate * jnp.where(mask, ages, 0)) * mask
  total = jnp.maximum(weights.sum(-1, keepdims=True), 1)
  return jnp.einsum('bth,bhd->btd', weights / total, history)


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

  def inputs(self, table):
    """Nothing is worth computing of an item before histories are known."""
    del table

  def __call__(self, history, mask, events, at, inputs=None):
    """History [B, H, D], mask, events [B, H], at [B, T] -> [B, T, D]."""
    del inputs
    read, ages = earlier(mask, events, at)
    parts, begin = [], 0
    for i, size in enumerate(self.sizes):
      part = history[..., begin : begin + size]
      rate = jnp.exp(self.log_rates[i]) if self.has_rates else 0.0
      parts.append(pooled(part, read, ages, rate))
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

  def __call__(self, history, mask, events, at, inputs=None):
    """See MeanHead; `inputs`, of the history's items, [H, B, 4W]."""
    if inputs is None:
      inputs = self.lstm.inputs(jnp.swapaxes(history, 0, 1))
    states = self.lstm.read(inputs, mask)
    read, _ = earlier(mask, events, at)
    # The state after the last item that is read; the first, 0, is before any.
    states = jnp.pad(jnp.swapaxes(states, 0, 1), ((0, 0), (1, 0), (0, 0)))
    places = jnp.arange(1, mask.shape[1] + 1)[None, None]
    last = jnp.max(jnp.where(read, places, 0), -1, initial=0)
    state = jnp.take_along_axis(states, last[..., None], axis=1)
    return self.mean(history, mask, events, at) + self.correct(state)


HEADS = {'lstm': LstmHead, 'mean': MeanHead}


def in_order(mask):
  """Event numbers [B, H] where every item is an event of its own."""
  steps = jnp.arange(mask.shape[1], dtype=jnp.int32)
  return jnp.broadcast_to(steps[None], mask.shape)


def after_all(mask, events):
  """The moment after a history, [B, 1]."""
  return jax.lax.stop_gradient(
    jnp.max(jnp.where(mask, events, -1), -1, keepdims=True, initial=-1) + 1
  )
