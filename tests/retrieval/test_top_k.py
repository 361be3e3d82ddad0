import jax
import jax.numpy as jnp
import numpy as np

from jaxrec.retrieval.top_k import top_k


def test_zeros_of_both_signs_are_equal():
  """A sort by bits would put 0 before -0."""
  index = np.arange(192)[:, None]
  # The first groups have no other zero than -0.
  items = np.where((index >= 64) & (index % 3 == 1), 0.0, -0.0)
  scores = jnp.asarray(np.tile(items.T, (2, 1)), jnp.float32)
  for k in (3, 9):  # By groups, and all at once.
    _, places = jax.jit(top_k, static_argnums=(1, 2))(scores, k, None)
    np.testing.assert_array_equal(places, np.tile(np.arange(k), (2, 1)))
