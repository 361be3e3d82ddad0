import contextlib

import numpy as np
import pytest

from jaxrec.baselines import Known
from jaxrec.data.splits.held_out import leave_one_out
from jaxrec.evaluation import metrics, protocols, scorers, summary
from tests.data.columns.test_sequences import random_sequences

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
  evaluation = run(held)
  assert list(evaluation.judged) == ['jaxrec', 'popularity', 'item_knn_recency']
  results = evaluation.results
  assert results['calibration'] is None and 'f1' not in results['metrics']
  assert results['protocol']['examples'] == len(evaluation.examples)
  dropped = results['protocol']['left_out']['examples with no other target']
  assert len(evaluation.examples) + dropped == len(held.test)
  for name in ('popularity', 'item_knn_recency'):
    for metric, row in results['comparisons'][name].items():
      ours, theirs = (
        results['metrics'][metric],
        results['baselines'][name][metric],
      )
      assert row['difference'] == pytest.approx(ours - theirs)
      assert row['interval'][0] <= row['difference'] <= row['interval'][1]
      low, high = results['baseline_intervals'][name][metric]
      assert low <= theirs <= high
  for answers in results['slices'].values():
    total = sum(part['examples'] for part in answers.values())
    assert total == len(evaluation.examples)
    mean = sum(
      part['examples'] * part['metrics']['mrr'] for part in answers.values()
    )
    assert mean / total == pytest.approx(results['metrics']['mrr'])
  assert set(results['choices']) == {'popularity', 'item_knn_recency'}


def test_the_future_does_not_choose(held):
  """Settings depend on validation alone, whatever the test is."""
  other = held.test.take(np.arange(3))
  assert (
    run(held).results['choices'] == run(held, split=other).results['choices']
  )


def test_users_of_counts_users_not_actions():
  sequences = random_sequences()
  counts = summary.users_of(sequences, N)
  pairs = {*zip(sequences.users, sequences.items, strict=True)}
  expected = np.bincount([i for _, i in pairs], minlength=N)
  np.testing.assert_array_equal(counts, expected)


def test_without_baselines(held):
  results = run(held, baselines='none').results
  assert results['baselines'] == results['comparisons'] == {}
  assert np.isfinite(results['metrics']['ndcg@10'])
  assert set(results['intervals']) >= set(metrics.RANKING)
