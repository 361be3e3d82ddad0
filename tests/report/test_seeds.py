"""Seeds taken together: numbers by hand."""

import numpy as np
import pytest

from jaxrec.errors import UserError
from jaxrec.report.seeds import combine
from tests.report.runs import of_training, one_seed


def test_seeds_by_hand(three):
  ours = three['methods']['jaxrec']['auc']
  assert three['seeds'] == [0, 1, 2] and ours['values'] == [0.60, 0.63, 0.66]
  assert ours['mean'] == pytest.approx(0.63)
  assert ours['sd'] == pytest.approx(0.03)  # sqrt((.03² + 0 + .03²) / 2)
  assert (ours['min'], ours['max']) == (0.60, 0.66)
  np.testing.assert_allclose(ours['interval'], [0.59, 0.68])
  against = three['methods']['item_knn']['against']['auc']
  assert against['difference'] == pytest.approx(0.13)
  np.testing.assert_allclose(against['interval'], [0.0, 0.36])
  assert against['p'] == 0.03  # The largest.
  assert three['best_baseline'] == 'item_knn'  # The oracle is none.
  assert three['ratio'] == pytest.approx(0.63 / 0.5)
  assert list(three['methods']) == ['oracle', 'jaxrec', 'item_knn']
  assert three['methods']['oracle']['kind'] == 'ceiling'
  assert three['metric'] == 'auc' and three['metrics'] == ['auc', 'mrr']


def test_one_seed_is_as_it_was():
  combined = combine({7: one_seed(0.6, 0.5, 0.1, 0.03)})
  ours = combined['methods']['jaxrec']['auc']
  assert ours['mean'] == 0.6 and ours['sd'] is None
  assert combined['methods']['item_knn']['against']['auc']['p'] == 0.03


def test_seeds_that_disagree_who_is_ahead_prove_nothing():
  runs = {
    0: one_seed(0.6, 0.5, 0.1, 0.002),
    1: one_seed(0.4, 0.5, -0.1, 0.002),
  }
  against = combine(runs)['methods']['item_knn']['against']['auc']
  assert against['p'] == 1.0 and abs(against['difference']) < 1e-12


def test_ties_count_against_ours():
  combined = combine({0: one_seed(0.5, 0.5, 0.0, 1.0)})
  assert list(combined['methods']) == ['oracle', 'item_knn', 'jaxrec']
  assert combined['ratio'] == 1


def test_seeds_of_different_data_are_refused():
  other = one_seed(0.6, 0.5, 0.1, 0.03)
  other['fingerprints'] = {'data': 'changed', 'encoder': 'e'}
  with pytest.raises(UserError, match='seeds 0 and 3 saw different data'):
    combine({0: one_seed(0.6, 0.5, 0.1, 0.03), 3: other})


def test_what_training_added_by_hand():
  seed = lambda *given: (
    one_seed(0.6, 0.5, 0.1, 0.03) | {'training': of_training(*given)}
  )
  runs = {
    0: seed(0, 0.0, [0.0, 0.0], 1.0),
    1: seed(40, 0.02, [0.01, 0.03], 0.01),
    2: seed(20, 0.04, [0.03, 0.05], 0.002),
  }
  training = combine(runs)['training']
  assert training['chosen_steps'] == [0, 40, 20]
  assert training['added']['auc']['difference'] == pytest.approx(0.02)
  assert training['added']['auc']['interval'] == [0.0, 0.05]
  assert training['added']['auc']['p'] == 1.0
  # A run of an earlier version does not tell, so that no mean is known.
  del runs[1]['training']
  assert combine(runs)['training'] is None
