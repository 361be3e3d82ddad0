"""What a model starts from, beyond its text encoder: closed forms of the data.

Of the split that is learned from, and nothing later.
"""

import hashlib
import pathlib

import numpy as np

from jaxrec.data.columns.columns import CHUNK, Impressions
from jaxrec.data.splits.sequences import Sequences
from jaxrec.models.terms.trend import Periods
from jaxrec.parallel.processes import one_at_a_time
from jaxrec.starts import factors

DAY = 86400
MOST_PERIODS = 512
CENTERED = ('', 'catalog', 'histories')


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
    is_list = isinstance(learned_from, Impressions)
    read = learned_from.history if is_list else learned_from.items
    counts = np.bincount(read, minlength=len(vectors))
  total = np.zeros(vectors.shape[1])
  for begin in range(0, len(vectors), CHUNK):
    part = slice(begin, begin + CHUNK)
    total += counts[part] @ np.asarray(vectors[part], np.float64)
  return (total / max(counts.sum(), 1)).astype(np.float32)


def click_rates(
  impressions: Impressions, num_items: int, shrinkage: float
) -> np.ndarray:
  """The log of each item's click rate over the mean rate, float32 [N].

  As if each had been shown `shrinkage` times more, at the mean rate: 0 of what
  was never shown.
  """
  shown = np.bincount(impressions.candidates, minlength=num_items)
  clicks = np.bincount(
    impressions.candidates, weights=impressions.labels, minlength=num_items
  )
  mean = clicks.sum() / max(shown.sum(), 1)
  rates = (clicks + shrinkage * mean) / (shown + shrinkage)
  return np.log(rates / mean).astype(np.float32)


def periods(sequences: Sequences, half_life: float) -> Periods:
  """The calendar of a trend: periods of half its half-life, in whole days.

  The last is after all that is known.
  """
  dates = sequences.times // DAY
  first, last = int(dates.min()), int(dates.max())
  days = max(round(half_life / 2), -(-(last - first) // (MOST_PERIODS - 2)), 1)
  return Periods(first, days, (last - first) // days + 2)


def trends(
  sequences: Sequences, num_items: int, calendar: Periods, half_life: float
) -> np.ndarray:
  """log(1 + how often each item was acted on before each period).

  What was done `half_life` days before the period counts half. Nothing of the
  period itself counts: who is asked within it cannot know.

  Returns:
    float32 [N, K].
  """
  found = np.zeros((calendar.count, num_items))
  which = calendar.of(sequences.times // DAY)
  np.add.at(found, (which, sequences.items), 1)
  before, fade = np.zeros(num_items), 2 ** (-calendar.days / half_life)
  for k in range(calendar.count):
    found[k], before = before, (before + found[k]) * fade
  return np.log1p(found.T).astype(np.float32)


def kept_factors(config, learned_from, vectors, told, directory, say):
  """What item ids start from, see `factors`; made once.

  Args:
    config: of a run.
    learned_from: Sequences.
    vectors: float32 [N, D], of items' texts.
    told: what tells `learned_from` and `vectors` from others.
    directory: the cache's.
    say: see `one_at_a_time`.
  """
  ids = config.ids
  options = {
    'names': names(ids.channels),
    'width': ids.width,
    'settings': factors.Settings(
      ids.penalty, ids.damping, ids.fade_days, ids.texts
    ),
    'seed': 0,
  }
  told = (*told, factors.FORMAT, options)
  key = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
  with one_at_a_time(pathlib.Path(directory) / 'lock', say):
    return factors.factors(
      learned_from,
      len(vectors),
      directory=directory / 'factors' / key,
      vectors=vectors,
      **options,
    )


def names(listed: str) -> tuple[str, ...]:
  """'a, b' -> ('a', 'b')."""
  return tuple(name.strip() for name in listed.split(',') if name.strip())
