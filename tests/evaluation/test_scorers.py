"""Catalogs ranked on the host, beside a plain sort."""

import dataclasses

import numpy as np
import pytest

from jaxrec.evaluation import scorers
from tests.evaluation.held_out_split import held_out_split


def by_sorting(scores, k):
  order = np.lexsort((np.arange(len(scores)), -scores))[:k]
  return order[scores[order] > -np.inf]


@pytest.mark.parametrize('groups', [1, 7, 64, 1000])
@pytest.mark.parametrize('k', [1, 5, 90])
def test_the_best_are_those_of_a_sort(groups, k, monkeypatch):
  monkeypatch.setattr(scorers, 'GROUPS', groups)
  rng = np.random.default_rng(k)
  for spread in (0.0, 0.4, 3.0, 1e6):  # From all equal to no two alike.
    scores = np.round(rng.normal(size=90) * spread).astype(np.float32)
    for left_out in (0, 30, 88, 90):
      scores[rng.permutation(90)[:left_out]] = -np.inf
      top = scorers.top_of(scores, k)
      np.testing.assert_array_equal(top, by_sorting(scores, k))


def test_equals_far_from_the_beginning_are_found():
  scores = np.full(5000, -1, np.float32)
  scores[[4990, 4000, 3]] = 2, 1, 1
  assert scorers.top_of(scores, 3).tolist() == [4990, 3, 4000]
  assert scorers.top_of(scores, 2).tolist() == [4990, 3]
  assert scorers.top_of(scores, 5).tolist() == [4990, 3, 4000, 0, 1]
  assert not len(scorers.top_of(scores, 0))


@pytest.mark.parametrize('masked', [True, False])
def test_targets_are_counted_among_all_others(masked):
  examples = held_out_split()
  scores = np.round(np.random.default_rng(3).normal(size=(40, 60)) * 2)
  ranks = scorers.rank_block(scores, examples, masked, 10)
  assert scores.max() < np.inf and ranks.items.shape == (40, 10)
  for i in range(40):
    left_out = examples.history_of(i, 1000) if masked else []
    row = scores[i].copy()
    row[left_out] = -np.inf
    top = by_sorting(row, 10)
    np.testing.assert_array_equal(ranks.items[i], top)
    np.testing.assert_array_equal(ranks.scores[i], row[top])
    shown = examples.shown(i)
    targets = examples.candidates[shown]
    others = np.setdiff1d(np.arange(60), [*left_out, *targets])
    assert ranks.others[i] == len(others)
    for place, target in zip(
      range(shown.start, shown.stop), targets, strict=True
    ):
      score = row[target]
      assert ranks.target_scores[place] == score
      if score > -np.inf:
        assert ranks.above[place] == (row[others] > score).sum()
        assert ranks.equal[place] == (row[others] == score).sum()


def test_scores_are_not_written_to():
  scores = np.random.default_rng(4).normal(size=(40, 60)).astype(np.float32)
  before = scores.copy()
  scorers.rank_block(scores, held_out_split(), True, 10)
  np.testing.assert_array_equal(scores, before)


def test_an_error_of_a_scorer_is_its_callers():
  def scores(examples, rows):
    raise ZeroDivisionError

  with pytest.raises(ZeroDivisionError):
    scorers.BlockScorer(scores, None).rank(held_out_split(), True, 10)


def test_no_examples_are_no_error():
  examples = held_out_split().take(np.zeros(0, np.int64))
  ranks = scorers.rank_block(np.zeros((0, 60)), examples, True, 10)
  for field in dataclasses.fields(ranks):
    assert len(getattr(ranks, field.name)) == 0


@pytest.mark.parametrize('masked', [True, False])
def test_no_number_is_the_last_place(masked):
  """A scorer that gives its targets NaN is worse than any other."""
  examples = held_out_split()
  scores = np.random.default_rng(0).normal(size=(40, 60))
  owners = np.repeat(np.arange(40), np.diff(examples.candidate_offsets))
  scores[owners, examples.candidates] = np.nan
  ranks = scorers.rank_block(scores, examples, masked, 5)
  np.testing.assert_array_equal(ranks.above, ranks.others[owners])
