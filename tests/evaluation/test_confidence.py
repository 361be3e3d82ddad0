import numpy as np
import pytest

from jaxrec.evaluation import confidence, metrics


def model(rng, size, mean):
  return {
    'auc': (rng.normal(mean, 1, size), np.ones(size)),
    'f1': (rng.random(size), rng.integers(0, 3, size).astype(float)),
  }


def test_intervals_are_as_wide_as_theory_says():
  rng = np.random.default_rng(0)
  size = 4000
  models = {'a': model(rng, size, 0.0)}
  drawn = confidence.bootstrap(models, np.arange(size), draws=800, seed=1)
  low, high = confidence.interval(drawn['a']['auc'])
  mean, error = models['a']['auc'][0].mean(), 1 / np.sqrt(size)
  assert low == pytest.approx(mean - 1.96 * error, abs=0.2 * error)
  assert high == pytest.approx(mean + 1.96 * error, abs=0.2 * error)


def test_users_are_drawn_with_all_their_examples():
  """Copies of an example say nothing new, and narrow nothing."""
  rng = np.random.default_rng(0)
  once = model(rng, 200, 0.0)
  thrice = {name: tuple(np.tile(x, 3) for x in v) for name, v in once.items()}
  width = lambda values, users: np.ptp(
    confidence.interval(
      confidence.bootstrap({'a': values}, users, draws=300, seed=0)['a']['auc']
    )
  )
  users = np.arange(200)
  assert width(thrice, np.tile(users, 3)) == pytest.approx(width(once, users))
  assert width(thrice, np.arange(600)) < 0.7 * width(once, users)


def test_the_center_is_the_metric():
  rng = np.random.default_rng(0)
  values = model(rng, 500, 1.0)
  drawn = confidence.bootstrap(
    {'a': values}, np.arange(500) % 100, draws=400, seed=0
  )
  for name, expected in metrics.finalize(values).items():
    assert drawn['a'][name].mean() == pytest.approx(expected, abs=0.02)


def test_pairing_sees_what_intervals_do_not():
  """A small lead on every example is sure, though the intervals overlap."""
  rng = np.random.default_rng(0)
  base = rng.normal(0, 1, 300)
  models = {
    name: {'auc': (base + lead, np.ones(300))}
    for name, lead in (('ours', 0.01), ('theirs', 0.0))
  }
  drawn = confidence.bootstrap(models, np.arange(300), draws=500, seed=0)
  ours, theirs = drawn['ours']['auc'], drawn['theirs']['auc']
  compared = confidence.comparison(ours, theirs, 0.01)
  assert compared['p'] == pytest.approx(2 / 501)
  assert compared['interval'] == pytest.approx([0.01, 0.01])
  assert confidence.interval(ours)[0] < confidence.interval(theirs)[1]
  same = confidence.comparison(ours, ours, 0.0)
  assert same['p'] == 1 and same['interval'] == [0, 0]


def test_p_values_of_no_difference_are_spread():
  rng = np.random.default_rng(0)
  p_values = []
  for i in range(60):
    models = {
      name: {'auc': (rng.normal(size=80), np.ones(80))} for name in 'ab'
    }
    drawn = confidence.bootstrap(models, np.arange(80), draws=200, seed=i)
    p_values.append(
      confidence.comparison(*(drawn[m]['auc'] for m in 'ab'), 0)['p']
    )
  assert np.mean(np.array(p_values) < 0.05) < 0.2 and np.median(p_values) > 0.2


def test_what_is_never_valid_has_no_interval():
  values = {'auc': (np.zeros(5), np.zeros(5))}
  drawn = confidence.bootstrap({'a': values}, np.arange(5), draws=10, seed=0)
  assert np.isnan(confidence.interval(drawn['a']['auc'])).all()


def test_nothing_to_compare_is_no_certainty():
  nothing = np.full(5, np.nan)
  compared = confidence.comparison(nothing, np.zeros(5), np.nan)
  assert np.isnan([compared['difference'], compared['p']]).all()
  assert np.isnan(compared['interval']).all()
