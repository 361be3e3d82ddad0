"""Vectors of items from item-item matrices: at full width, the matrices."""

import numpy as np
import pytest

from jaxrec.baselines import Known
from jaxrec.baselines.ease import Ease
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences
from jaxrec.starts.factors import (
  CHANNELS,
  Settings,
  factors,
  silent_channels,
  together,
)

N = 12


def sequences_of(lists, times=None):
  lengths = [len(items) for items in lists]
  if times is None:
    times = [np.arange(n) for n in lengths]
  return Sequences(
    np.array([f'u{i}' for i in range(len(lists))]),
    np.concatenate([[0], np.cumsum(lengths)]),
    np.concatenate(lists).astype(np.int32),
    np.concatenate(times).astype(np.int64),
  )


@pytest.fixture(scope='module')
def sequences():
  rng = np.random.default_rng(0)
  # Item N - 1 is in none.
  return sequences_of([rng.permutation(N - 1)[:5] for _ in range(40)])


@pytest.mark.parametrize('users', [40, 7])  # More than items; fewer: the dual.
def test_together_at_full_width_is_ease(sequences, users):
  ends = sequences.offsets[users]
  few = Sequences(
    sequences.user_ids[:users],
    sequences.offsets[: users + 1],
    sequences.items[:ends],
    sequences.times[:ends],
  )
  read, scored = together(few, N, Settings(penalty=3.0), N, 0)
  found = read @ scored.T
  ids = np.array([str(i) for i in range(N)])
  alone = Impressions(
    impression_ids=ids,
    user_ids=ids,
    times=np.zeros(N, int),
    history=np.arange(N, dtype=np.int32),
    history_offsets=np.arange(N + 1),
    candidates=np.zeros(N, np.int32),
    candidate_offsets=np.arange(N + 1),
    labels=np.ones(N, np.uint8),
  )
  known = Known(few, np.zeros((N, 1), np.float32), 5, 0)
  want = Ease(penalty=3.0).fit(known).scores(alone, np.arange(N))
  size = np.abs(found).max() / np.abs(want).max()
  np.testing.assert_allclose(found / size, want, atol=1e-4)
  assert not read[N - 1].any() and not scored[N - 1].any()


def test_what_fades_says_less():
  """Items 0 and 1 came together long ago, 0 and 2 of late."""
  lists = [[0, 1]] * 10 + [[0, 2]] * 10
  times = [[0, 1]] * 10 + [[900 * 86400, 900 * 86400 + 1]] * 10
  for days, old in ((0.0, 0.9), (100.0, 0.1)):
    read, scored = together(
      sequences_of(lists, times), N, Settings(5.0, 0.0, days), N, 0
    )
    said = scored @ read[0]
    assert said[2] > 0
    assert (said[1] < old * said[2]) == (days > 0)


def test_follows_has_a_direction():
  rng = np.random.default_rng(0)
  chain = [np.arange(s, s + 4) % (N - 1) for s in rng.integers(N, size=80)]
  read, scored = CHANNELS['follows'](sequences_of(chain), N, Settings(), N, 0)
  said = read @ scored.T
  steps = np.arange(N - 1)
  after, before = (said[steps, (steps + d) % (N - 1)] for d in (1, -1))
  assert (after > before + 0.1 * after.max()).all()


@pytest.mark.parametrize('name', sorted(CHANNELS))
def test_fewer_columns_keep_what_tells_most(sequences, name):
  whole, half, one = (
    np.matmul(*(x if i == 0 else x.T for i, x in enumerate(found)))
    for found in (
      CHANNELS[name](sequences, N, Settings(penalty=3.0), width, 0)
      for width in (N, 6, 1)
    )
  )
  like = lambda x: np.corrcoef(x.ravel(), whole.ravel())[0, 1]
  assert like(one) < like(half) <= 1
  assert like(half) > 0.7


def test_they_are_found_once(sequences, tmp_path):
  options = {
    'names': ('together', 'follows'),
    'width': 3,
    'settings': Settings(),
    'seed': 0,
    'directory': tmp_path / 'factors',
  }
  first = factors(sequences, N, **options)
  assert first['read'].shape == first['scored'].shape == (N, 6)
  again = factors(None, N, **options)
  np.testing.assert_array_equal(first['read'], again['read'])


def test_texts_tell_where_actions_are_few():
  """Items 0 and 1 are alike in their texts, and nobody acted on both."""
  lists = [[0, 2], [0, 3], [1, 4], [1, 5]] * 3
  vectors = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
  vectors[1] = vectors[0]
  said = []
  for weight in (0.0, 2.0):
    read, scored = together(
      sequences_of(lists), N, Settings(2.0, texts=weight), N, 0, vectors
    )
    found = scored @ read[0]
    said.append(found[1] / np.abs(found).max())
  assert said[0] < 1e-3 and said[1] > 0.5


@pytest.mark.parametrize('name', sorted(CHANNELS))
@pytest.mark.parametrize(
  'lists',
  [
    [[0], [1], [2]],  # Nobody acted twice.
    [[0, 1], [2, 3], [4, 5]],  # No item has two actions.
    [[0], [0], [0]],  # Three actions, and nothing before or after.
    [[], []],
  ],
)
def test_of_nothing_known_vectors_are_zeros(name, lists):
  vectors = np.ones((N, 4), np.float32)
  read, scored = CHANNELS[name](
    sequences_of([np.array(x, int) for x in lists]),
    N,
    Settings(),
    5,
    0,
    vectors,
  )
  assert read.shape == scored.shape == (N, 5)
  assert np.isfinite(read).all() and np.isfinite(scored).all()
  if name == 'follows':
    assert not read.any() and not scored.any()
    silent = silent_channels({'read': np.tile(read, 2)}, ('a', 'b'))
    assert silent == ['a', 'b']


def test_one_line_from_the_future_does_not_make_the_rest_old():
  lists = [[0, 1]] * 10 + [[0, 2]] * 10
  times = [[0, 1]] * 10 + [[9000, 9001]] * 10
  right = together(sequences_of(lists, times), N, Settings(5.0, 0.0, 9.0), N, 0)
  lists, times = [*lists, [5]], [*times, [79 * 365 * 86400]]
  wrong = together(sequences_of(lists, times), N, Settings(5.0, 0.0, 9.0), N, 0)
  said = [scored @ read[0] for read, scored in (right, wrong)]
  np.testing.assert_allclose(
    said[0] / said[0].max(), said[1] / said[1].max(), atol=1e-3
  )
