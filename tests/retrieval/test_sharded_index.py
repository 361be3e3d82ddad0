"""Ranking: equal to a sort of all scores, on any mesh and in any blocks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.errors import UserError
from jaxrec.parallel import sharding
from jaxrec.retrieval import sharded_index
from jaxrec.retrieval.sharded_index import ItemIndex, TopItems

MESHES = [(1, 1, 1), (8, 1, 1), (2, 2, 2)]
U, D = 21, 4


def make_mesh(shape):
  return sharding.make_mesh(*shape, devices=jax.devices()[: np.prod(shape)])


def ragged(rows):
  offsets = np.cumsum([0, *map(len, rows)])
  return np.concatenate([*rows, []]).astype(np.int32), offsets


def whole(n, seed=0):
  """Vectors of few whole numbers: scores are exact, and many are equal.

  Some users have seen nothing, one everything; some have no target, some
  targets are seen.
  """
  rng = np.random.default_rng(seed)
  items = rng.integers(-2, 3, (n, D)).astype(np.float32)
  users = rng.integers(-2, 3, (U, D)).astype(np.float32)
  users[3] = 0  # Nothing but equals.
  # 0 and -0 are equal, whichever of them a product gives.
  items[::7], users[5] = 0, -1
  sizes = rng.integers(0, min(n, 40) + 1, U)
  seen = [rng.permutation(n)[:size] for size in sizes]
  seen[1], seen[2] = np.arange(n), np.arange(0)
  targets = [rng.permutation(n)[: size % 4] for size in sizes]
  targets[1], targets[4] = np.array([n // 2]), seen[4][:2]
  targets[6] = np.arange(0)
  return items, users, seen, targets


def wanted(items, users, k, seen, targets):
  """By NumPy, a user at a time: lists, and of each target its counts."""
  best = TopItems(np.full((U, k), -1), np.full((U, k), -np.inf))
  counts, others = [], []
  for u, scores in enumerate(users.astype(int) @ items.T.astype(int)):
    left = np.setdiff1d(np.arange(len(items)), seen[u])
    top = left[np.argsort(-scores[left], kind='stable')][:k]
    best.items[u, : len(top)], best.scores[u, : len(top)] = top, scores[top]
    rest = scores[np.setdiff1d(left, targets[u])]
    others.append(len(rest))
    for score in scores[targets[u]]:
      counts.append((score, (rest > score).sum(), (rest == score).sum()))
  return best, np.reshape(counts, (-1, 3)).T, others


# These k, N and meshes reach both branches of `top_k`: all of a device's scores
# sorted at once, and groups first.
@pytest.mark.parametrize(
  ('shape', 'n', 'k', 'block_users'),
  [
    ((1, 1, 1), 5, 8, None),
    ((8, 1, 1), 5, 8, None),
    ((1, 1, 1), 1024, 1, 4),
    ((8, 1, 1), 1024, 1, 4),
    ((1, 1, 1), 1999, 5, 16),
    ((8, 1, 1), 1999, 5, 8),
    ((2, 2, 2), 1999, 70, None),
  ],
)
def test_equals_a_sort_of_all_scores(shape, n, k, block_users):
  items, users, seen, targets = whole(n)
  want, (scores, above, equal), others = wanted(items, users, k, seen, targets)
  assert (above + equal > above).any()
  index = ItemIndex(items, make_mesh(shape), block_users=block_users)
  best, counts = index.rank(
    users, k, targets=ragged(targets), seen=ragged(seen)
  )
  np.testing.assert_array_equal(best.items, want.items)
  np.testing.assert_array_equal(best.scores, want.scores)
  np.testing.assert_array_equal(counts.scores, scores)
  np.testing.assert_array_equal(counts.above, above)
  np.testing.assert_array_equal(counts.equal, equal)
  np.testing.assert_array_equal(counts.num_others, others)
  assert best.items.dtype == np.int32 and best.scores.dtype == np.float32
  assert counts.above.dtype == counts.equal.dtype == np.int64


def test_parts_of_rank_alone_are_the_same():
  items, users, seen, targets = whole(300)
  index = ItemIndex(jnp.asarray(items), make_mesh((2, 2, 2)))
  both = index.rank(users, 7, targets=ragged(targets), seen=ragged(seen))
  alone = (
    index.top_k(users, 7, seen=ragged(seen)),
    index.target_counts(users, ragged(targets), seen=ragged(seen)),
  )
  jax.tree.map(
    np.testing.assert_array_equal,
    *([vars(x) for x in y] for y in (both, alone)),
  )


def test_a_repeated_index_counts_once():
  items, users, seen, targets = whole(100)
  index = ItemIndex(items, make_mesh((1, 1, 1)))
  once, counts = index.rank(
    users, 5, targets=ragged(targets), seen=ragged(seen)
  )
  twice = ragged([np.repeat(x, 2) for x in seen])
  best, same = index.rank(users, 5, targets=ragged(targets), seen=twice)
  for a, b in ((once, best), (counts, same)):
    jax.tree.map(np.testing.assert_array_equal, vars(a), vars(b))


def test_no_users():
  index = ItemIndex(np.ones((9, D), np.float32), make_mesh((8, 1, 1)))
  best, counts = index.rank(np.zeros((0, D), np.float32), 3)
  assert best.items.shape == best.scores.shape == (0, 3)
  assert counts.above.shape == counts.num_others.shape == (0,)


@pytest.mark.parametrize('shape', MESHES, ids=str)
def test_approximate_reaches_its_recall(shape):
  rng = np.random.default_rng(0)
  items = rng.normal(size=(4000, D)).astype(np.float32)
  users = rng.normal(size=(64, D)).astype(np.float32)
  index = ItemIndex(items, make_mesh(shape))
  exact = index.top_k(users, 20)
  approximate = index.top_k(users, 20, approximate=0.95)
  assert sharded_index.recall(exact, exact) == 1
  assert sharded_index.recall(approximate, exact) >= 0.93
  # The scores are those of the items listed.
  scores = np.take_along_axis(users @ items.T, approximate.items, 1)
  np.testing.assert_allclose(approximate.scores, scores, rtol=1e-5)


def test_recall_is_the_mean_share_of_the_items_found():
  exact = np.array([[4, 2, 0], [1, -1, -1], [-1, -1, -1], [3, 2, 1]])
  approximate = np.array([[0, 5, 4], [2, 1, -1], [3, -1, -1], [4, 5, -1]])
  ranked = lambda items: TopItems(items.astype(np.int32), np.zeros(items.shape))
  got = sharded_index.recall(ranked(approximate), ranked(exact))
  assert got == pytest.approx((2 / 3 + 1 + 0) / 3)
  nothing = sharded_index.recall(ranked(approximate[:1]), ranked(exact[2:3]))
  assert np.isnan(nothing)


def test_each_device_holds_its_part_of_the_items():
  items = np.arange(1000 * D, dtype=np.float32).reshape(1000, D)
  for given in (items, jnp.asarray(items)):
    index = ItemIndex(given, make_mesh((2, 2, 2)))
    parts = sorted(
      index.vectors.addressable_shards, key=lambda part: part.index[0].start
    )
    assert len({part.data.shape for part in parts}) == 1
    assert parts[0].data.nbytes <= (items.nbytes / 8) * 1.1
    held = np.concatenate([part.data for part in parts])
    np.testing.assert_array_equal(held[:1000], items)
    assert not held[1000:].any()


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'k': -1}, 'k=-1'),
    ({'approximate': 1.5}, 'recall in'),
    ({'user_vectors': np.ones((2, D + 1))}, r'want \[U, 4\]'),
    ({'user_vectors': np.full((2, D), np.nan)}, 'not finite'),
    ({'user_vectors': np.full((2, D), 1e30)}, 'too long'),
    ({'seen': (np.array([3]), np.array([0, 1]))}, 'seen: offsets must be 3'),
    ({'targets': (np.array([3]), np.array([0, 2, 1]))}, 'targets: offsets'),
    ({'seen': (np.array([-1]), np.array([0, 0, 1]))}, r'-1\.\.-1'),
    ({'targets': (np.array([10]), np.array([0, 0, 1]))}, r'catalog 0\.\.9'),
  ],
)
def test_what_does_not_fit_is_said(changes, message):
  index = ItemIndex(np.ones((10, D), np.float32), make_mesh((1, 1, 1)))
  arguments = {'user_vectors': np.ones((2, D)), 'k': 1} | changes
  with pytest.raises(UserError, match=message):
    index.rank(**arguments)


@pytest.mark.parametrize(
  'vectors', [np.ones(3), np.ones((0, 3)), np.full((3, 2), np.inf)], ids=str
)
def test_item_vectors_that_cannot_be_ranked(vectors):
  with pytest.raises(UserError, match='item vectors'):
    ItemIndex(vectors, make_mesh((1, 1, 1)))
