"""Neighbours, EASE and rules beside what NumPy does plainly."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse

from jaxrec.baselines import baseline_class, ease
from jaxrec.baselines.ease import Ease
from jaxrec.baselines.neighbours import ItemKnn, UserKnn
from jaxrec.baselines.rules import SequentialRules
from tests.baselines.worlds import dense, make_world, weights

ROWS = np.arange(20)


def keep_largest(matrix, count):
  """`matrix` with all but the `count` largest of each row at 0."""
  kept = np.zeros_like(matrix)
  best = np.argsort(-matrix, 1, kind='stable')[:, :count]
  np.put_along_axis(kept, best, np.take_along_axis(matrix, best, 1), 1)
  return kept


@pytest.mark.parametrize('timed', [True, False])
@pytest.mark.parametrize('decay', [0.6, 1.0])
def test_item_knn(decay, timed):
  known, examples = make_world(0, timed=timed)
  matrix = dense(known)
  norms = np.sqrt(matrix.sum(0))
  near = matrix.T @ matrix / (np.outer(norms, norms) + 2.5)
  np.fill_diagonal(near, 0)
  history = weights(examples, known.num_items, decay)
  settings = {'shrinkage': 2.5, 'decay': decay}
  baseline = ItemKnn(neighbours=100, **settings).fit(known)
  want = history @ near
  np.testing.assert_allclose(baseline.scores(examples, ROWS), want, rtol=1e-5)
  few = ItemKnn(neighbours=4, **settings).fit(known)
  stored = few.similarities.toarray()
  assert ((stored > 0).sum(1) <= 4).all()
  # Equals at the edge may go either way; the values may not.
  np.testing.assert_allclose(
    -np.sort(-stored, 1), -np.sort(-keep_largest(near, 4), 1), rtol=1e-6
  )
  np.testing.assert_allclose(
    few.scores(examples, ROWS), history @ stored, rtol=1e-5
  )


@pytest.mark.parametrize('decay', [0.6, 1.0])
def test_user_knn_leaves_the_own_row_out(decay):
  known, examples = make_world(1, num_users=30, num_items=60, most=30)
  matrix = dense(known)
  history = weights(examples, known.num_items, decay)
  norms = np.linalg.norm(history, axis=1)[:, None] * np.linalg.norm(
    matrix, axis=1
  )
  near = history @ matrix.T / norms.clip(1e-12)
  for row in range(10):
    assert examples.user_ids[row] == known.sequences.user_ids[20 + row]
    near[row, 20 + row] = 0
  baseline = UserKnn(neighbours=100, decay=decay).fit(known)
  np.testing.assert_allclose(
    baseline.scores(examples, ROWS), near @ matrix, rtol=1e-4, atol=1e-6
  )
  # A neighbour in doubt would show; where there is a gap, none is.
  ordered = -np.sort(-near, 1)
  clear = ordered[:, 2] - ordered[:, 3] > 1e-4
  assert clear.sum() > 5
  few = UserKnn(neighbours=3, decay=decay).fit(known)
  np.testing.assert_allclose(
    few.scores(examples, ROWS)[clear],
    (keep_largest(near, 3) @ matrix)[clear],
    rtol=1e-4,
    atol=1e-6,
  )


def test_a_users_own_row_changes_nothing_for_him():
  known, examples = make_world(2)
  own = examples.user_ids[4]
  row = int(np.flatnonzero(known.sequences.user_ids == own)[0])
  without = known.sequences.where(known.sequences.users != row)
  assert len(without.items) < len(known.sequences.items)
  scores = [
    UserKnn()
    .fit(dataclasses.replace(known, sequences=s))
    .scores(examples, ROWS)
    for s in (known.sequences, without)
  ]
  np.testing.assert_array_equal(scores[0][4], scores[1][4])
  assert (scores[0][5:] != scores[1][5:]).any()


def ease_weights(matrix, penalty):
  inverse = np.linalg.inv(matrix.T @ matrix + penalty * np.eye(matrix.shape[1]))
  weights = -inverse / np.diag(inverse)
  np.fill_diagonal(weights, 0)
  return weights


# Fewer users than items, and more: the two forms.
@pytest.mark.parametrize(('num_users', 'dual'), [(15, True), (90, False)])
@pytest.mark.parametrize('decay', [0.6, 1.0])
def test_ease(num_users, dual, decay):
  known, examples = make_world(3, num_users=num_users, num_items=30)
  history = weights(examples, known.num_items, decay)
  baseline = Ease(penalty=1.5, decay=decay).fit(known)
  assert baseline.dual == dual
  assert not baseline.note
  want = history @ ease_weights(dense(known), 1.5)
  np.testing.assert_allclose(baseline.scores(examples, ROWS), want, atol=1e-5)


@pytest.mark.parametrize(('condition', 'dtype'), [(1e9, 'f4'), (10.0, 'f8')])
def test_a_matrix_is_inverted_by_halves(condition, dtype, monkeypatch):
  monkeypatch.setattr(ease, 'SMALL', 4)
  monkeypatch.setattr(ease, 'CONDITION', condition)
  rows = dense(make_world(8, num_users=60, num_items=41)[0])
  gram = rows.T @ rows
  inverse = ease._inverse(sparse.csr_array(gram), 2.0)
  assert inverse.dtype == dtype
  assert gram.sum(1).max() > 20
  want = np.linalg.inv(gram + 2.0 * np.eye(len(gram)))
  tolerance = 1e-6 if dtype == 'f4' else 1e-14
  np.testing.assert_allclose(inverse, want, atol=tolerance)
  np.testing.assert_allclose(inverse, inverse.T, atol=tolerance)


def test_ease_beyond_the_limit_keeps_the_popular(monkeypatch):
  monkeypatch.setattr(ease, 'MOST', 12)
  known, examples = make_world(4, num_users=50, num_items=30)
  matrix = dense(known)
  baseline = Ease(penalty=2.0).fit(known)
  kept = np.argsort(-matrix.sum(0), kind='stable')[:12]
  assert '12 most popular' in baseline.note
  want = np.zeros((20, known.num_items))
  history = weights(examples, known.num_items, 1.0)
  want[:, kept] = history[:, kept] @ ease_weights(matrix[:, kept], 2.0)
  np.testing.assert_allclose(baseline.scores(examples, ROWS), want, atol=1e-5)


@pytest.mark.parametrize('steps', [1, 3, 50])
@pytest.mark.parametrize('sharing', [0.0, 0.5, 1.0])
@pytest.mark.parametrize('decay', [0.0, 0.5])
def test_sequential_rules(steps, sharing, decay):
  known, examples = make_world(5, most=20)
  sequences = known.sequences
  rules = np.zeros((known.num_items, known.num_items))
  counts = np.zeros(known.num_items)
  for user in range(len(sequences)):
    part = slice(*sequences.offsets[user : user + 2])
    items, times = sequences.items[part], sequences.times[part]
    events = [set(items[times == time]) for time in np.unique(times)]
    for i, event in enumerate(events):
      for a in event:
        counts[a] += 1
        for distance in range(1, steps + 1):
          for b in events[i + distance] if i + distance < len(events) else ():
            rules[a, b] += 1 / distance
  rules /= counts.clip(1)[:, None] ** sharing
  baseline = SequentialRules(steps=steps, sharing=sharing, decay=decay)
  np.testing.assert_allclose(
    baseline.fit(known).scores(examples, ROWS),
    weights(examples, known.num_items, decay) @ rules,
    rtol=1e-5,
  )


def test_items_of_one_event_do_not_predict_one_another():
  known, examples = make_world(6)
  one_time = dataclasses.replace(
    known.sequences, times=np.zeros_like(known.sequences.times)
  )
  known = dataclasses.replace(known, sequences=one_time)
  scores = SequentialRules(decay=1.0).fit(known).scores(examples, ROWS)
  assert not scores.any()


@pytest.mark.parametrize('name', ['item_knn', 'user_knn', 'ease'])
def test_what_never_fades_is_the_plain_form(name):
  known, examples = make_world(7)
  plain = baseline_class(name)().fit(known).scores(examples, ROWS)
  recency = baseline_class(f'{name}_recency')
  for settings in recency.grid:
    faded = recency(**settings).fit(known).scores(examples, ROWS)
    assert not np.allclose(faded, plain)
  settings = {**recency.grid[0], 'decay': 1.0}
  same = recency(**settings).fit(known).scores(examples, ROWS)
  baseline = baseline_class(name)(**settings).fit(known)
  np.testing.assert_array_equal(same, baseline.scores(examples, ROWS))
