"""What everybody acts on: the same for all."""

import dataclasses
from typing import Self

import numpy as np

from jaxrec.baselines.base import Baseline, Known, shown_items
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.moments import newest

DAY = 86400  # Seconds.


class Popularity(Baseline):
  """How often an item was acted on at a known time.

  Histories of unknown time (below 0) count only where there is nothing else.
  """

  def fit(self, known: Known) -> Self:
    times = known.sequences.times
    timed = times >= 0
    weights = self._weights(times[timed]) if timed.any() else None
    items = known.sequences.items[timed if timed.any() else slice(None)]
    counts = np.bincount(items, weights, minlength=known.num_items)
    self.counts = counts.astype(np.float32)
    return self

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    return np.tile(self.counts, (len(rows), 1))

  def pairs(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    return self.counts[shown_items(examples, rows)[0]]

  def _weights(self, times: np.ndarray) -> np.ndarray | None:
    """One per action, by its time in seconds; None: all the same."""
    return None


@dataclasses.dataclass
class RecentPopularity(Popularity):
  """Popularity that halves with age, counted from the newest action known.

  The newest that stands near others, see `moments.newest`; what is later is as
  new.

  Attributes:
    half_life: days.
  """

  half_life: float = 7.0
  # News age in hours, films in years.
  grid = tuple({'half_life': days} for days in (0.1, 1.0, 7.0, 30.0, 365.0))
  fit_reads = ('half_life',)

  def _weights(self, times: np.ndarray) -> np.ndarray:
    ages = (newest(times) - times).clip(0)
    return np.exp2(-ages / (self.half_life * DAY))
