import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences, sequences_of


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
  sequences = sequences_of(split)
  assert list(sequences.user_ids) == ['u', 'v']
  items, times = user(sequences, 0)
  assert items.tolist() == [1, 2, 3, 7, 6]  # 2 is in the history already.
  assert times.tolist() == [-3, -2, -1, 10, 30]
  assert user(sequences, 1)[0].tolist() in ([9, 4], [4, 9])
  halves = [split.take(np.array([0])), split.take(np.array([1, 2]))]
  again = sequences_of(*halves)
  np.testing.assert_array_equal(again.items, sequences.items)
