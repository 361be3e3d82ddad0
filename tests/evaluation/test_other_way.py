"""Seen items masked and kept: one pass of scores, two protocols."""

import dataclasses

import numpy as np
import pytest

from jaxrec.evaluation import metrics, protocols
from jaxrec.evaluation.config import SEEN
from jaxrec.evaluation.other_way import OtherWay
from jaxrec.evaluation.scorers import BlockScorer
from tests.evaluation.held_out_split import SCORES, listed, make, scorer


def with_a_new_target(split):
  """Those examples alone that both ways have."""
  users = make('masked').examples(split)[0].user_ids
  return split.take(np.flatnonzero(np.isin(split.user_ids, users)))


@pytest.mark.parametrize('seen', SEEN)
@pytest.mark.parametrize('same_examples', [True, False])
def test_both_ways_are_as_each_by_itself(held_out, seen, same_examples):
  split = with_a_new_target(held_out) if same_examples else held_out
  protocol = make(seen)
  assert protocol.other.seen != seen and protocol.other.other == protocol
  examples, _ = protocol.examples(split)
  ways = OtherWay.of(protocol, split)
  assert (len(examples) == len(ways.examples)) == same_examples
  judged = ways.judge_both('ours', scorer(), examples)
  expected = protocol.judge(scorer(), examples, 0.0)
  other = protocol.other.judge(scorer(), ways.examples, 0.0)
  np.testing.assert_array_equal(judged.top, expected.top)
  np.testing.assert_array_equal(judged.scores, expected.scores)
  for name in metrics.RANKING:
    np.testing.assert_array_equal(judged.values[name], expected.values[name])
    np.testing.assert_array_equal(ways.values['ours'][name], other.values[name])


@pytest.mark.parametrize(('same_examples', 'times'), [(True, 1), (False, 2)])
def test_scores_are_made_once_where_they_can_be(held_out, same_examples, times):
  split = with_a_new_target(held_out) if same_examples else held_out
  scored = []

  def scores(examples, rows):
    scored.extend(examples.user_ids[rows].tolist())
    return SCORES[[int(examples.user_ids[i][1:]) for i in rows]]

  ways = OtherWay.of(make(), split)
  examples, _ = make().examples(split)
  ways.judge_both('ours', BlockScorer(scores, None, block=7), examples)
  assert len(scored) == len(examples) + (times - 1) * len(split)


def test_where_there_is_no_other_way(held_out):
  assert OtherWay.of(make(sampled=9), held_out) is None
  shown = listed(held_out, masked=False)
  assert OtherWay.of(protocols.Shown(), shown) is None
  # Everything was seen before: nothing would be left.
  row = np.flatnonzero(np.diff(held_out.history_offsets))[:1]
  again = held_out.take(row)
  again = dataclasses.replace(
    again,
    candidates=again.history[:1],
    candidate_offsets=np.array([0, 1]),
    labels=np.ones(1, np.uint8),
  )
  assert OtherWay.of(make('kept'), again) is None
