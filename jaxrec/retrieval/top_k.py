"""Scores and the best k of them, on one device.

The best are found in two stages: k groups of neighbouring items by the groups'
maxima, then k items of these groups. That is exact, ties too: an item outside
these groups has k items before it, one of each group. On two CPU cores it takes
a ninth of the matmul's time, where sorting takes half.
"""

import jax
import jax.numpy as jnp

# Users and items of scores, int32 [P] each; those outside of them are padding.
Pairs = tuple[jax.Array, jax.Array]

GROUP = 32  # Items whose maximum is taken; XLA unrolls no longer ones on CPU.


def dot_products(users: jax.Array, items: jax.Array) -> jax.Array:
  """Scores float32 [B, R] of users [B, D] and items [R, D]."""
  return jnp.matmul(users, items.T, precision=jax.lax.Precision.HIGHEST)


def without(scores: jax.Array, pairs: Pairs) -> jax.Array:
  """Scores [B, R] with -inf in place of those of `pairs`."""
  if not pairs[0].size:
    return scores
  return scores.at[tuple(pairs)].set(-jnp.inf, mode='drop')


def top_k(
  scores: jax.Array, k: int, approximate: float | None = None
) -> tuple[jax.Array, jax.Array]:
  """The k best of each row, of equals the first.

  Args:
    scores: float32 [B, R], R a multiple of GROUP.
    k: at most R.
    approximate: recall that `jax.lax.approx_max_k` aims at, in (0, 1); None:
      exact.

  Returns:
    float32 [B, k], the scores; int32 [B, k], their places in the row.
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


def least_of(top: jax.Array) -> jax.Array:
  """float32 [B]: the last of the best scores [B, k], passing over -inf.

  0 where there are none.
  """
  least = jnp.min(jnp.where(top > -jnp.inf, top, jnp.inf), 1, initial=jnp.inf)
  return jnp.where(least < jnp.inf, least, 0)


def tail_sum(
  scores: jax.Array, least: jax.Array, sharpness: jax.Array
) -> jax.Array:
  """The sum of exp(sharpness * (min(score, least) - least)) of each user.

  Args:
    scores: float32 [B, R]; -inf adds nothing.
    least: float32 [B], see `least_of`.
    sharpness: float32 [B], above 0; or of one user any number.

  Returns:
    float32 [B]; its log is at least 0 where there is an item.
  """
  below = jnp.minimum(scores - least[:, None], 0)
  return jnp.sum(jnp.exp(sharpness[:, None] * below), axis=1)


def _one_zero(x: jax.Array) -> jax.Array:
  """-0 as 0: they are equal scores, and top_k would order them."""
  return jnp.where(x == 0, 0, x)
