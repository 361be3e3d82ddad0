"""The mean of a history; items of long ago may count less."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from flax import nnx

from jaxrec.models.heads.context import AGES, age_of
from jaxrec.models.heads.head import Head, HeadConfig, earlier
from jaxrec.models.terms.term import Channel


def weighted_mean(history, mask, ages, rate=0.0, log_weights=None):
  """Mean of a history, the weight of an item falling with its age.

  Args:
    history: [B, H, D].
    mask, ages: [B, T, H], see `earlier`.
    rate: by how much the log of the weight falls with each event.
    log_weights: [B, T, H], what adds to the log of the weight; None for 0.

  Returns:
    [B, T, D]; 0 where there is nothing.
  """
  # Not exp of what is masked: its gradient could be infinite.
  logs = -rate * jnp.where(mask, ages, 0)
  if log_weights is not None:
    logs += jnp.where(mask, log_weights, 0)
  weights = jnp.exp(logs) * mask
  total = jnp.maximum(weights.sum(-1, keepdims=True), 1)
  return jnp.einsum('bth,bhd->btd', weights / total, history)


@dataclasses.dataclass(frozen=True)
class MeanConfig(HeadConfig):
  """The mean head."""

  type: ClassVar[str] = 'mean'


class MeanHead(Head):
  """User vector = mean of the history, whatever its order.

  Where a channel's decay is below 1 the weight of an item falls with its age,
  in each channel at a rate that is learned. A user without history gets a
  learned vector in place of the mean of texts, and zeros elsewhere.
  """

  Config: ClassVar[type] = MeanConfig
  gates: ClassVar[int] = 0

  def __init__(
    self,
    config: HeadConfig,
    *,
    channels: tuple[Channel, ...],
    num_behaviours: int,
    rngs: nnx.Rngs,
  ):
    self.sizes = tuple(channel.size for channel in channels)
    self.empty = nnx.Param(
      nnx.initializers.normal(self.sizes[0] ** -0.5)(
        rngs.params(), (self.sizes[0],)
      )
    )
    decays = [channel.decay for channel in channels]
    self.fades = min(decays) < 1
    if self.fades:
      rates = -jnp.log(jnp.array(decays, jnp.float32))
      # As logarithms, so that a rate stays positive.
      self.log_rates = nnx.Param(jnp.log(jnp.maximum(rates, 1e-3)))
    self.config = config
    # Logs of weights, of each behaviour and each age, for each channel.
    if config.behaviours:
      self.by_behaviour = nnx.Param(
        jnp.zeros((num_behaviours, len(self.sizes)))
      )
    if config.gaps:
      self.by_age = nnx.Param(jnp.zeros((AGES, len(self.sizes))))

  def _log_weights(self, read, context):
    """Logs of weights, [B, T, H, channels]; None where nothing adds to them."""
    logs = []
    if self.config.behaviours:
      logs.append(self.by_behaviour[context.behaviours][:, None])
    if self.config.gaps:
      # Since the last item that is read: nobody's clock has to be known.
      days = jnp.where(read, context.days[:, None], 0)
      ages = jnp.max(days, -1, keepdims=True, initial=0) - days
      logs.append(self.by_age[age_of(ages)])
    return sum(logs) if logs else None

  def __call__(self, history, mask, context, at, inputs=None):
    """See Head."""
    del inputs
    read, ages = earlier(mask, context, at)
    if self.config.once:
      read &= at[:, :, None] <= context.again[:, None]
    log_weights = self._log_weights(read, context)
    parts, begin = [], 0
    for i, size in enumerate(self.sizes):
      part = history[..., begin : begin + size]
      rate = jnp.exp(self.log_rates[i]) if self.fades else 0.0
      of_part = None if log_weights is None else log_weights[..., i]
      parts.append(weighted_mean(part, read, ages, rate, of_part))
      begin += size
    none = ~read.any(-1, keepdims=True)
    parts[0] = jnp.where(none, self.empty[...][None, None], parts[0])
    return jnp.concatenate(parts, -1)
