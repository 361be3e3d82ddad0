"""What is read of how, and after what time, items were acted on."""

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.models.heads.head import HeadConfig, earlier

AGES = 16  # Of items: doubling, from an hour to years.


def age_of(days):
  """Which of AGES so many days are: int32."""
  hours = 24 * jnp.maximum(days, 0)
  return jnp.clip(jnp.log2(1 + hours).astype(jnp.int32), 0, AGES - 1)


class ContextVectors(nnx.Module):
  """What is added to an item's vector by how and after what time it was read.

  Both start at zero.

  Args:
    config: of the head, which says what is read.
    width: D, of the vectors read.
    num_behaviours: how many there are.
  """

  def __init__(self, config: HeadConfig, *, width: int, num_behaviours: int):
    self.reads_behaviours, self.reads_gaps = config.behaviours, config.gaps
    if config.behaviours:
      self.behaviours = nnx.Param(jnp.zeros((num_behaviours, width)))
    if config.gaps:
      self.gaps = nnx.Param(jnp.zeros((AGES, width)))

  def __call__(self, mask, context):
    """Mask and context [B, H] -> [B, H, D]."""
    vectors: jax.Array | int = 0
    if self.reads_behaviours:
      vectors += self.behaviours[context.behaviours]
    if self.reads_gaps:
      before, _ = earlier(mask, context, context.events)
      last = jnp.max(jnp.where(before, context.days[:, None], 0), -1, initial=0)
      vectors += self.gaps[age_of(context.days - last)]
    return vectors
