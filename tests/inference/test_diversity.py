"""Maximal marginal relevance, on small lists."""

import numpy as np
import pytest

from jaxrec.inference.diversity import diversified


@pytest.fixture(params=range(3))
def ranked(request):
  """(relevance, texts) of 40 items, best first."""
  rng = np.random.default_rng(request.param)
  return -np.sort(-rng.normal(size=40)), rng.normal(size=(40, 6))


def likeness(texts):
  unit = texts / np.linalg.norm(texts, axis=1, keepdims=True)
  return ((unit @ unit.T).sum() - len(unit)) / (len(unit) * (len(unit) - 1))


def test_nothing_moves_without_diversity(ranked):
  np.testing.assert_array_equal(diversified(*ranked, 10, 0.0), np.arange(10))


@pytest.mark.parametrize('diversity', [0.25, 0.5, 1.0])
def test_each_is_there_once_and_texts_differ_more(ranked, diversity):
  chosen = diversified(*ranked, 10, diversity)
  assert chosen[0] == 0 and len(set(chosen.tolist())) == len(chosen) == 10
  np.testing.assert_array_equal(chosen, diversified(*ranked, 10, diversity))
  texts = ranked[1]
  assert likeness(texts[chosen]) < likeness(texts[:10])
  assert len(diversified(*ranked, 99, diversity)) == 40
  scaled = diversified(7 * ranked[0] - 3, 5 * texts, 10, diversity)
  np.testing.assert_array_equal(chosen, scaled)


def test_the_second_is_no_copy_of_the_first():
  texts = np.array([[1, 0], [1, 0], [0, 1], [-1, 0]], float)
  relevance = [1.0, 0.99, 0.8, 0.7]
  assert diversified(relevance, texts, 4, 0.5).tolist() == [0, 2, 3, 1]


def test_equals_stay_in_their_order():
  chosen = diversified(np.ones(4), np.zeros((4, 2)), 3, 0.5)
  assert chosen.tolist() == [0, 1, 2]
  assert diversified([], np.zeros((0, 2)), 3, 0.5).tolist() == []
