"""What a model starts from beside its language model: closed forms of data.

Of the split that is learned from, and nothing later.
"""

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.moments import newest, oldest
from jaxrec.data.columns.ragged import CHUNK
from jaxrec.data.columns.sequences import Sequences

DAY = 86400
MOST_PERIODS = 512


def text_mean(
  vectors: np.ndarray, kind: str, learned_from: Impressions | Sequences
) -> np.ndarray:
  """The mean of items' text vectors, float32 [D].

  Args:
    vectors: float32 [N, D]; may be memory-mapped.
    kind: 'catalog', of all items; 'histories', of what users acted on, each
      time they did.
    learned_from: the training split.
  """
  counts = np.ones(len(vectors), np.int64)
  if kind == 'histories':
    if isinstance(learned_from, Impressions):
      read = learned_from.history
    else:
      read = learned_from.items
    counts = np.bincount(read, minlength=len(vectors))
  total = np.zeros(vectors.shape[1])
  for begin in range(0, len(vectors), CHUNK):
    part = slice(begin, begin + CHUNK)
    total += counts[part] @ np.asarray(vectors[part], np.float64)
  return (total / max(counts.sum(), 1)).astype(np.float32)


def text_components(
  vectors: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
  """The mean of items' text vectors, and the directions that tell most.

  Of the vectors without their mean, at length 1.

  Args:
    vectors: float32 [N, D]; may be memory-mapped.
    width: how many directions; those beyond D are 0.

  Returns:
    float32 [D] and [D, width], columns of length 1, the first tells most.
  """
  mean = np.zeros(vectors.shape[1])
  for begin in range(0, len(vectors), CHUNK):
    mean += np.asarray(vectors[begin : begin + CHUNK], np.float64).sum(0)
  mean /= max(len(vectors), 1)
  spread = np.zeros((len(mean), len(mean)))
  for begin in range(0, len(vectors), CHUNK):
    part = np.asarray(vectors[begin : begin + CHUNK], np.float64) - mean
    part /= np.linalg.norm(part, axis=1, keepdims=True).clip(1e-6)
    spread += part.T @ part
  _, directions = np.linalg.eigh(spread)
  components = np.zeros((len(mean), width), np.float32)
  kept = directions[:, ::-1][:, :width]
  components[:, : kept.shape[1]] = kept
  return mean.astype(np.float32), components


def click_rates(
  impressions: Impressions, num_items: int, shrinkage: float
) -> np.ndarray:
  """The log of each item's click rate over the mean rate, float32 [N].

  As if each had been shown `shrinkage` times more, at the mean rate: 0 of what
  was never shown, and of all where nothing was clicked.
  """
  shown = np.bincount(impressions.candidates, minlength=num_items)
  clicks = np.bincount(
    impressions.candidates, weights=impressions.labels, minlength=num_items
  )
  if not clicks.any():
    return np.zeros(num_items, np.float32)
  mean = clicks.sum() / shown.sum()
  rates = (clicks + shrinkage * mean) / (shown + shrinkage)
  return np.log(rates / mean).astype(np.float32)


def calendar(sequences: Sequences, half_life: float) -> tuple[int, int, int]:
  """The calendar of a trend: periods of half its half-life, in whole days.

  The last is after all that is known; what a few lines date far from all
  others (`moments.newest`) falls into the first or the last.

  Returns:
    The date it begins at, in days since 1970; days of a period; how many.
  """
  first = oldest(sequences.times) // DAY
  last = newest(sequences.times) // DAY
  days = max(round(half_life / 2), -(-(last - first) // (MOST_PERIODS - 2)), 1)
  return first, days, (last - first) // days + 2


def trends(
  sequences: Sequences, num_items: int, periods, half_life: float
) -> np.ndarray:
  """log(1 + how often each item was acted on before each period).

  What was done `half_life` days before the period counts half. Nothing of the
  period itself counts: who is asked within it cannot know.

  Args:
    sequences: who acted on what, and when.
    num_items: N.
    periods: K of them, see `models.terms.trend.Periods`.
    half_life: days.

  Returns:
    float32 [N, K].
  """
  counts = np.zeros((periods.count, num_items))
  which = periods.of(sequences.times // DAY)
  np.add.at(counts, (which, sequences.items), 1)
  before, fade = np.zeros(num_items), 2 ** (-periods.days / half_life)
  for k in range(periods.count):
    counts[k], before = before, (before + counts[k]) * fade
  return np.log1p(counts.T).astype(np.float32)
