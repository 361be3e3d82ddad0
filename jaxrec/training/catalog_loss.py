"""Softmax cross-entropy over a whole catalog, in blocks of items.

    loss = log sum_n exp(<user, item_n>) - <user, item of the target>

Logits of P positions and N items are never there at once, unless they fit in
BLOCK_BYTES: a scan over blocks of items keeps a running maximum and sum (as in
Milakov & Gimelshein, 2018, arXiv:1805.02867), and the gradient, written out,
computes each block again. Item vectors may be split by rows over the mesh:
every device sees all positions and its own items, and what devices exchange is
of the size of the users' vectors.

A device holds at most 3 * BLOCK_BYTES beside users, items and their gradients.
"""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

from jaxrec.parallel.sharding import BATCH

AXES = BATCH[0]  # Of the mesh, over which positions and items are split.
BLOCK_BYTES = 1 << 26  # Of one block of logits on one device.


def catalog_softmax(users, items, targets, counted, is_item, *, smoothing=0.0):
  """Cross-entropy of the target among all items, summed over positions.

  Args:
    users: float32 [P, W].
    items: float32 [N, W], rows split over the mesh as a batch is, or not.
    targets: int32 [P], rows of `items`.
    counted: bool [P]; other positions add 0 and get no gradient.
    is_item: bool [N]; rows that are none take no part.
    smoothing: the share of the target that goes to all items alike.

  Returns:
    (loss_sum in nats, count of positions): float32 scalars.
  """
  users = jnp.where(counted[:, None], users.astype(jnp.float32), 0)
  items = items.astype(jnp.float32)
  log_sum, logit = _log_sum_and_target(users, items, targets, is_item)
  each = log_sum - logit
  if smoothing:
    weights = is_item / jnp.maximum(jnp.sum(is_item), 1)
    each += smoothing * (logit - users @ (weights @ items))
  loss_sum = jnp.sum(jnp.where(counted, each, 0))
  return loss_sum, jnp.sum(counted).astype(jnp.float32)


@jax.custom_vjp
def _log_sum_and_target(users, items, targets, is_item):
  """log sum exp of a position's logits, and its target's: float32 [P] each."""
  return _forward(users, items, targets, is_item)[0]


def _forward(users, items, targets, is_item):
  mesh = jax.sharding.get_abstract_mesh()
  if mesh.empty:
    log_sum, logit, *kept = _on_device(users, items, targets, is_item)
  else:
    log_sum, logit, *kept = jax.shard_map(
      functools.partial(_on_device, axes=AXES),
      in_specs=(BATCH, BATCH, BATCH, BATCH),
      out_specs=(P(), P(), P(None, AXES), P(None, AXES)),
      check_vma=False,
    )(users, items, targets, is_item)
  return (log_sum, logit), (users, items, targets, is_item, log_sum, *kept)


def _backward(residuals, gradients):
  mesh = jax.sharding.get_abstract_mesh()
  given = (*residuals, *gradients)
  if mesh.empty:
    d_users, d_items = _gradients_on_device(*given)
  else:
    d_users, d_items = jax.shard_map(
      functools.partial(_gradients_on_device, axes=AXES),
      in_specs=(BATCH,) * 4 + (P(), P(None, AXES), P(None, AXES), P(), P()),
      out_specs=(BATCH, BATCH),
      check_vma=False,
    )(*given)
  return d_users, d_items, None, None


_log_sum_and_target.defvjp(_forward, _backward)


