"""Probabilities of whole catalogs, fitted and judged."""

import dataclasses

import numpy as np
import pytest
from scipy import optimize

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation import choices, protocols, scorers
from jaxrec.evaluation.shortened import joined, shortened
from tests.evaluation.held_out_split import held_out_split

N = 150
PROTOCOL = protocols.WholeCatalog('leave_one_out', 'masked')


def world(count, seed, sharpness):
  """Users who choose by a softmax of known logits, and what scores them.

  The more is known of a user, the nearer the scores are to what they choose by.
  """
  rng = np.random.default_rng(seed)
  lengths = rng.integers(0, 12, count)
  logits = rng.normal(size=(count, N)) * (1 + lengths[:, None] / 6)
  history = [rng.integers(0, N, n) for n in lengths]
  for row, items in zip(logits, history, strict=True):
    row[items] = -np.inf
  drawn = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
  ids = np.arange(count).astype(str)
  examples = Impressions(
    impression_ids=ids,
    user_ids=ids,
    times=np.zeros(count, np.int64),
    history=np.concatenate(history).astype(np.int32),
    history_offsets=np.concatenate([[0], np.cumsum(lengths)]),
    candidates=drawn.astype(np.int32),
    candidate_offsets=np.arange(count + 1),
    labels=np.ones(count, np.uint8),
  )
  scores = np.where(np.isfinite(logits), logits, 0) / sharpness

  def of(examples, rows):
    users = [int(examples.user_ids[i]) for i in rows]
    return scores[users].astype(np.float32)

  return examples, scorers.BlockScorer(of, None)


@pytest.fixture(scope='module')
def fitted():
  examples, scorer = world(400, 0, sharpness=0.5)
  return choices.fit(scorer, PROTOCOL, examples, history_length=50, seed=0)


@pytest.fixture(scope='module')
def judged(fitted):
  examples, scorer = world(400, 1, sharpness=0.5)
  return choices.judge(
    scorer, PROTOCOL, examples, fitted, history_length=50, seed=0
  )


def test_the_gradient_is_that_of_the_loss():
  rng = np.random.default_rng(0)
  best = -np.sort(-rng.normal(size=(9, choices.RANKS)), axis=1)
  best[0, 3:] = -np.inf
  hits = choices.FirstHits(
    ranks=np.array([0, 2, 5, 99, 100, 100, 1, 0, 100]),
    below=-np.array([0, 0, 0, 0, 1.0, 0.1, 0, 0, 3]),
    best=best,
    lengths=np.arange(9),
    tails=np.log(100 + rng.random((9, 1)) * 50 / (1 + choices.GRID)),
  )
  loss = choices._loss(hits, (0.0, 3.0, 8.0))
  at = rng.normal(size=18)
  value, gradient = loss(at)
  assert np.isfinite(value)
  numeric = optimize.approx_fprime(at, lambda x: loss(x)[0], 1e-6)
  np.testing.assert_allclose(gradient, numeric, atol=1e-5)


def test_it_promises_what_comes_true(judged):
  """On users that it was not fitted on, as sharp as no softmax was told."""
  part = judged['by_history']['all']
  p, hits = np.array(part['probability']), np.array(part['hits'])
  assert hits.sum() > 0.2
  assert p.sum() == pytest.approx(hits.sum(), rel=0.2)
  assert p[0] == pytest.approx(hits[0], rel=0.4)
  assert judged['ece'] < 0.02 < judged['bins'][-1]['predicted']


def test_what_results_hold(judged):
  assert judged['kind'] == 'softmax'
  assert list(judged['by_history']) == ['1', '5', '20', 'all']
  for part in judged['by_history'].values():
    assert part['largest_sum'] <= 1 and part['examples'] > 350
    for name in ('probability', 'hits', 'among'):
      assert len(part[name]) == choices.FIRST
    assert part['hits'] == part['among']  # Of one target each.
    assert part['probability'] == sorted(part['probability'], reverse=True)


def test_without_a_target_there_is_none():
  split, scorer = world(3, 0, 1.0)
  nobody = split.take(np.zeros(0, int))
  fit = lambda split: choices.fit(
    scorer, PROTOCOL, split, history_length=9, seed=0
  )
  assert fit(nobody) is None
  assert np.isfinite(fit(split).share).all()  # Three are few, but do.


def test_of_several_targets_the_highest_counts():
  examples, _ = world(2, 0, 1.0)
  both = dataclasses.replace(
    examples,
    candidates=np.array([3, 1, 2], np.int32),
    candidate_offsets=np.array([0, 2, 3]),
    labels=np.ones(3, np.uint8),
  )
  scores = np.zeros((2, N), np.float32)
  scores[:, 1:4] = [[2, 1, 3], [2, -5, 1]]
  scorer = scorers.BlockScorer(lambda _, rows: scores[rows], None)
  protocol = protocols.WholeCatalog('time_split', 'kept')
  hits = choices._first_hits(scorer, protocol, both, 50)
  np.testing.assert_array_equal(hits.ranks, [0, choices.RANKS])
  np.testing.assert_array_equal(hits.below, [0, -5])


def test_histories_are_cut_from_their_beginnings():
  split = held_out_split()
  two = shortened(split, 2)
  for i in range(len(split)):
    np.testing.assert_array_equal(two.history_of(i, 99), split.history_of(i, 2))
  again = joined([two, split])
  assert len(again) == 2 * len(split)
  last = len(again) - 1
  np.testing.assert_array_equal(
    again.history_of(last, 99), split.history_of(len(split) - 1, 99)
  )
  np.testing.assert_array_equal(
    again.candidates[again.shown(last)],
    split.candidates[split.shown(len(split) - 1)],
  )
