import contextlib

import numpy as np
import pytest

from jaxrec.baselines import Known
from jaxrec.data.splits.held_out import leave_one_out
from jaxrec.evaluation import metrics, protocols, scorers, summary
from jaxrec.retrieval.choice import Choice
from tests.data.columns.test_sequences import random_sequences

N = 30


@pytest.fixture(scope='module')
def held():
  return leave_one_out(random_sequences())


def known_of(held):
  vectors = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
  parts = {'validation': held.train, 'test': held.before_test}
  return lambda split: Known(parts[split], vectors, history_length=5, seed=0)


def by_history(seed):
  """A scorer that draws by what was read, so that no block matters."""
  weights = np.random.default_rng(seed).normal(size=(N, N))
  return scorers.BlockScorer(
    lambda examples, rows: np.stack(
      [weights[examples.history_of(i, 5)].sum(0) for i in rows]
    ).astype(np.float32),
    None,
  )


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


def test_the_other_way_with_seen_items_is_told_beside_the_main_one(held):
  kept = protocols.WholeCatalog('leave_one_out', 'kept')
  options = {'scorer': by_history(1), 'baselines': 'popularity,last_item'}
  masked, other = (
    run(held, protocol=p, **options).results
    for p in (protocols.WholeCatalog('leave_one_out', 'masked'), kept)
  )
  for here, there in ((masked, other), (other, masked)):
    told = here['other_seen']
    assert told['seen'] == told['protocol']['seen'] == there['protocol']['seen']
    assert told['protocol'] == there['protocol']
    assert set(told['metrics']) == set(metrics.RANKING)
    for name in metrics.RANKING:
      for part in ('metrics', 'intervals'):
        assert told[part][name] == pytest.approx(there[part][name], abs=1e-12)
      for model in ('popularity', 'last_item'):
        value = told['baselines'][model][name]
        assert value == there['baselines'][model][name]
        difference = told['comparisons'][model][name]['difference']
        assert difference == told['metrics'][name] - value
  assert masked['metrics'] != other['metrics']


def test_what_training_added(held):
  ours, start = by_history(1), by_history(2)
  results = run(held, scorer=ours, start=start, baselines='none').results
  alone = run(held, scorer=start, baselines='none').results
  training = results['training']
  assert set(training['step_0']) == set(metrics.RANKING)
  for name, at_start in training['step_0'].items():
    assert at_start == alone['metrics'][name]
    added = training['added'][name]
    assert added['difference'] == results['metrics'][name] - at_start
    assert added['interval'][0] <= added['difference'] <= added['interval'][1]
  # Step 0 itself adds nothing, and that is sure.
  for added in alone['training']['added'].values():
    assert added == {'difference': 0, 'interval': [0, 0], 'p': 1}
  assert alone['training']['step_0'].items() <= alone['metrics'].items()


def test_probabilities_of_a_catalog_are_judged(held):
  choice = Choice(*[(0.0, 9.0)] + [(0.5, 0.5)] * 6, seen='masked')
  found = run(held, choice=choice, history_length=5, baselines='none').results
  calibrated = found['calibration']
  assert calibrated['kind'] == 'softmax' and 0 <= calibrated['ece'] < 1
  assert calibrated['by_history']['all']['examples'] == len(
    run(held, baselines='none').examples
  )
  assert calibrated['parameters']['share'] == (0.5, 0.5)


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
