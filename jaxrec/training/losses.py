"""Losses over masks, as sums and counts: the caller divides, once."""

import jax
import jax.numpy as jnp
import optax

KINDS = ('sigmoid', 'softmax')


def sigmoid_cross_entropy(
  logits: jax.Array, labels: jax.Array, mask: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Sigmoid cross-entropy summed over the unmasked candidates, and their count.

  Args:
    logits: [B, C], any float dtype; the loss is computed in float32.
    labels: [B, C], 1 for clicked and 0 for not.
    mask: [B, C] bool, False for padding. What stands there, NaN and infinity
      included, adds exactly 0 to the sum and gets a gradient of exactly 0.

  Returns:
    (loss_sum in nats, count): float32 scalars. Both are 0 where nothing is
    unmasked, so the sums of any split of a batch add up to the batch's.
  """
  # Masked before the loss as well as after it: 0 times the gradient of a NaN
  # is NaN.
  logits = jnp.where(mask, logits.astype(jnp.float32), 0)
  each = optax.sigmoid_binary_cross_entropy(logits, labels.astype(jnp.float32))
  loss_sum = jnp.sum(jnp.where(mask, each, 0))
  return loss_sum, jnp.sum(mask).astype(jnp.float32)


def softmax_cross_entropy(
  logits: jax.Array, labels: jax.Array, mask: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Softmax cross-entropy over each example's unmasked candidates, summed.

  Which candidate was clicked, given that one was: unlike the sigmoid it learns
  nothing from how much of what is shown is clicked. Arguments as of
  `sigmoid_cross_entropy`; of several clicks each counts, and an example without
  one does not.

  Returns:
    (loss_sum in nats, count of clicks): float32 scalars.
  """
  logits = jnp.where(mask, logits.astype(jnp.float32), -jnp.inf)
  clicks = jnp.where(mask, labels.astype(jnp.float32), 0)
  counted = clicks.sum(-1, keepdims=True) > 0
  # Where nothing is counted all may be masked: 0 gradient, not NaN.
  logs = jax.nn.log_softmax(jnp.where(counted, logits, 0))
  each = jnp.where(clicks > 0, clicks * logs, 0)
  return -jnp.sum(each), jnp.sum(clicks)


LISTED = {'sigmoid': sigmoid_cross_entropy, 'softmax': softmax_cross_entropy}


def next_item(
  logits: jax.Array,
  slots: jax.Array,
  mask: jax.Array,
  events: jax.Array,
  items: jax.Array,
  log_rates: jax.Array,
  *,
  kind: str,
) -> tuple[jax.Array, jax.Array]:
  """Every item of a history, but of its first event, predicted among a table.

  The table's rows stand for the catalog: an item that is in the batch more
  often than others weighs more as what is not next, which `log_rates`, taken
  from the logits, makes up for (Bengio & Senecal 2008). A user's other items
  are not held to be wrong answers.

  Args:
    logits: [B, H, M], before each item's event, of all rows.
    slots: int32 [B, H], each item's row.
    mask: bool [B, H].
    events: int32 [B, H].
    items: int32 [M], -1 for rows that are none.
    log_rates: float32 [M].
    kind: one of KINDS: sigmoid cross-entropy over all rows, or sampled
      softmax.

  Returns:
    (loss_sum in nats, count): float32 scalars; the count is of predictions
    for 'softmax', of pairs for 'sigmoid'.
  """
  rows = jnp.arange(logits.shape[-1])[None, None]
  users = jnp.arange(len(slots))[:, None]
  own = jnp.zeros((len(slots), rows.size), bool).at[users, slots].max(mask)
  here = slots[..., None] == rows
  allowed = (here | ~own[:, None]) & (items >= 0)[None, None]
  counted = mask & (events > 0)
  logits = logits.astype(jnp.float32) - log_rates[None, None]
  if kind == 'sigmoid':
    return sigmoid_cross_entropy(logits, here, allowed & counted[..., None])
  logits = jnp.where(allowed, logits, -jnp.inf)
  target = jnp.take_along_axis(logits, slots[..., None], -1)[..., 0]
  # Where nothing is counted the target may be no item: 0 gradient, not NaN.
  each = jax.nn.logsumexp(
    jnp.where(counted[..., None], logits, 0), -1
  ) - jnp.where(counted, target, 0)
  loss_sum = jnp.sum(jnp.where(counted, each, 0))
  return loss_sum, jnp.sum(counted).astype(jnp.float32)
