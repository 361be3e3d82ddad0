"""Ranking the whole catalog for many users, without users x items at once.

Item vectors stay on the mesh, their rows split over all of its devices. Users
come in blocks; each device scores a block against its items, takes the best
k of them, and the devices' lists are merged:

    index = ItemIndex(item_vectors, mesh)
    best = index.top_k(user_vectors, 100, seen=(history, offsets))

Scores are dot products; for the cosine, give vectors of length 1.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrec.errors import UserError
from jaxrec.parallel import sharding
from jaxrec.retrieval import block_programs
from jaxrec.retrieval.blocks import (
  BLOCK_BYTES,
  AddedOf,
  ItemLists,
  computed_blocks,
  padded_pairs,
  user_item_pairs,
)
from jaxrec.retrieval.top_k import GROUP, Pairs

Vectors = np.ndarray | jax.Array

BLOCK_USERS = 1024  # Larger blocks made no matmul faster.


@dataclasses.dataclass(frozen=True)
class TopItems:
  """The best items of each user, on the host.

  Attributes:
    items: int32 [U, k], best first, of equals the lower index first; -1 where
      no more items are left.
    scores: float32 [U, k]; -inf there.
    tails: float32 [U, T], see `ItemIndex.rank`; None where they were not asked
      for.
  """

  items: np.ndarray
  scores: np.ndarray
  tails: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class TargetCounts:
  """Where each target stands among the other items, on the host.

  The others of a user are the items that are neither among the user's targets
  nor excluded. A target's rank among them is 1 + above at best and
  1 + above + equal at worst. A target that is excluded itself is counted as if
  it were not.

  Attributes:
    scores: float32 [P], the targets' own, in the order of the flat list.
    above, equal: int64 [P], others that score more, and exactly as much.
    num_others: int64 [U].
  """

  scores: np.ndarray
  above: np.ndarray
  equal: np.ndarray
  num_others: np.ndarray


class ItemIndex:
  """Item vectors on a mesh, to be ranked for any number of users."""

  def __init__(
    self, item_vectors: Vectors, mesh: Mesh, *, block_users: int | None = None
  ):
    """Places the vectors; on a CPU they may share the given array's memory.

    Args:
      item_vectors: float32 [N, D].
      mesh: one of `sharding.make_mesh`.
      block_users: users scored at once; by default so many that the scores
        take BLOCK_BYTES per device.

    Raises:
      UserError: no items, not a matrix, or not finite.
    """
    if np.ndim(item_vectors) != 2 or not len(item_vectors):
      raise UserError(
        f'item vectors: got shape {np.shape(item_vectors)}, want [N, D], N > 0'
      )
    self.mesh = mesh
    self.num_items = len(item_vectors)
    rows = -(-self.num_items // (mesh.size * GROUP)) * GROUP  # Of a device.
    self.vectors = _place(item_vectors, rows * mesh.size, mesh)
    self.block_users = block_users or _floor_power(
      min(max(BLOCK_BYTES // (4 * rows), 1), BLOCK_USERS)
    )
    self._longest = float(jax.jit(_longest)(self.vectors))
    if not np.isfinite(self._longest):
      raise UserError('item vectors: not finite, or too long for float32')

  def top_k(
    self,
    user_vectors: Vectors,
    k: int,
    *,
    seen: ItemLists | None = None,
    approximate: float | None = None,
  ) -> TopItems:
    """The best k items of each user; see `rank`."""
    return self.rank(user_vectors, k, seen=seen, approximate=approximate)[0]

  def target_counts(
    self,
    user_vectors: Vectors,
    targets: ItemLists,
    *,
    seen: ItemLists | None = None,
  ) -> TargetCounts:
    """Where each user's targets stand among all other items; see `rank`."""
    return self.rank(user_vectors, 0, targets=targets, seen=seen)[1]

  def rank(
    self,
    user_vectors: Vectors,
    k: int,
    *,
    targets: ItemLists | None = None,
    seen: ItemLists | None = None,
    approximate: float | None = None,
    sharpness: np.ndarray | None = None,
    added: AddedOf | None = None,
  ) -> tuple[TopItems, TargetCounts]:
    """Best items and targets' places, from the same scores in one pass.

    Args:
      user_vectors: float32 [U, D].
      k: items per user; may exceed N.
      targets: items per user to count for.
      seen: items per user that are excluded.
      approximate: recall that `jax.lax.approx_max_k` aims at, in (0, 1). Which
        of equals is found, and in which order, is then left open. Only TPUs
        gain by it; the counts stay exact.
      sharpness: float [U, T], above 0, if `tails` are wanted: of each, over
        the user's items that are not excluded, the log of the sum of
        exp(sharpness * (min(score, least) - least)), where `least` is the last
        score of the list.
      added: (begin, end) -> what is added to the scores of these users, whose
        owners are numbered from 0; None for nothing.

    Returns:
      The lists, with k = 0 empty, and the counts, without targets empty. Both
      are the same on any mesh and in any blocks, as far as a dot product's
      last bits are.

    Raises:
      UserError: shapes that do not fit, vectors that are not finite, indices
        outside of the catalog.
    """
    users = self._checked_users(user_vectors)
    if k < 0:
      raise UserError(f'k={k}: want 0 or more')
    if approximate is not None and not 0 < approximate < 1:
      raise UserError(f'approximate={approximate}: want a recall in (0, 1)')
    targets = self._checked('targets', targets, len(users))
    seen = self._checked('seen', seen, len(users))
    size = self._block_size(len(users))
    best_scores = np.full((len(users), k), -np.inf, np.float32)
    best_items = np.full((len(users), k), -1, np.int32)
    target_scores = np.zeros(len(targets[0]), np.float32)
    counts = np.zeros((len(targets[0]), 2), np.int64)
    if sharpness is None:
      sharpness = np.zeros((len(users), 0))
    elif np.shape(sharpness)[:1] != (len(users),) or np.ndim(sharpness) != 2:
      raise UserError(
        f'sharpness: got shape {np.shape(sharpness)}, want [{len(users)}, T]'
      )
    tails = np.zeros(np.shape(sharpness), np.float32)

    def start(block: np.ndarray, begin: int, end: int) -> tuple:
      pairs = [
        user_item_pairs(lists, begin, end, size) for lists in (seen, targets)
      ]
      factors = np.ones((size, tails.shape[1]), np.float32)
      factors[: end - begin] = sharpness[begin:end]
      extra = padded_pairs(None if added is None else added(begin, end), size)
      on_mesh = sharding.put_replicated(
        (block, *pairs, factors, extra), self.mesh
      )
      return self._rank_block(*on_mesh, k=k, approximate=approximate)

    for here, ranked in computed_blocks(users, size, (size,), start):
      scores, items, its_tails, scores_of_targets, counts_of_targets = ranked
      items = np.where(scores == -np.inf, -1, items)
      for top, part in (
        (best_scores, scores),
        (best_items, items),
        (tails, its_tails),
      ):
        rows = top[here]
        rows[:, : part.shape[1]] = part[: len(rows)]
      offsets = targets[1][here.start : here.stop + 1]
      begin, end = offsets[0], offsets[-1]
      target_scores[begin:end] = scores_of_targets[: end - begin]
      counts[begin:end] = counts_of_targets[: end - begin]
    above, equal = counts.T
    return TopItems(
      best_items, best_scores, tails if tails.shape[1] else None
    ), TargetCounts(
      target_scores, above, equal, self._num_others(targets, seen)
    )

  def _rank_block(
    self,
    users: jax.Array,
    seen: Pairs,
    targets: Pairs,
    sharpness: jax.Array,
    added: tuple[Pairs, jax.Array],
    *,
    k: int,
    approximate: float | None,
  ) -> tuple[jax.Array, ...]:
    """Starts the programs of a block; see `block_programs`."""
    scores, target_scores = block_programs.score(
      self.vectors,
      users,
      targets,
      added,
      mesh=self.mesh,
      num_items=self.num_items,
    )
    scores, top_scores, top_items = block_programs.best(
      scores,
      seen,
      mesh=self.mesh,
      k=min(k, self.num_items),
      approximate=approximate,
    )
    tails = sharpness
    if sharpness.shape[1]:
      tails = block_programs.tails(
        scores, top_scores, sharpness, mesh=self.mesh
      )
    _, counts = block_programs.count_others(
      scores, targets, target_scores, mesh=self.mesh
    )
    return top_scores, top_items, tails, target_scores, counts

  def _block_size(self, num_users: int) -> int:
    """Of blocks alike, so that few users are padding: one of few sizes."""
    num_blocks = max(-(-num_users // self.block_users), 1)
    size = max(-(-num_users // num_blocks), 1)
    step = max(_ceil_power(size) // 8, 8)
    return min(-(-size // step) * step, self.block_users)

  def _checked_users(self, user_vectors: Vectors) -> np.ndarray:
    users = np.asarray(user_vectors, np.float32)
    width = self.vectors.shape[1]
    if users.ndim != 2 or users.shape[1] != width:
      raise UserError(
        f'user vectors: got shape {users.shape}, want [U, {width}] as the items'
      )
    with np.errstate(over='ignore', invalid='ignore'):
      longest = np.sqrt(np.einsum('ud,ud->u', users, users).max(initial=0))
      # Then no score and no sum on the way to it is infinite or NaN.
      if not np.isfinite(np.float32(longest * self._longest)):
        raise UserError('user vectors: not finite, or too long for float32')
    return users

  def _checked(
    self, name: str, lists: ItemLists | None, num_users: int
  ) -> ItemLists:
    if lists is None:
      return np.zeros(0, np.int32), np.zeros(num_users + 1, np.int64)
    flat, offsets = (np.asarray(x) for x in lists)
    if (
      offsets.shape != (num_users + 1,)
      or (offsets[0], offsets[-1]) != (0, len(flat))
      or (np.diff(offsets) < 0).any()
    ):
      raise UserError(
        f'{name}: offsets must be {num_users + 1} (users + 1), rising from 0 '
        f'to {len(flat)} (the length of the flat list)'
      )
    if len(flat) and not 0 <= flat.min() <= flat.max() < self.num_items:
      raise UserError(
        f'{name}: items {flat.min()}..{flat.max()} are not all in the catalog '
        f'0..{self.num_items - 1}'
      )
    return flat, offsets

  def _num_others(self, *lists: ItemLists) -> np.ndarray:
    """Per user, items in none of the lists, however often they are there."""
    num_users = len(lists[0][1]) - 1
    keys = [
      np.repeat(np.arange(num_users), np.diff(offsets)) * self.num_items + flat
      for flat, offsets in lists
    ]
    users = np.unique(np.concatenate(keys)) // self.num_items
    return self.num_items - np.bincount(users, minlength=num_users)


def recall(approximate: TopItems, exact: TopItems) -> float:
  """Share of the exact lists' items that the approximate lists hold.

  The mean over users whose exact list is not empty; NaN without any.
  """
  valid = exact.items >= 0
  top = np.int64(max(approximate.items.max(), exact.items.max())) + 2
  keys = [
    np.arange(len(x.items))[:, None] * top + x.items + 1
    for x in (approximate, exact)
  ]
  hits = np.isin(keys[1], keys[0]) & valid
  not_empty = valid.any(1)
  if not not_empty.any():
    return float('nan')
  return float(np.mean(hits.sum(1)[not_empty] / valid.sum(1)[not_empty]))


def _place(item_vectors: Vectors, num_rows: int, mesh: Mesh) -> jax.Array:
  """Vectors on the mesh, with zeros behind up to `num_rows`."""
  where = NamedSharding(mesh, P(sharding.AXES))
  fill = lambda x, rows: ((0, rows - len(x)), (0, 0))
  if isinstance(item_vectors, jax.Array):
    x = item_vectors.astype(jnp.float32)
    return jax.device_put(jnp.pad(x, fill(x, num_rows)), where)
  host_vectors = np.asarray(item_vectors, np.float32)

  def part(index: Any) -> np.ndarray:  # A tuple of slices.
    rows = range(num_rows)[index[0]]
    values = host_vectors[rows.start : rows.stop]
    if len(values) < len(rows):
      values = np.pad(values, fill(values, len(rows)))
    return values

  return jax.make_array_from_callback(
    (num_rows, host_vectors.shape[1]), where, part
  )


def _longest(vectors: jax.Array) -> jax.Array:
  return jnp.sqrt(jnp.max(jnp.sum(vectors * vectors, axis=1)))


def _ceil_power(n: int) -> int:
  return 1 << max(int(n) - 1, 0).bit_length()


def _floor_power(n: int) -> int:
  return 1 << (int(n).bit_length() - 1)
