"""Small random worlds: sequences, examples and what is known."""

import numpy as np

from jaxrec.baselines import Known
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences

DAY = 86400


def ragged(rng, count, most, num_items):
  """Offsets, items with repeats, times with ties; some lists are empty."""
  lengths = rng.integers(0, most, count)
  lengths[0] = 0
  offsets = np.concatenate([[0], np.cumsum(lengths)])
  items = rng.integers(0, num_items, offsets[-1]).astype(np.int32)
  times = [np.sort(rng.integers(0, n // 2 + 1, n)) for n in lengths]
  return offsets, items, np.concatenate(times) * DAY


def make_world(seed, num_users=30, num_items=25, timed=True, cold=4, most=12):
  """(Known, Impressions): the last `cold` items are never acted on.

  Half of the examples are of users that are known.
  """
  rng = np.random.default_rng(seed)
  offsets, items, times = ragged(rng, num_users, most, num_items - cold)
  known = Known(
    Sequences(np.arange(num_users).astype(str), offsets, items, times),
    rng.normal(size=(num_items, 6)).astype(np.float32),
    history_length=3,
    seed=seed,
  )
  history_offsets, history, history_times = ragged(rng, 20, most, num_items)
  shown = rng.integers(1, 5, 20)
  ids = np.arange(num_users - 10, num_users + 10).astype(str)
  examples = Impressions(
    impression_ids=ids,
    user_ids=ids,
    times=np.full(20, 100 * DAY),
    history=history,
    history_offsets=history_offsets,
    history_times=history_times if timed else None,
    candidates=rng.integers(0, num_items, shown.sum()).astype(np.int32),
    candidate_offsets=np.concatenate([[0], np.cumsum(shown)]),
    labels=np.ones(shown.sum(), np.uint8),
  )
  return known, examples


def dense(known: Known) -> np.ndarray:
  """float64 [U, N], 1 for what a user acted on."""
  matrix = np.zeros((len(known.sequences), known.num_items))
  matrix[known.sequences.users, known.sequences.items] = 1
  return matrix


def weights(examples: Impressions, num_items: int, decay: float) -> np.ndarray:
  """float64 [E, N]: the histories, written down item by item."""
  made = np.zeros((len(examples), num_items))
  for row in range(len(examples)):
    part = slice(*examples.history_offsets[row : row + 2])
    items = examples.history[part]
    times = np.arange(len(items))
    if examples.history_times is not None:
      times = examples.history_times[part]
    for item, time in zip(items, times, strict=True):
      made[row, item] = decay ** len({t for t in times if t > time})
  return made


def unit(x: np.ndarray) -> np.ndarray:
  return x / np.linalg.norm(x, axis=-1, keepdims=True).clip(1e-12)
