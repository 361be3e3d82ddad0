"""What everybody acts on of late, as of the day something is asked for."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import (
  ItemColumns,
  ItemInputs,
  Term,
  UserColumns,
)


@dataclasses.dataclass(frozen=True)
class Periods:
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


@dataclasses.dataclass(frozen=True)
class TrendConfig:
  """The term of what everybody acts on of late; of sequences with times.

  Attributes:
    half_life: days after which an action counts half.
    gain: of log(1 + actions so far), to start with; it is learned.
  """

  half_life: float = 7.0
  gain: float = 1.0

  def __post_init__(self):
    for name in ('half_life', 'gain'):
      if getattr(self, name) <= 0:
        raise UserError(f'{name}={getattr(self, name)}: must be above 0')


class Trend(Term):
  """A column of an item for every period: how much it was acted on before.

  A user's columns are 1 for the period of the day, else 0, so that one product
  of vectors is still the logit. The columns are counts; their common gain alone
  is learned.
  """

  Config: ClassVar[type] = TrendConfig
  per_item: ClassVar[tuple[str, ...]] = ('counts',)

  def __init__(self, config: TrendConfig, facts: Facts, *, rngs: nnx.Rngs):
    self.periods: Periods = facts.prepared['trend']
    self.counts = nnx.Param(jnp.zeros((facts.num_items, self.periods.count)))
    self.log_gain = nnx.Param(jnp.float32(np.log(config.gain)))

  @classmethod
  def prepare(cls, config: TrendConfig, source) -> Periods:
    """The calendar, up to the test: the same before and after a refit."""
    return Periods(*source.calendar(config.half_life))

  @classmethod
  def start(cls, config: TrendConfig, facts: Facts, source) -> dict:
    periods = facts.prepared['trend']
    return {('counts',): source.trends(periods, config.half_life)}

  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    items = inputs.items
    counts = jax.lax.stop_gradient(self.counts[jnp.maximum(items, 0)])
    counts = jnp.where(items[:, None] >= 0, counts, 0)
    return ItemColumns(scored=jnp.exp(self.log_gain[...]) * counts)

  def user_columns(self, read, dates) -> UserColumns:
    return UserColumns(
      scored=jax.nn.one_hot(self.periods.of(dates), self.periods.count)
    )
