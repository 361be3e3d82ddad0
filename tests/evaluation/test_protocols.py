import dataclasses

import jax
import numpy as np
import pytest

from jaxrec.data.columns.columns import Impressions
from jaxrec.errors import UserError
from jaxrec.evaluation import metrics, protocols, scorers
from jaxrec.parallel import sharding
from jaxrec.retrieval.sharded_index import ItemIndex

N = 60


@pytest.fixture(scope='module')
def held_out():
  """Targets of 40 users; some were seen, some users are new."""
  rng = np.random.default_rng(0)
  histories = [rng.integers(0, N, n) for n in rng.integers(0, 20, 40)]
  histories[4] = histories[4][:0]
  targets = [rng.permutation(N)[:n] for n in rng.integers(1, 4, 40)]
  targets[7] = histories[7][:1] = np.array([3])
  ends = lambda rows: np.cumsum([0, *map(len, rows)])
  ids = np.array([f'u{i}' for i in range(40)])
  return Impressions(
    impression_ids=ids,
    user_ids=ids,
    times=np.arange(40),
    history=np.concatenate(histories).astype(np.int32),
    history_offsets=ends(histories),
    candidates=np.concatenate(targets).astype(np.int32),
    candidate_offsets=ends(targets),
    labels=np.ones(sum(map(len, targets)), np.uint8),
  )


SCORES = np.round(np.random.default_rng(1).normal(size=(40, N)) * 2)  # Ties.


def scorer(block=7):
  """By user, so that an example keeps its scores when others are dropped."""
  of = lambda examples, rows: np.stack(
    [SCORES[int(examples.user_ids[i][1:])] for i in rows]
  ).astype(np.float32)
  pairs = lambda examples, rows: np.concatenate(
    [of(examples, [i])[0, examples.candidates[examples.shown(i)]] for i in rows]
  )
  return scorers.BlockScorer(of, pairs, block=block)


def listed(split, masked):
  """The whole catalog as listed candidates."""
  shown, labels = [], []
  for i in range(len(split)):
    targets = split.candidates[split.shown(i)]
    seen = split.history_of(i, 1000) if masked else []
    items = np.setdiff1d(np.arange(N), seen)
    shown.append(items)
    labels.append(np.isin(items, targets))
  return dataclasses.replace(
    split,
    candidates=np.concatenate(shown).astype(np.int32),
    candidate_offsets=np.cumsum([0, *map(len, shown)]),
    labels=np.concatenate(labels).astype(np.uint8),
  )


def make(seen='masked', sampled=0):
  return protocols.make(
    'leave_one_out', seen=seen, sampled=sampled, num_items=N, seed=0
  )


@pytest.mark.parametrize('seen', protocols.SEEN)
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
  with jax.set_mesh(mesh):
    best, counts = ItemIndex(items.astype(np.float32), mesh).rank(
      users,
      10,
      targets=(examples.candidates, examples.candidate_offsets),
      seen=(examples.history, examples.history_offsets),
    )
  expected = scorers.BlockScorer(lambda _, r: users[r] @ items.T, None).rank(
    examples, True, 10
  )
  np.testing.assert_array_equal(best.items, expected.items)
  np.testing.assert_array_equal(best.scores, expected.scores)
  for mine, theirs in (
    (counts.above, expected.above),
    (counts.equal, expected.equal),
    (counts.scores, expected.target_scores),
    (counts.num_others, expected.others),
  ):
    np.testing.assert_array_equal(mine, theirs)


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
  found = metrics.finalize(protocol.judge(scorer(), examples, 0.0).values)
  assert (
    found['hr@10']
    > metrics.finalize(
      make().judge(scorer(), make().examples(held_out)[0], 0.0).values
    )['hr@10']
  )


def test_what_cannot_be_is_said():
  with pytest.raises(UserError, match='list their candidates'):
    protocols.make('impressions', seen='kept', sampled=5, num_items=N, seed=0)
