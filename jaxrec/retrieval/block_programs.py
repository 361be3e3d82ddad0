"""The programs that rank a block of users on all devices of a mesh.

Each device holds the scores of its own items. A block takes three programs,
or four, each of which hands the scores on to the next: whatever reads them
before they are masked has run by then, so that they are masked in place. In one
program XLA would keep up to three copies.
"""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from jaxrec.parallel import sharding
from jaxrec.retrieval.top_k import (
  Pairs,
  dot_products,
  least_of,
  tail_sum,
  top_k,
  without,
)

SCORES = P(None, sharding.AXES)  # How the scores [B, N'] are split.


@functools.partial(jax.jit, static_argnames=('mesh', 'num_items'))
def score(
  items: jax.Array,
  users: jax.Array,
  targets: Pairs,
  added: tuple[Pairs, jax.Array],
  *,
  mesh: Mesh,
  num_items: int,
) -> tuple[jax.Array, jax.Array]:
  """Scores of a block of users, and among them the targets'.

  Args:
    items: float32 [N', D], split over the mesh, N' >= num_items.
    users: float32 [B, D].
    targets: (rows of the block, items), int32 [P], padded with row B.
    added: pairs likewise, [Q], and float32 [Q], what is added to their scores.

  Returns:
    float32 [B, N'], split like the items, -inf for rows that are no items;
    float32 [P], 0 for padding.
  """
  padding = items.shape[0] - num_items

  def on_device(
    items: jax.Array,
    users: jax.Array,
    targets: Pairs,
    added: tuple[Pairs, jax.Array],
  ) -> tuple[jax.Array, jax.Array]:
    scores = dot_products(users, items)
    num_rows = len(items)
    if len(added[1]):
      scores = scores.at[_local(added[0], num_rows)].add(added[1], mode='drop')
    if tail := min(padding, num_rows):
      columns = _first(num_rows) + jnp.arange(num_rows - tail, num_rows)
      kept = jnp.where(columns[None] < num_items, scores[:, -tail:], -jnp.inf)
      scores = scores.at[:, -tail:].set(kept)
    # A second dot product could differ in its last bits, and equals be lost.
    local = scores.at[_local(targets, num_rows)].get(mode='fill', fill_value=0)
    return scores, jax.lax.psum(local, sharding.AXES)

  return jax.shard_map(
    on_device,
    mesh=mesh,
    in_specs=(P(sharding.AXES), P(), P(), P()),
    out_specs=(SCORES, P()),
  )(items, users, targets, added)


@functools.partial(
  jax.jit, donate_argnums=0, static_argnames=('mesh', 'k', 'approximate')
)
def best(
  scores: jax.Array,
  seen: Pairs,
  *,
  mesh: Mesh,
  k: int,
  approximate: float | None,
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """The best items of each user of a block.

  Args:
    scores: float32 [B, N'], see `score`; given up.
    seen: (rows of the block, items), int32 [P], padded with row B.
    k: items per user.
    approximate: see `top_k`.

  Returns:
    The scores, -inf where an item is seen, split as before; of these the best,
    float32 and int32 [B, min(k, N')]: scores and items.
  """

  def on_device(
    scores: jax.Array, seen: Pairs
  ) -> tuple[jax.Array, jax.Array, jax.Array]:
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


@functools.partial(jax.jit, static_argnames='mesh')
def tails(
  scores: jax.Array, top: jax.Array, sharpness: jax.Array, *, mesh: Mesh
) -> jax.Array:
  """How much lies behind the best items of each user, see `top_k.tail_sum`.

  Args:
    scores: float32 [B, N'], without what is seen, see `best`; kept.
    top: float32 [B, k], the best of them.
    sharpness: float32 [B, T], above 0.

  Returns:
    float32 [B, T].
  """

  def on_device(
    scores: jax.Array, least: jax.Array, sharpness: jax.Array
  ) -> jax.Array:
    # One user after the other: all at once would be T times the scores.
    sums = jax.lax.map(
      lambda user: tail_sum(user[0][None], user[1][None], user[2]),
      (scores, least, sharpness),
    )
    return jnp.log(jax.lax.psum(sums, sharding.AXES))

  return jax.shard_map(
    on_device, mesh=mesh, in_specs=(SCORES, P(), P()), out_specs=P()
  )(scores, least_of(top), sharpness)


@functools.partial(jax.jit, donate_argnums=0, static_argnames='mesh')
def count_others(
  scores: jax.Array, targets: Pairs, target_scores: jax.Array, *, mesh: Mesh
) -> tuple[jax.Array, jax.Array]:
  """How many items score above each target, and how many exactly as much.

  Args:
    scores: float32 [B, N'], without what is seen, see `best`; given up.
    targets: (rows of the block, items), int32 [P], padded with row B.
    target_scores: float32 [P], see `score`.

  Returns:
    The scores, -inf where an item is a target; int32 [P, 2], the counts above
    and equal among the others.
  """

  def on_device(
    scores: jax.Array, targets: Pairs, target_scores: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    scores = _mask(scores, targets)

    def count(row: jax.Array, score: jax.Array) -> jax.Array:
      others = scores[row]
      return jnp.stack([jnp.sum(others > score), jnp.sum(others == score)])

    def skip(row: jax.Array, score: jax.Array) -> jax.Array:
      return jax.lax.pcast(jnp.zeros(2, jnp.int32), sharding.AXES, to='varying')

    # One target after the other: comparing them all at once takes XLA ten
    # times as long on a CPU. Padding costs nothing.
    counts = jax.lax.map(
      lambda pair: jax.lax.cond(pair[0] < len(scores), count, skip, *pair),
      (targets[0], target_scores),
    )
    return scores, jax.lax.psum(counts, sharding.AXES)

  return jax.shard_map(
    on_device,
    mesh=mesh,
    in_specs=(SCORES, P(), P()),
    out_specs=(SCORES, P()),
  )(scores, targets, target_scores)


def _first(num_rows: int) -> jax.Array:
  """The first item of this device."""
  return jax.lax.axis_index(sharding.AXES) * num_rows


def _local(pairs: Pairs, num_rows: int) -> Pairs:
  """Indices into this device's scores, other devices' out of bounds."""
  rows, columns = pairs
  columns = columns - _first(num_rows)
  is_local = (columns >= 0) & (columns < num_rows)
  return rows, jnp.where(is_local, columns, num_rows)


def _mask(scores: jax.Array, pairs: Pairs) -> jax.Array:
  """-inf in place of this device's scores of (rows, items)."""
  return without(scores, _local(pairs, scores.shape[1]))
