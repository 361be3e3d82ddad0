"""Losses over masks, as sums and counts: the caller divides, once."""

import jax
import jax.numpy as jnp
import optax


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
