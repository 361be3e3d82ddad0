"""Sums of saved arrays, by which damage is known."""

import jax
import jax.numpy as jnp

from jaxrec.training.legacy_checkpoints import by_path


def checksums(tree) -> dict[str, jax.Array]:
  """uint32 of every array, by its path: the same however it is laid out."""
  return _checksums_of(by_path(tree))


@jax.jit
def _checksums_of(arrays: dict[str, jax.Array]) -> dict[str, jax.Array]:
  """Sums modulo 2**32 of an array's bits, each times an odd weight.

  Integers add up to the same in any order, so on any mesh; an odd weight lets
  no change of a single element vanish, and differing ones no exchange of two.
  """

  def checksum(x):
    kind = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32}[x.dtype.itemsize]
    bits = jax.lax.bitcast_convert_type(x, kind).astype(jnp.uint32)
    index = jnp.zeros((1,) * x.ndim, jnp.uint32)
    for axis, size in enumerate(x.shape):
      along = jax.lax.broadcasted_iota(jnp.uint32, x.shape, axis)
      index = index * jnp.uint32(size) + along
    return jnp.sum(bits * (2 * index + 1), dtype=jnp.uint32)

  return {name: checksum(x) for name, x in arrays.items()}
