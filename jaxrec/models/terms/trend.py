"""What everybody acts on of late, as of the day something is asked for."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


class Periods(NamedTuple):
  """A calendar cut into periods of as many days.

  Attributes:
    first: the date it begins at, in days since 1970.
    days: of a period.
    count: K; what is later than the last period is in that.
  """

  first: int
  days: int
  count: int

  def of(self, dates):
    """The period of each date, int32."""
    return ((dates - self.first) // self.days).clip(0, self.count - 1)


class Trend(nnx.Module):
  """A column of an item for every period: how much it was acted on before.

  A user's columns are 1 for the period of the day, else 0, so that one product
  of vectors is still the logit. The columns are counts, see `start.trends`;
  their common gain alone is learned.

  Args:
    num_items: N.
    periods: K of them.
    gain: what it starts as, above 0.
  """

  def __init__(self, *, num_items: int, periods: Periods, gain: float):
    self.counts = nnx.Param(jnp.zeros((num_items, periods.count)))
    self.log_gain = nnx.Param(jnp.float32(np.log(gain)))
    self.periods = periods

  def __call__(self, items):
    """Columns [M, K] of items [M]; 0 for items below 0."""
    counts = jax.lax.stop_gradient(self.counts[jnp.maximum(items, 0)])
    return jnp.exp(self.log_gain[...]) * jnp.where(
      items[:, None] >= 0, counts, 0
    )

  def at(self, dates):
    """Columns of users, [..., K], of dates int32 [...]."""
    return jax.nn.one_hot(self.periods.of(dates), self.periods.count)
