import numpy as np
import pytest

from jaxrec.evaluation import calibration


def test_calibration_of_true_probabilities_is_near_zero():
  rng = np.random.default_rng(3)
  chance = rng.beta(1, 8, 200_000)
  logits = np.log(chance / (1 - chance))
  labels = rng.random(len(chance)) < chance
  good = calibration.reliability(logits, labels)
  assert good['ece'] < 0.005
  assert sum(b['count'] for b in good['bins']) == len(labels)
  off = calibration.reliability(logits + 1, labels)
  assert off['ece'] > 0.05
  assert all(b['predicted'] > b['clicked'] for b in off['bins'][-5:])


def test_calibration_never_cuts_between_equals():
  bins = calibration.reliability(np.repeat([0.0, 1.0, 2.0], 50), np.ones(150))
  assert [b['count'] for b in bins['bins']] == [50, 50, 50]
  assert calibration.reliability(np.zeros(0), np.zeros(0))['ece'] == 0


def test_a_fit_undoes_what_was_done_to_the_logits():
  rng = np.random.default_rng(0)
  truth = rng.normal(-3, 1, 100_000)
  labels = rng.random(len(truth)) < 1 / (1 + np.exp(-truth))
  logits = (truth + 2) / 0.5  # What a model trained on few others says.
  slope, intercept = calibration.fit(logits, labels)
  assert slope == pytest.approx(0.5, abs=0.02)
  assert intercept == pytest.approx(-2, abs=0.03)
  curves = calibration.as_trained_and_fitted(logits, labels, (slope, intercept))
  assert curves['fitted']['ece'] < 0.01 < 0.1 < curves['ece']


def test_a_fit_turns_no_order_round():
  logits = np.linspace(-1, 1, 100)
  slope, _ = calibration.fit(logits, logits < 0)
  assert slope == 0


@pytest.mark.parametrize('labels', [np.zeros(3), np.ones(3), np.zeros(0)])
def test_one_kind_alone_cannot_be_fitted(labels):
  logits = np.zeros(len(labels))
  assert calibration.fit(logits, labels) is None
  assert 'fitted' not in calibration.as_trained_and_fitted(logits, labels, None)
