"""Settings of baselines, chosen on validation."""

import numpy as np
import pytest

from jaxrec.baselines import Baseline, Known
from jaxrec.data.splits.held_out import leave_one_out
from jaxrec.evaluation import metrics, protocols, tuning
from tests.data.columns.test_sequences import random_sequences

N = 30
PROTOCOL = protocols.WholeCatalog('leave_one_out', 'masked')


class Cheater(Baseline):
  """Reads the targets, which no real one may, and adds `share` to each."""

  grid = ({'share': 0.0}, {'share': 1.0}, {'share': 0.5}, {'share': 2.0})
  sizes: set = set()

  def __init__(self, share):
    self.share = share

  def fit(self, known):
    return self

  def scores(self, examples, rows):
    self.sizes.add(len(examples))
    scores = np.random.default_rng(0).random((len(rows), N))
    for row, i in enumerate(rows):
      scores[row, examples.candidates[examples.shown(i)]] += self.share
    return scores.astype(np.float32)


@pytest.fixture
def held(monkeypatch):
  monkeypatch.setattr('jaxrec.baselines.baseline_class', lambda name: Cheater)
  monkeypatch.setattr(Cheater, 'sizes', set())
  return leave_one_out(random_sequences())


def known_before(sequences):
  vectors = np.zeros((N, 4), np.float32)
  return Known(sequences, vectors, history_length=5, seed=0)


def test_the_best_on_validation_is_chosen(held):
  judged, settings = tuning.judge_baseline(
    'random',
    PROTOCOL,
    PROTOCOL.examples(held.test)[0],
    known_before(held.before_test),
    PROTOCOL.examples(held.validation)[0],
    known_before(held.train),
  )
  # 2 is as good: the first of equals wins.
  assert settings == {'share': 1.0}
  assert metrics.finalize(judged.values)['ndcg@10'] == 1


def test_a_long_validation_is_read_in_part(held, monkeypatch):
  monkeypatch.setattr(tuning, 'TUNED_ON', 7)
  validation, _ = PROTOCOL.examples(held.validation)
  assert len(validation) > 7
  known = known_before(held.train)
  choices = [
    tuning.choose('random', known, validation, PROTOCOL)[1:] for _ in range(2)
  ]
  assert Cheater.sizes == {7}
  assert choices[0] == choices[1] == ({'share': 1.0}, 0.0)
