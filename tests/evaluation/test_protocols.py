import dataclasses

import jax
import numpy as np
import pytest

from jaxrec.errors import UserError
from jaxrec.evaluation import metrics, protocols, scorers
from jaxrec.evaluation.config import SEEN
from jaxrec.parallel import sharding
from jaxrec.retrieval.sharded_index import ItemIndex
from tests.evaluation.held_out_split import (
  N,
  held_out_split,
  listed,
  make,
  scorer,
)


@pytest.mark.parametrize('seen', SEEN)
def test_a_catalog_is_judged_as_if_it_were_listed(held_out, seen):
  protocol = make(seen)
  examples, left_out = protocol.examples(held_out)
  judged = protocol.judge(scorer(), examples, 0.0)
  expected = protocols.Shown().judge(
    scorer(), listed(examples, seen == 'masked'), 0.0
  )
  for name in metrics.RANKING:
    np.testing.assert_allclose(
      judged.values[name], expected.values[name], atol=1e-12
    )
  width = judged.top.shape[1]
  np.testing.assert_array_equal(judged.top, expected.top[:, :width])
  if seen == 'masked':
    assert left_out['examples with no other target'] >= 1
    assert len(examples) + left_out['examples with no other target'] == 40
    for i in range(len(examples)):
      history = examples.history_of(i, 1000)
      assert not np.isin(judged.top[i], history).any()
      assert not np.isin(examples.candidates[examples.shown(i)], history).any()
  else:
    assert examples is held_out and not left_out


def test_blocks_do_not_matter(held_out):
  examples, _ = make().examples(held_out)
  one, other = (make().judge(scorer(b), examples, 0.0) for b in (1, 64))
  np.testing.assert_array_equal(one.top, other.top)
  np.testing.assert_array_equal(one.places.above, other.places.above)


@pytest.mark.parametrize('devices', [1, 8])
def test_the_index_on_a_mesh_ranks_as_the_host_does(held_out, devices):
  rng = np.random.default_rng(2)
  users, items = (rng.integers(-2, 3, (n, 4)) for n in (40, N))
  examples, _ = make().examples(held_out)
  rows = [int(examples.user_ids[i][1:]) for i in range(len(examples))]
  users = users[rows].astype(np.float32)
  mesh = sharding.make_mesh(devices=jax.devices()[:devices])
  sharpness = rng.uniform(0.1, 3, (len(rows), 2))
  with jax.set_mesh(mesh):
    best, counts = ItemIndex(items.astype(np.float32), mesh).rank(
      users,
      10,
      targets=(examples.candidates, examples.candidate_offsets),
      seen=(examples.history, examples.history_offsets),
      sharpness=sharpness,
    )
  expected = scorers.BlockScorer(lambda _, r: users[r] @ items.T, None).rank(
    examples, True, 10, sharpness
  )
  np.testing.assert_array_equal(best.items, expected.items)
  np.testing.assert_array_equal(best.scores, expected.scores)
  np.testing.assert_allclose(best.tails, expected.tails, rtol=1e-5)
  for counted, wanted in (
    (counts.above, expected.above),
    (counts.equal, expected.equal),
    (counts.scores, expected.target_scores),
    (counts.num_others, expected.others),
  ):
    np.testing.assert_array_equal(counted, wanted)


def test_sampled_candidates_are_unseen_and_said_to_be_sampled(held_out):
  protocol = make(sampled=9)
  assert 'SAMPLED' in protocol.describe()
  examples, _ = protocol.examples(held_out)
  again, _ = protocol.examples(held_out)
  np.testing.assert_array_equal(examples.candidates, again.candidates)
  drawn = []
  for i in range(len(examples)):
    shown = examples.shown(i)
    items, labels = examples.candidates[shown], examples.labels[shown]
    assert (labels == 0).sum() == 9 and len(set(items.tolist())) == len(items)
    assert not np.isin(items, examples.history_of(i, 1000)).any()
    drawn.extend(items[labels == 0])
  assert {min(drawn), max(drawn)} == {0, N - 1}
  few = make(sampled=1000).examples(held_out)[0]
  assert (np.diff(few.candidate_offsets) <= N).all()
  sampled = metrics.finalize(protocol.judge(scorer(), examples, 0.0).values)
  assert (
    sampled['hr@10']
    > metrics.finalize(
      make().judge(scorer(), make().examples(held_out)[0], 0.0).values
    )['hr@10']
  )


def test_what_cannot_be_is_said():
  with pytest.raises(UserError, match='list their candidates'):
    protocols.make('impressions', seen='kept', sampled=5, num_items=N, seed=0)


def test_why_nothing_is_measured():
  split = held_out_split()
  catalog = make()
  assert protocols.why_unmeasured(catalog, split) == ''
  none = split.take(np.zeros(0, int))
  assert protocols.why_unmeasured(catalog, none) == 'it is empty'
  seen = dataclasses.replace(
    split.take(np.array([0])),
    history=np.arange(N, dtype=np.int32),  # The target is among it.
    history_offsets=np.array([0, N]),
  )
  why = protocols.why_unmeasured(catalog, seen)
  assert 'seen before' in why and 'evaluation.seen=kept' in why
  assert protocols.why_unmeasured(make(seen='kept'), seen) == ''


@pytest.mark.parametrize(
  ('labels', 'why'),
  [([0, 0, 0], 'nothing was clicked'), ([1, 1, 1], 'none of its 2 lists has')],
)
def test_why_lists_measure_nothing(labels, why):
  """Two of them, of one item and of two."""
  split = held_out_split().take(np.array([0, 1]))
  shown = dataclasses.replace(
    split,
    candidates=np.arange(3, dtype=np.int32),
    candidate_offsets=np.array([0, 1, 3]),
    labels=np.array(labels, np.uint8),
  )
  protocol = protocols.Shown()
  assert why in protocols.why_unmeasured(protocol, shown)
  mixed = dataclasses.replace(shown, labels=np.array([1, 1, 0], np.uint8))
  assert protocols.why_unmeasured(protocol, mixed) == ''
