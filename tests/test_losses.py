"""The loss: its value and gradient, and that padding has no part in either."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.losses import sigmoid_cross_entropy

B, C = 16, 12
GARBAGE = np.array([np.nan, np.inf, -np.inf, 6e4], np.float32)

loss = jax.jit(sigmoid_cross_entropy)
gradient = jax.jit(jax.grad(lambda *args: sigmoid_cross_entropy(*args)[0]))


@pytest.fixture
def batch():
  """Logits, labels and mask [B, C]; garbage where masked."""
  rng = np.random.default_rng(0)
  logits = rng.normal(0, 4, (B, C)).astype(np.float32)
  logits[0, :4] = [1e4, -1e4, 1e4, -1e4]
  labels = (rng.random((B, C)) < 0.3).astype(np.float32)
  mask = rng.random((B, C)) < 0.7
  mask[0], mask[1] = True, False
  return put_garbage(logits, mask), put_garbage(labels, mask), mask


def put_garbage(x, mask, shift=0):
  return np.where(mask, x, np.resize(np.roll(GARBAGE, shift), x.shape))


def reference(logits, labels, mask):
  """In float64: log(1 + exp(-x)) where clicked, log(1 + exp(x)) where not."""
  x, y = logits[mask].astype(np.float64), labels[mask]
  return np.logaddexp(0, np.where(y == 1, -x, x)).sum()


def test_value_is_that_of_the_formula(batch):
  total, count = loss(*batch)
  assert total.dtype == count.dtype == jnp.float32
  assert total.shape == count.shape == ()
  np.testing.assert_allclose(total, reference(*batch), rtol=1e-6)
  assert count == batch[2].sum()


def test_gradient_is_that_of_the_formula_and_0_where_masked(batch):
  logits, labels, mask = batch
  x = np.where(mask, logits, 0).astype(np.float64)
  sigmoid = np.exp(-np.logaddexp(0, -x))
  expected = np.where(mask, sigmoid - np.where(mask, labels, 0), 0)
  got = np.asarray(gradient(*batch))
  np.testing.assert_allclose(got, expected, atol=1e-6)
  assert np.all(got[~mask] == 0)


def test_what_is_masked_changes_nothing(batch):
  logits, labels, mask = batch
  other = put_garbage(logits, mask, 1), put_garbage(labels, mask, 2), mask
  assert loss(*other) == loss(*batch)
  np.testing.assert_array_equal(gradient(*other), gradient(*batch))


def test_all_masked_is_0_of_0(batch):
  nothing = (*batch[:2], np.zeros((B, C), bool))
  assert loss(*nothing) == (0, 0)
  assert not np.any(gradient(*nothing))


@pytest.mark.parametrize('axis', [0, 1])
def test_the_parts_of_a_batch_add_up(batch, axis):
  halves = zip(*(np.split(x, 2, axis) for x in batch), strict=True)
  (sum_a, count_a), (sum_b, count_b) = (loss(*half) for half in halves)
  total, count = loss(*batch)
  np.testing.assert_allclose(sum_a + sum_b, total, rtol=1e-6)
  assert count_a + count_b == count


@pytest.mark.parametrize('dtype', [jnp.bfloat16, jnp.float16])
def test_low_precision_logits_are_computed_in_float32(batch, dtype):
  logits, labels, mask = batch
  low = jnp.asarray(logits, dtype)
  got = loss(low, jnp.asarray(labels, dtype), mask)
  assert got[0].dtype == got[1].dtype == jnp.float32
  assert got == loss(low.astype(jnp.float32), labels, mask)
  # To where float32 gets, which the input's own 8 or 11 bits would not.
  expected = reference(np.asarray(low, np.float32), labels, mask)
  np.testing.assert_allclose(got[0], expected, rtol=1e-6)
