"""All ways of attention are the textbook's, gradients too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.models.text.attention import attend

R, L, K, DH = 3, 10, 2, 4


def textbook(q, k, v, segments):
  """Row by row, head by head, segment by segment."""
  y = jnp.zeros(v.shape)
  for r in range(R):
    for number in np.unique(segments[r]):
      where = np.flatnonzero(segments[r] == number)
      for head in range(K):
        a, b, c = (x[r, where, head] for x in (q, k, v))
        weights = jax.nn.softmax(a @ b.T / DH**0.5)
        y = y.at[r, where, head].set(weights @ c)
  return y


@pytest.fixture(scope='module')
def case():
  rng = np.random.default_rng(0)
  q, k, v, dy = rng.normal(size=(4, R, L, K, DH)).astype(np.float32)
  segments = np.sort(rng.integers(0, 4, (R, L)), axis=1).astype(np.int32)
  assert len(np.unique(segments)) > 2
  return (q, k, v), segments, dy


@pytest.fixture(scope='module')
def wanted(case):
  x, segments, dy = case

  @jax.jit  # One compilation instead of one per operation.
  def both(*x):
    y, pull = jax.vjp(lambda *x: textbook(*x, segments), *x)
    return y, *pull(jnp.asarray(dy))

  return both(*x)


@pytest.mark.parametrize('implementation', ['auto', 'batched', 'xla'])
def test_output_and_gradients(case, wanted, implementation):
  x, segments, dy = case

  @jax.jit
  def both(*x):
    y, pull = jax.vjp(lambda *x: attend(*x, segments, implementation), *x)
    return y, *pull(jnp.asarray(dy))

  for found, expected in zip(both(*x), wanted, strict=True):
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize('implementation', ['batched', 'xla'])
def test_bfloat16_is_near(case, wanted, implementation):
  x, segments, _ = case
  y = attend(
    *(jnp.asarray(a, jnp.bfloat16) for a in x), segments, implementation
  )
  assert y.dtype == jnp.bfloat16
  np.testing.assert_allclose(y.astype(jnp.float32), wanted[0], atol=0.05)
