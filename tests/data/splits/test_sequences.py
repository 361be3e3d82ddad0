import collections

import numpy as np
import pytest

from jaxrec.data.columns.columns import Impressions
from jaxrec.data.splits.sequences import (
  Sequences,
  filtered,
  sequences_of,
)
from jaxrec.errors import UserError


def random_sequences(seed=0, users=80):
  rng = np.random.default_rng(seed)
  sizes = rng.integers(1, 12, users)
  times = [np.sort(rng.integers(0, 15, n)) for n in sizes]  # Many ties.
  return Sequences(
    user_ids=np.array([f'u{i}' for i in range(users)]),
    offsets=np.concatenate([[0], np.cumsum(sizes)]),
    items=rng.integers(0, 30, sizes.sum()).astype(np.int32),
    times=np.concatenate(times),
    behaviours=rng.integers(0, 3, sizes.sum()).astype(np.uint8),
  )


def user(sequences, i):
  part = slice(sequences.offsets[i], sequences.offsets[i + 1])
  return sequences.items[part], sequences.times[part]


@pytest.mark.parametrize(('k', 'least'), [(5, 0), (0, 7), (4, 9), (6, 2)])
def test_filters_leave_the_largest_core(k, least):
  sequences = random_sequences(7)
  users, items = sequences.users, sequences.items
  found, counts = filtered(sequences, k_core=k, min_history=least)
  assert np.diff(found.offsets).min() >= max(k, least)
  assert np.unique(found.items, return_counts=True)[1].min() >= k
  # By another way: whoever is first to go goes, until nobody is.
  kept = list(range(len(items)))
  while True:
    for column, need in ((users, max(k, least)), (items, k)):
      counted = collections.Counter(column[kept].tolist())
      few = [name for name, count in counted.items() if count < need]
      if few:
        kept = [i for i in kept if column[i] != few[0]]
        break
    else:
      break
  np.testing.assert_array_equal(found.items, items[kept])
  np.testing.assert_array_equal(found.times, sequences.times[kept])
  left = np.unique(users[kept])
  assert found.user_ids.tolist() == [f'u{i}' for i in left]
  np.testing.assert_array_equal(found.users, np.searchsorted(left, users[kept]))
  assert counts == {
    'users dropped': len(sequences) - len(left),
    'items dropped': len(set(items)) - len(set(items[kept])),
    'interactions dropped': len(items) - len(kept),
  }


def test_filters_that_are_off_or_cannot_be():
  sequences = random_sequences(7)
  assert filtered(sequences, k_core=0, min_history=0) == (sequences, {})
  with pytest.raises(UserError, match='leave nobody'):
    filtered(sequences, k_core=99, min_history=0)
  with pytest.raises(UserError, match=r'data\.min_history=-1'):
    filtered(sequences, k_core=0, min_history=-1)


def test_sequences_of_impressions_are_histories_then_clicks():
  ends = lambda lists: np.cumsum([0, *map(len, lists)])
  histories = [[1, 2], [], [1, 2, 3]]
  shown = [[7, 8], [9, 4], [2, 7, 6]]
  labels = [[1, 0], [1, 1], [1, 0, 1]]
  split = Impressions(
    impression_ids=np.array(['a', 'b', 'c']),
    user_ids=np.array(['u', 'v', 'u']),
    times=np.array([10, 20, 30]),
    history=np.concatenate(histories).astype(np.int32),
    history_offsets=ends(histories),
    candidates=np.concatenate(shown).astype(np.int32),
    candidate_offsets=ends(shown),
    labels=np.concatenate(labels).astype(np.uint8),
  )
  found = sequences_of(split)
  assert found.user_ids.tolist() == ['u', 'v']
  items, times = user(found, 0)
  assert items.tolist() == [1, 2, 3, 7, 6]  # 2 is in the history already.
  assert times.tolist() == [-3, -2, -1, 10, 30]
  assert user(found, 1)[0].tolist() in ([9, 4], [4, 9])
  halves = [split.take(np.array([0])), split.take(np.array([1, 2]))]
  again = sequences_of(*halves)
  np.testing.assert_array_equal(again.items, found.items)
