"""Vectors of what items have in common: their category, price or artist."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


class Fields(nnx.Module):
  """A vector for every value of every field; an item's is the sum of its own.

  Read in a history and scored as they are: a user who has acted on dramas alone
  and a drama start with a logit of the field's gain. Of several values of one
  field the mean counts. Each value also has a number that adds to its items'
  logits.

  Args:
    sizes: how many values each field has; A is their sum.
    width: W, of the vectors. They start as orthonormal where A is at most W,
      else nearly so.
    gain: what the gains start as, above 0.
    rngs: for the initial parameters.
  """

  def __init__(
    self, *, sizes: tuple[int, ...], width: int, gain: float, rngs: nnx.Rngs
  ):
    count = sum(sizes)
    key = rngs.params()
    if count <= width:
      vectors = jax.random.orthogonal(key, width)[:count]
    else:
      vectors = jax.random.normal(key, (count, width))
      vectors /= jnp.linalg.norm(vectors, axis=-1, keepdims=True)
    self.vectors = nnx.Param(vectors)
    self.likes = nnx.Param(jnp.zeros(count))
    self.log_gains = nnx.Param(jnp.full(len(sizes), np.log(gain)))

  def __call__(self, values):
    """Vectors [M, W] and likes [M, 1] of values [M, F, V], below 0 for none."""
    known = values >= 0
    shares = known / jnp.maximum(known.sum(-1, keepdims=True), 1)
    rows = jnp.maximum(values, 0)
    # Both sides have it, and their product the gain itself.
    roots = jnp.exp(self.log_gains[...] / 2)[None, :, None]
    vectors = jnp.einsum('mfv,mfvw->mw', shares * roots, self.vectors[rows])
    return vectors, jnp.sum(shares * self.likes[rows], (1, 2))[:, None]
