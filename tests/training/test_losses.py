"""The loss: its value and gradient, and that padding has no part in either."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.training.losses import (
  KINDS,
  next_item,
  sigmoid_cross_entropy,
  softmax_cross_entropy,
)

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


@pytest.fixture
def histories():
  """Arguments of next_item: logits [3, 5, 8], slots, mask, events, items."""
  rng = np.random.default_rng(0)
  slots = np.array([[0, 1, 2, 3, 0], [4, 5, 4, 0, 0], [6, 0, 0, 0, 0]])
  mask = np.arange(5) < np.array([[4], [3], [1]])
  events = np.array([[0, 1, 1, 2, 0], [0, 1, 2, 0, 0], [0, 0, 0, 0, 0]])
  items = np.array([9, 8, 7, 6, 5, 4, 3, -1])
  logits = rng.normal(size=(3, 5, 8)).astype(np.float32)
  rates = np.log(rng.uniform(0.1, 1, 8)).astype(np.float32)
  return logits, slots, mask, events, items, rates


@pytest.mark.parametrize('kind', KINDS)
def test_next_item_is_that_of_a_loop(histories, kind):
  logits, slots, mask, events, items, rates = histories
  want, count = 0.0, 0
  for b, t in zip(*np.nonzero(mask & (events > 0)), strict=True):
    own = set(slots[b][mask[b]].tolist()) - {slots[b, t]}
    rows = [m for m in range(8) if items[m] >= 0 and m not in own]
    x = logits[b, t].astype(np.float64) - rates
    if kind == 'softmax':
      want += np.log(np.exp(x[rows]).sum()) - x[slots[b, t]]
      count += 1
    else:
      want += sum(
        np.logaddexp(0, -x[m] if m == slots[b, t] else x[m]) for m in rows
      )
      count += len(rows)
  got = next_item(*histories, kind=kind)
  np.testing.assert_allclose(got[0], want, rtol=1e-5)
  assert got[1] == count


@pytest.mark.parametrize('kind', KINDS)
def test_next_item_pushes_no_own_item_and_no_padding(histories, kind):
  logits = histories[0]
  gradient = jax.grad(lambda x: next_item(x, *histories[1:], kind=kind)[0])(
    logits
  )
  assert np.isfinite(gradient).all()
  assert not gradient[2].any() and not gradient[:, 0].any()
  assert not gradient[..., 7].any()
  assert not gradient[0, 1, [0, 2, 3]].any() and gradient[0, 1, 1] < 0
  assert (gradient[0, 1, 4:7] > 0).all()


@pytest.mark.parametrize('kind', KINDS)
def test_next_item_of_nothing_is_0_of_0(histories, kind):
  logits, slots, mask, *rest = histories
  nothing = np.zeros_like(mask)
  total, gradient = jax.value_and_grad(
    lambda x: next_item(x, slots, nothing, *rest, kind=kind)[0]
  )(logits)
  assert total == 0 and not gradient.any()


def test_log_rates_make_up_for_how_often_an_item_is_there():
  """Over many batches, the loss's gradient is that of all items, softmax."""
  rng = np.random.default_rng(0)
  count, target = 40, 3
  logits = rng.normal(size=count).astype(np.float32)
  chances = rng.uniform(0.2, 0.9, count).astype(np.float32)
  chances[[0, target]] = 1.0  # The user's items: 0, then the target.
  slots = np.array([[0, target]])
  mask, events = np.ones((1, 2), bool), np.array([[0, 1]])
  x = np.zeros((1, 2, count), np.float32)
  x[0, 1] = logits

  def gradient(items, rates):
    loss = lambda x: next_item(
      x, slots, mask, events, items, rates, kind='softmax'
    )[0]
    return jax.grad(loss)(x)[0, 1]

  there = rng.random((4000, count)) < chances
  items = np.where(there, np.arange(count), -1)
  found = jax.jit(jax.vmap(gradient, (0, None)))(items, np.log(chances))
  want = gradient(np.arange(count), np.zeros(count, np.float32))
  plain = jax.jit(jax.vmap(gradient, (0, None)))(items, np.zeros(count))
  error = lambda g: np.abs(np.mean(g, 0) - want).max()
  assert error(found) < error(plain) / 2


def test_softmax_is_that_of_a_loop_and_feels_no_padding():
  rng = np.random.default_rng(1)
  logits = rng.normal(size=(5, 6)).astype(np.float32)
  labels = (rng.random((5, 6)) < 0.4).astype(np.float32)
  labels[0] = 0  # Nobody clicked: nothing to tell.
  mask = np.arange(6) < np.array([[6], [6], [4], [2], [0]])
  labels[1:4, :2] = 1
  want, count = 0.0, 0
  for b in range(5):
    seen = logits[b][mask[b]].astype(np.float64)
    for c in np.flatnonzero(mask[b] & (labels[b] > 0)):
      want += np.log(np.exp(seen).sum()) - logits[b, c]
      count += 1
  logits[~mask] = np.nan
  loss = lambda x: softmax_cross_entropy(x, labels, mask)[0]
  got, clicks = softmax_cross_entropy(logits, labels, mask)
  np.testing.assert_allclose(got, want, rtol=1e-5)
  assert clicks == count > 4
  gradient = np.asarray(jax.grad(loss)(logits))
  assert (gradient[~mask] == 0).all() and (gradient[0] == 0).all()
  np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-5)
  assert (gradient[1:4] != 0).any(-1).all()