# ------------------------------------------------------------ on one device
def _on_device(users, items, targets, is_item, *, axes=()):
  """See `_log_sum_and_target`; and what the gradient needs of it.

  Returns:
    float32 [P] twice, of all positions; float32 [P, n], exp(logit - the
    largest) of the device's n items, if they fit in a block, else [P, 0]; and
    float32 [P, 1], what that is multiplied with for the softmax.
  """
  users, targets, first = _whole(users, targets, items, axes)
  blocks, masks = _blocks(items, is_item, len(users))
  if len(blocks) == 1:
    logits = _logits(users, items, is_item)
    largest = logits.max(-1)
    finite = jnp.where(jnp.isfinite(largest), largest, 0)
    within = jnp.exp(logits - finite[:, None])
    total = within.sum(-1)
  else:
    largest, total = _scanned(users, blocks, masks)
    within = jnp.zeros((len(users), 0))
  local = targets - first
  is_here = (local >= 0) & (local < len(items))
  logit = jnp.einsum(
    'pw,pw->p', users, items[jnp.clip(local, 0, len(items) - 1)]
  )
  logit = jnp.where(is_here, logit, 0)
  here = largest
  if axes:
    most = jax.lax.pmax(largest, axes)
    scale = jnp.where(jnp.isfinite(largest), jnp.exp(largest - most), 0)
    total = jax.lax.psum(total * scale, axes)
    largest, logit = most, jax.lax.psum(logit, axes)
  log_sum = largest + jnp.log(total)
  # Of what is kept, exp(logit - largest here), to the share of the whole.
  scales = jnp.where(jnp.isfinite(here), jnp.exp(here - log_sum), 0)
  return log_sum, logit, within, scales[:, None]


def _scanned(users, blocks, masks):
  """The largest logit of each position, and the sum of exp(logit - it)."""

  def add(state, block):
    largest, total = state
    logits = _logits(users, *block)
    new = jnp.maximum(largest, logits.max(-1))
    scale = jnp.where(jnp.isfinite(largest), jnp.exp(largest - new), 0)
    # Where all is masked so far, `new` is -inf, and so is every logit.
    within = jnp.exp(logits - jnp.where(jnp.isfinite(new), new, 0)[:, None])
    return (new, total * scale + within.sum(-1)), None

  start = jnp.full(len(users), -jnp.inf), jnp.zeros(len(users))
  return jax.lax.scan(add, start, (blocks, masks))[0]


def _gradients_on_device(
  users,
  items,
  targets,
  is_item,
  log_sum,
  within,
  scales,
  d_log_sum,
  d_logit,
  *,
  axes=(),
):
  """Of users and items; the device's own rows of both."""
  num_users = len(users)
  users, targets, first = _whole(users, targets, items, axes)
  blocks, masks = _blocks(items, is_item, len(users))
  if len(blocks) == 1:
    scaled = within * (scales * d_log_sum[:, None])
    d_users, d_items = scaled @ items, scaled.T @ users
  else:

    def add(d_users, block):
      logits = _logits(users, *block)
      scaled = jnp.exp(logits - log_sum[:, None]) * d_log_sum[:, None]
      return d_users + scaled @ block[0], scaled.T @ users

    d_users, d_items = jax.lax.scan(add, jnp.zeros_like(users), (blocks, masks))
    d_items = d_items.reshape(-1, items.shape[1])[: len(items)]
  local = targets - first
  is_here = (local >= 0) & (local < len(items))
  rows = jnp.clip(local, 0, len(items) - 1)
  d_target = jnp.where(is_here, d_logit, 0)[:, None]
  d_users += d_target * items[rows]
  d_items = d_items.at[rows].add(d_target * users)
  if axes:
    d_users = jax.lax.psum_scatter(
      d_users, axes, scatter_dimension=0, tiled=True
    )
    assert len(d_users) == num_users
  return d_users, d_items


def _whole(users, targets, items, axes):
  """Users and targets of all devices, and which item is this one's first."""
  if not axes:
    return users, targets, 0
  users = jax.lax.all_gather(users, axes, tiled=True)
  targets = jax.lax.all_gather(targets, axes, tiled=True)
  return users, targets, jax.lax.axis_index(axes) * len(items)


def _blocks(items, is_item, positions: int):
  """Items and their masks in blocks: [K, n, W] and [K, n], padded."""
  size = max(BLOCK_BYTES // (4 * max(positions, 1)), 1)
  count = -(-len(items) // size)
  if count == 1:
    return items[None], is_item[None]
  size = -(-len(items) // count)
  padding = count * size - len(items)
  items = jnp.pad(items, ((0, padding), (0, 0)))
  is_item = jnp.pad(is_item, (0, padding))
  return items.reshape(count, size, -1), is_item.reshape(count, size)


def _logits(users, items, is_item):
  return jnp.where(is_item[None], users @ items.T, -jnp.inf)
