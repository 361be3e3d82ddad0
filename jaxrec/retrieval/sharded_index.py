"""Ranking the whole catalog for many users, without users x items at once.

Item vectors stay on the mesh, their rows split over all of its devices. Users
come in blocks; each device scores a block against its items, takes the best
k of them, and the devices' lists are merged:

    index = ItemIndex(item_vectors, mesh)
    best = index.top_k(user_vectors, 100, seen=(history, offsets))

Scores are dot products; for the cosine, give vectors of length 1.

The best k of a device are found in two stages: k groups of neighbouring items
by the groups' maxima, then k items of these groups. That is exact, ties too:
an item outside these groups has k items before it, one of each group. On two
CPU cores it takes a ninth of the matmul's time, where sorting takes half.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrec.errors import UserError
from jaxrec.parallel import sharding

# A list of item indices per user: flat int32, and int64 offsets [U + 1].
Ragged = tuple[np.ndarray, np.ndarray]

GROUP = 32  # Items whose maximum is taken; XLA unrolls no longer ones on CPU.
BLOCK_BYTES = 1 << 28  # Of one block's scores on one device.
BLOCK_USERS = 1024  # Larger blocks made no matmul faster.
SCORES = P(None, sharding.AXES)
MIN_PAIRS = 1024  # Lists are padded to powers of two from here on.


@dataclasses.dataclass(frozen=True)
class Ranked:
  """The best items of each user, on the host.

  Attributes:
    items: int32 [U, k], best first, of equals the lower index first; -1 where
      no more items are left.
    scores: float32 [U, k]; -inf there.
  """

  items: np.ndarray
  scores: np.ndarray


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

  def __init__(self, item_vectors, mesh, *, block_users: int | None = None):
    """Places the vectors; on a CPU they may share the given array's memory.

    Args:
      item_vectors: float32 [N, D], NumPy or JAX.
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
    rows = -(-self.num_items // (mesh.size * GROUP)) * GROUP  # of a device
    self.vectors = _place(item_vectors, rows * mesh.size, mesh)
    self.block_users = block_users or _floor_power(
      min(max(BLOCK_BYTES // (4 * rows), 1), BLOCK_USERS)
    )
    self._longest = float(jax.jit(_longest)(self.vectors))
    if not np.isfinite(self._longest):
      raise UserError('item vectors: not finite, or too long for float32')

  def top_k(
    self,
    user_vectors,
    k: int,
    *,
    seen: Ragged | None = None,
    approximate: float | None = None,
  ) -> Ranked:
    """The best k items of each user; see `rank`."""
    return self.rank(user_vectors, k, seen=seen, approximate=approximate)[0]

  def target_counts(
    self, user_vectors, targets: Ragged, *, seen: Ragged | None = None
  ) -> TargetCounts:
    """Where each user's targets stand among all other items; see `rank`."""
    return self.rank(user_vectors, 0, targets=targets, seen=seen)[1]

  def rank(
    self,
    user_vectors,
    k: int,
    *,
    targets: Ragged | None = None,
    seen: Ragged | None = None,
    approximate: float | None = None,
  ) -> tuple[Ranked, TargetCounts]:
    """Best items and targets' places, from the same scores in one pass.

    Args:
      user_vectors: float32 [U, D], NumPy or JAX.
      k: items per user; may exceed N.
      targets: items per user to count for.
      seen: items per user that are excluded.
      approximate: recall that `jax.lax.approx_max_k` aims at, in (0, 1). Which
        of equals is found, and in which order, is then left open. Only TPUs
        gain by it; the counts stay exact.

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

    def run(users, seen, targets):
      scores, target_scores = _score(
        self.vectors, users, targets, mesh=self.mesh, num_items=self.num_items
      )
      scores, *best = _best(
        scores,
        seen,
        mesh=self.mesh,
        k=min(k, self.num_items),
        approximate=approximate,
      )
      _, counts = _count(scores, targets, target_scores, mesh=self.mesh)
      return *best, target_scores, counts

    done, running = [], None
    for begin in range(0, len(users), size):
      end = min(begin + size, len(users))
      block = np.zeros((size, users.shape[1]), np.float32)
      block[: end - begin] = users[begin:end]
      pairs = [_pairs(lists, begin, end, size) for lists in (seen, targets)]
      started = run(*sharding.put_replicated((block, *pairs), self.mesh))
      if running is not None:  # Fetched while the next one is computed.
        done.append(jax.device_get(running))
      running = started
    if running is not None:
      done.append(jax.device_get(running))

    best_scores = np.full((len(users), k), -np.inf, np.float32)
    best_items = np.full((len(users), k), -1, np.int32)
    target_scores = np.zeros(len(targets[0]), np.float32)
    counts = np.zeros((len(targets[0]), 2), np.int64)
    for i, (scores, items, *found) in enumerate(done):
      here = slice(i * size, (i + 1) * size)
      items = np.where(scores == -np.inf, -1, items)
      for whole, part in ((best_scores, scores), (best_items, items)):
        rows = whole[here]
        rows[:, : part.shape[1]] = part[: len(rows)]
      offsets = targets[1][here.start : here.stop + 1]
      for whole, part in zip((target_scores, counts), found, strict=True):
        rows = whole[offsets[0] : offsets[-1]]
        rows[:] = part[: len(rows)]
    return Ranked(best_items, best_scores), TargetCounts(
      target_scores, *counts.T, self._num_others(targets, seen)
    )

  def _block_size(self, num_users: int) -> int:
    """Of blocks alike, so that few users are padding: one of few sizes."""
    num_blocks = max(-(-num_users // self.block_users), 1)
    size = max(-(-num_users // num_blocks), 1)
    step = max(_ceil_power(size) // 8, 8)
    return min(-(-size // step) * step, self.block_users)

  def _checked_users(self, user_vectors) -> np.ndarray:
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

  def _checked(self, name: str, lists: Ragged | None, num_users: int) -> Ragged:
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

  def _num_others(self, *lists: Ragged) -> np.ndarray:
    """Per user, items in none of the lists, however often they are there."""
    num_users = len(lists[0][1]) - 1
    keys = [
      np.repeat(np.arange(num_users), np.diff(offsets)) * self.num_items + flat
      for flat, offsets in lists
    ]
    users = np.unique(np.concatenate(keys)) // self.num_items
    return self.num_items - np.bincount(users, minlength=num_users)


def recall(approximate: Ranked, exact: Ranked) -> float:
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
  some = valid.any(1)
  if not some.any():
    return float('nan')
  return float(np.mean(hits.sum(1)[some] / valid.sum(1)[some]))


# A block is three programs, each of which gives the scores on to the next: what
# reads them before they are masked is done by then, and so they are masked in
# place. In one program XLA keeps up to three copies.


@functools.partial(jax.jit, static_argnames=('mesh', 'num_items'))
def _score(items, users, targets, *, mesh, num_items):
  """Scores of a block of users, and among them the targets'.

  Args:
    items: float32 [N', D], split over the mesh, N' >= num_items.
    users: float32 [B, D].
    targets: (rows of the block, items), int32 [P], padded with row B.

  Returns:
    float32 [B, N'], split like the items, -inf for rows that are no items;
    float32 [P], 0 for padding.
  """
  padding = items.shape[0] - num_items

  def on_device(items, users, targets):
    scores = jnp.matmul(users, items.T, precision=jax.lax.Precision.HIGHEST)
    num_rows = len(items)
    if tail := min(padding, num_rows):
      columns = _first(num_rows) + jnp.arange(num_rows - tail, num_rows)
      kept = jnp.where(columns[None] < num_items, scores[:, -tail:], -jnp.inf)
      scores = scores.at[:, -tail:].set(kept)
    # A second dot product could differ in its last bits, and equals be lost.
    mine = scores.at[_local(targets, num_rows)].get(mode='fill', fill_value=0)
    return scores, jax.lax.psum(mine, sharding.AXES)

  return jax.shard_map(
    on_device,
    mesh=mesh,
    in_specs=(P(sharding.AXES), P(), P()),
    out_specs=(SCORES, P()),
  )(items, users, targets)


@functools.partial(
  jax.jit, donate_argnums=0, static_argnames=('mesh', 'k', 'approximate')
)
def _best(scores, seen, *, mesh, k, approximate):
  """Scores without what is seen, and of these the best [B, min(k, N')]."""

  def on_device(scores, seen):
    num_rows = scores.shape[1]
    scores = _mask(scores, seen)
    top, places = top_k(scores, min(k, num_rows), approximate)
    return scores, top, _first(num_rows) + places

  scores, top, items = jax.shard_map(
    on_device, mesh=mesh, in_specs=(SCORES, P()), out_specs=(SCORES,) * 3
  )(scores, seen)
  # Lists of earlier items come first: of equals the lower index stays first.
  top, places = jax.lax.top_k(top, min(k, top.shape[1]))
  return scores, top, jnp.take_along_axis(items, places, 1)


@functools.partial(jax.jit, donate_argnums=0, static_argnames='mesh')
def _count(scores, targets, target_scores, *, mesh):
  """Scores without the targets, and of these those above and equal [P, 2]."""

  def on_device(scores, targets, target_scores):
    scores = _mask(scores, targets)

    def count(row, score):
      others = scores[row]
      return jnp.stack([jnp.sum(others > score), jnp.sum(others == score)])

    def nothing(row, score):
      return jax.lax.pcast(jnp.zeros(2, jnp.int32), sharding.AXES, to='varying')

    # One target after the other: comparing them all at once takes XLA ten
    # times as long on a CPU. Padding costs nothing.
    counts = jax.lax.map(
      lambda pair: jax.lax.cond(pair[0] < len(scores), count, nothing, *pair),
      (targets[0], target_scores),
    )
    return scores, jax.lax.psum(counts, sharding.AXES)

  return jax.shard_map(
    on_device,
    mesh=mesh,
    in_specs=(SCORES, P(), P()),
    out_specs=(SCORES, P()),
  )(scores, targets, target_scores)


def _first(num_rows: int):
  """The first item of this device."""
  return jax.lax.axis_index(sharding.AXES) * num_rows


def _local(pairs, num_rows: int):
  """Indices into this device's scores, other devices' out of bounds."""
  rows, columns = pairs
  columns = columns - _first(num_rows)
  mine = (columns >= 0) & (columns < num_rows)
  return rows, jnp.where(mine, columns, num_rows)


def _mask(scores, pairs):
  if not pairs[0].size:
    return scores
  where = _local(pairs, scores.shape[1])
  return scores.at[where].set(-jnp.inf, mode='drop')


def top_k(scores, k: int, approximate: float | None = None):
  """The k best of each row, of equals the first: values and places [B, k].

  Scores are float32 [B, R], R a multiple of GROUP.
  """
  if approximate is not None and k:
    return jax.lax.approx_max_k(scores, k, recall_target=approximate)
  if k * GROUP >= scores.shape[1]:
    return jax.lax.top_k(_one_zero(scores), k)
  groups = scores.reshape(len(scores), -1, GROUP)
  _, chosen = jax.lax.top_k(_one_zero(groups.max(2)), k)
  chosen = jnp.sort(chosen, axis=1)  # Again in the order of the items.
  inside = jnp.take_along_axis(groups, chosen[:, :, None], 1)
  top, at = jax.lax.top_k(_one_zero(inside.reshape(len(scores), -1)), k)
  chosen = jnp.take_along_axis(chosen, at // GROUP, 1)
  return top, chosen * GROUP + at % GROUP


def _one_zero(x):
  """-0 as 0: they are equal scores, and top_k would order them."""
  return jnp.where(x == 0, 0, x)


def _place(item_vectors, num_rows: int, mesh):
  """Vectors on the mesh, with zeros behind up to `num_rows`."""
  where = NamedSharding(mesh, P(sharding.AXES))
  fill = lambda x, rows: ((0, rows - len(x)), (0, 0))
  if isinstance(item_vectors, jax.Array):
    x = item_vectors.astype(jnp.float32)
    return jax.device_put(jnp.pad(x, fill(x, num_rows)), where)
  x = np.asarray(item_vectors, np.float32)

  def part(index):
    rows = range(num_rows)[index[0]]
    mine = x[rows.start : rows.stop]
    whole = len(mine) == len(rows)
    return mine if whole else np.pad(mine, fill(mine, len(rows)))

  return jax.make_array_from_callback((num_rows, x.shape[1]), where, part)


def _longest(vectors):
  return jnp.sqrt(jnp.max(jnp.sum(vectors * vectors, axis=1)))


def _pairs(lists: Ragged, begin: int, end: int, row: int):
  """(rows of the block, items) of users begin..end, padded with `row`."""
  flat, offsets = lists
  offsets = offsets[begin : end + 1]
  count = offsets[-1] - offsets[0]
  size = max(_ceil_power(count), MIN_PAIRS) if count else 0
  rows, items = np.full(size, row, np.int32), np.zeros(size, np.int32)
  rows[:count] = np.repeat(np.arange(end - begin), np.diff(offsets))
  items[:count] = flat[offsets[0] : offsets[-1]]
  return rows, items


def _ceil_power(n: int) -> int:
  return 1 << max(int(n) - 1, 0).bit_length()


def _floor_power(n: int) -> int:
  return 1 << (int(n).bit_length() - 1)
