import contextlib

import numpy as np
import pytest

from jaxrec.baselines import BASELINES, Baseline, Known
from jaxrec.data.splits.held_out import leave_one_out
from jaxrec.errors import UserError
from jaxrec.evaluation import metrics, protocols, scorers, summary
from tests.data.splits.test_sequences import random_sequences

N = 30


@pytest.fixture(scope='module')
def held():
  return leave_one_out(random_sequences())


def known_of(held):
  vectors = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
  parts = {'validation': held.train, 'test': held.before_test}
  return lambda split: Known(parts[split], vectors, history_length=5, seed=0)


def run(held, **changes):
  options = {
    'scorer': scorers.BlockScorer(
      lambda examples, rows: np.random.default_rng(rows[0]).random(
        (len(rows), N)
      ),
      None,
    ),
    'protocol': protocols.WholeCatalog('leave_one_out', 'masked'),
    'split': held.test,
    'validation': held.validation,
    'known': known_of(held)('test'),
    'known_before_validation': known_of(held)('validation'),
    'baselines': 'popularity,item_knn_recency',
    'threshold': 0.0,
    'calibrated': None,
    'num_bootstrap': 50,
    'seed': 0,
    'track': lambda *args: contextlib.nullcontext(lambda *args: None),
  }
  return summary.evaluate(**(options | changes))


def test_what_results_say(held):
  found = run(held)
  assert list(found.judged) == ['jaxrec', 'popularity', 'item_knn_recency']
  told = found.results
  assert told['calibration'] is None and 'f1' not in told['metrics']
  assert told['protocol']['examples'] == len(found.examples)
  dropped = told['protocol']['left_out']['examples with no other target']
  assert len(found.examples) + dropped == len(held.test)
  for name in ('popularity', 'item_knn_recency'):
    for metric, row in told['comparisons'][name].items():
      ours, theirs = told['metrics'][metric], told['baselines'][name][metric]
      assert row['difference'] == pytest.approx(ours - theirs)
      assert row['interval'][0] <= row['difference'] <= row['interval'][1]
      low, high = told['baseline_intervals'][name][metric]
      assert low <= theirs <= high
  for answers in told['slices'].values():
    total = sum(part['examples'] for part in answers.values())
    assert total == len(found.examples)
    mean = sum(
      part['examples'] * part['metrics']['mrr'] for part in answers.values()
    )
    assert mean / total == pytest.approx(told['metrics']['mrr'])
  assert set(told['choices']) == {'popularity', 'item_knn_recency'}


def test_the_future_does_not_choose(held):
  """Settings depend on validation alone, whatever the test is."""
  other = held.test.take(np.arange(3))
  assert (
    run(held).results['choices'] == run(held, split=other).results['choices']
  )


def test_the_best_on_validation_is_chosen(held, monkeypatch):
  class Nearly(Baseline):
    grid = ({'share': 0.0}, {'share': 1.0}, {'share': 0.5})

    def __init__(self, share):
      self.share = share

    def fit(self, known):
      return self

    def scores(self, examples, rows):
      scores = np.random.default_rng(0).random((len(rows), N))
      for row, i in enumerate(rows):  # No real one may look there.
        scores[row, examples.candidates[examples.shown(i)]] += self.share
      return scores.astype(np.float32)

  monkeypatch.setattr('jaxrec.baselines.baseline_class', lambda name: Nearly)
  found = run(held, baselines='random').results
  assert found['choices'] == {'random': {'share': 1.0}}
  assert found['baselines']['random']['ndcg@10'] == 1


def test_baselines_by_name():
  assert summary.chosen('all') == list(BASELINES)
  assert summary.chosen('none') == []
  assert summary.chosen('ease, random') == ['ease', 'random']
  with pytest.raises(UserError, match=r"evaluation\.baselines: 'eas' is unkn"):
    summary.chosen('random,eas')


def test_users_of_counts_users_not_actions():
  sequences = random_sequences()
  found = summary.users_of(sequences, N)
  pairs = {*zip(sequences.users, sequences.items, strict=True)}
  expected = np.bincount([i for _, i in pairs], minlength=N)
  np.testing.assert_array_equal(found, expected)


def test_without_baselines(held):
  found = run(held, baselines='none').results
  assert found['baselines'] == found['comparisons'] == {}
  assert np.isfinite(found['metrics']['ndcg@10'])
  assert set(found['intervals']) >= set(metrics.RANKING)
