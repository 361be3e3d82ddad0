"""What holds for every baseline, and the simple ones beside NumPy."""

import dataclasses

import numpy as np
import pytest

from jaxrec.baselines import BASELINES, baseline_class, fitted
from jaxrec.baselines.base import shown_items
from jaxrec.baselines.popularity import Popularity, RecentPopularity
from jaxrec.baselines.text import LastItem, MeanOfHistory
from jaxrec.baselines.trivial import Random, oracle
from tests.baselines.worlds import DAY, make_world, unit

ROWS = np.arange(20)
LEARNED = [name for name in BASELINES if baseline_class(name) is not Random]


@pytest.mark.parametrize('timed', [True, False])
@pytest.mark.parametrize('name', BASELINES)
def test_scores_are_finite_and_know_no_blocks(name, timed):
  known, examples = make_world(0, timed=timed)
  baseline = baseline_class(name)().fit(known)
  scores = baseline.scores(examples, ROWS)
  assert scores.shape == (20, known.num_items)
  assert scores.dtype == np.float32
  assert np.isfinite(scores).all()
  some = np.array([7, 3, 0, 19])
  np.testing.assert_allclose(
    baseline.scores(examples, some), scores[some], atol=1e-6
  )
  items, owners = shown_items(examples, some)
  pairs = baseline.pairs(examples, some)
  assert pairs.dtype == np.float32
  np.testing.assert_allclose(pairs, scores[some[owners], items], atol=1e-6)
  none = np.zeros(0, np.int64)
  assert baseline.scores(examples, none).shape == (0, known.num_items)
  assert baseline.pairs(examples, none).shape == (0,)


@pytest.mark.parametrize('name', LEARNED)
def test_candidates_and_labels_are_not_read(name):
  known, examples = make_world(1)
  baseline = baseline_class(name)().fit(known)
  blind = dataclasses.replace(
    examples,
    candidates=examples.candidates[::-1].copy(),
    labels=1 - examples.labels,
  )
  scores = baseline.scores(examples, ROWS)
  np.testing.assert_array_equal(baseline.scores(blind, ROWS), scores)


@pytest.mark.parametrize('name', [n for n in LEARNED if 'popularity' not in n])
def test_without_a_history_all_is_tied(name):
  known, examples = make_world(2)
  assert examples.history_offsets[1] == 0
  scores = baseline_class(name)().fit(known).scores(examples, ROWS[:1])
  np.testing.assert_array_equal(scores, 0)


@pytest.mark.parametrize(
  'name',
  [n for n in LEARNED if not issubclass(baseline_class(n), MeanOfHistory)],
)
def test_an_item_nobody_acted_on_scores_0(name):
  known, examples = make_world(3, cold=4)
  scores = baseline_class(name)().fit(known).scores(examples, ROWS)
  np.testing.assert_array_equal(scores[:, -4:], 0)
  assert scores[:, :-4].any()


@pytest.mark.parametrize('name', LEARNED)
def test_nothing_known_is_no_error(name):
  known, examples = make_world(3)
  nothing = known.sequences.where(np.zeros(len(known.sequences.items), bool))
  known = dataclasses.replace(known, sequences=nothing)
  scores = baseline_class(name)().fit(known).scores(examples, ROWS)
  assert np.isfinite(scores).all()
  if not issubclass(baseline_class(name), MeanOfHistory):
    assert not scores.any()


@pytest.mark.parametrize('name', BASELINES)
def test_a_shared_fit_is_as_good_as_a_fit_of_ones_own(name):
  known, examples = make_world(4)
  seen = []
  for settings, baseline in fitted(name, known):
    alone = baseline_class(name)(**settings).fit(known)
    scores = baseline.scores(examples, ROWS)
    np.testing.assert_array_equal(scores, alone.scores(examples, ROWS))
    seen.append(settings)
  assert tuple(seen) == baseline_class(name).grid


@pytest.mark.parametrize('name', LEARNED)
def test_who_the_users_are_makes_no_difference(name):
  # But for user_knn, which knows a user's own row; nobody has one here.
  known, examples = make_world(5)
  examples = dataclasses.replace(
    examples, user_ids=np.array([f'new {i}' for i in ROWS])
  )
  order = np.random.default_rng(5).permutation(len(known.sequences))
  parts = np.split(
    np.arange(len(known.sequences.items)), known.sequences.offsets[1:-1]
  )
  flat = np.concatenate([parts[i] for i in order])
  ends = np.cumsum([0] + [len(parts[i]) for i in order])
  shuffled = dataclasses.replace(
    known.sequences,
    offsets=ends,
    items=known.sequences.items[flat],
    times=known.sequences.times[flat],
  )
  scores = [
    baseline_class(name)()
    .fit(dataclasses.replace(known, sequences=sequences))
    .scores(examples, ROWS)
    for sequences in (known.sequences, shuffled)
  ]
  np.testing.assert_allclose(*scores, atol=1e-5)


def test_random_is_uniform_and_hangs_on_seed_row_and_item():
  known, examples = make_world(0, num_items=2000)
  scores = Random().fit(known).scores(examples, ROWS)
  assert len(np.unique(scores)) > 0.99 * scores.size
  counts = np.histogram(scores, 10, (0, 1))[0]
  assert np.abs(counts / scores.size - 0.1).max() < 0.01
  close = np.corrcoef(scores[:-1].ravel(), scores[1:].ravel())[0, 1]
  assert abs(close) < 0.03
  other = Random().fit(dataclasses.replace(known, seed=1))
  others = other.scores(examples, ROWS)
  assert np.isclose(others, scores).mean() < 0.01
  # Nor is the next seed the same, one row on.
  assert np.isclose(others[:-1], scores[1:]).mean() < 0.01


def test_oracle_tells_the_truth_where_there_is_one():
  _, examples = make_world(0)
  assert oracle(examples, ROWS) is None
  truth = np.random.default_rng(0).random(len(examples.candidates))
  made = dataclasses.replace(examples, probabilities=truth)
  want = np.concatenate([truth[examples.shown(i)] for i in (4, 2)])
  got = oracle(made, np.array([4, 2]))
  np.testing.assert_array_equal(got, want.astype(np.float32))


def test_popularity_counts_what_has_a_time():
  known, examples = make_world(6)
  sequences = known.sequences
  times = sequences.times - 2 * DAY  # Days 0 and 1 are of unknown time now.
  known = dataclasses.replace(
    known, sequences=dataclasses.replace(sequences, times=times)
  )
  scores = Popularity().fit(known).scores(examples, ROWS)
  for item in range(known.num_items):
    want = ((sequences.items == item) & (times >= 0)).sum()
    np.testing.assert_array_equal(scores[:, item], want)
  unknown = dataclasses.replace(sequences, times=times - 1000 * DAY)
  for cls in (Popularity, RecentPopularity):
    baseline = cls().fit(dataclasses.replace(known, sequences=unknown))
    want = np.bincount(sequences.items, minlength=known.num_items)
    np.testing.assert_array_equal(baseline.scores(examples, ROWS)[0], want)


def test_recent_popularity_halves_with_age():
  known, examples = make_world(7)
  newest = known.sequences.times.max()
  want = np.zeros(known.num_items)
  for item, time in zip(
    known.sequences.items, known.sequences.times, strict=True
  ):
    want[item] += 0.5 ** ((newest - time) / DAY / 1.5)
  baseline = RecentPopularity(half_life=1.5).fit(known)
  scores = baseline.scores(examples, ROWS)
  np.testing.assert_allclose(scores[3], want, rtol=1e-5)
  forever = RecentPopularity(half_life=1e12).fit(known)
  plain = Popularity().fit(known).scores(examples, ROWS)
  np.testing.assert_allclose(forever.scores(examples, ROWS), plain, rtol=1e-5)


def test_one_action_from_the_future_makes_no_other_old():
  known, examples = make_world(7)
  sequences, last = known.sequences, known.sequences.times.argmax()
  times = sequences.times.copy()
  times[last] = times.max() + 80 * 365 * DAY
  wrong = dataclasses.replace(
    known, sequences=dataclasses.replace(sequences, times=times)
  )
  right, moved = (
    RecentPopularity(half_life=1.5).fit(x).scores(examples, ROWS)[0]
    for x in (known, wrong)
  )
  others = np.arange(len(right)) != sequences.items[last]
  right, moved = right / right.sum(), moved / moved.sum()
  np.testing.assert_allclose(right[others], moved[others], rtol=0.1)
  assert right[others].any()


@pytest.mark.parametrize('timed', [True, False])
def test_text_baselines_are_means_of_unit_vectors(timed):
  known, examples = make_world(8, timed=timed)
  vectors = unit(known.vectors.astype(np.float64))
  mean = MeanOfHistory().fit(known).scores(examples, ROWS)
  last = LastItem().fit(known).scores(examples, ROWS)
  for row in ROWS:
    part = slice(*examples.history_offsets[row : row + 2])
    items = examples.history[part]
    if not len(items):
      continue
    recent = items[-known.history_length :]
    want = vectors @ vectors[recent].mean(0)
    np.testing.assert_allclose(mean[row], want, atol=1e-6)
    if timed:
      times = examples.history_times[part]
      event = items[times == times[-1]]
    else:
      event = items[-1:]
    want = vectors @ vectors[event].mean(0)
    np.testing.assert_allclose(last[row], want, atol=1e-6)
