"""Softmax over whole catalogs: the plain one, in blocks, on any mesh."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.parallel import sharding
from jaxrec.training import catalog_loss
from jaxrec.training.catalog_loss import catalog_softmax

P, N, W = 16, 40, 6


def case(seed=0):
  rng = np.random.default_rng(seed)
  return {
    'users': rng.normal(size=(P, W)).astype(np.float32),
    'items': rng.normal(size=(N, W)).astype(np.float32),
    'targets': rng.integers(0, N - 5, P).astype(np.int32),
    'counted': rng.random(P) < 0.7,
    'is_item': np.arange(N) < N - 5,  # The last rows only fill up.
  }


def plain(users, items, targets, counted, is_item, smoothing=0.0):
  logits = jnp.where(is_item[None], users @ items.T, -jnp.inf)
  logs = jax.nn.log_softmax(logits)
  target = jnp.take_along_axis(logs, targets[:, None], 1)[:, 0]
  every = jnp.where(is_item[None], logs, 0).sum(1) / is_item.sum()
  each = -(1 - smoothing) * target - smoothing * every
  return jnp.where(counted, each, 0).sum(), counted.sum()


def value_and_gradients(loss, inputs, **options):
  def of(users, items):
    return loss(**(inputs | {'users': users, 'items': items}), **options)[0]

  return jax.jit(jax.value_and_grad(of, (0, 1)))(
    inputs['users'], inputs['items']
  )


def assert_close(got, want):
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5),
    got,
    want,
  )


@pytest.mark.parametrize('smoothing', [0.0, 0.2])
@pytest.mark.parametrize('rows', [7, N, 100])  # Items of a block.
def test_it_is_the_plain_softmax_in_blocks_of_any_size(
  rows, smoothing, monkeypatch
):
  monkeypatch.setattr(catalog_loss, 'BLOCK_BYTES', 4 * P * rows)
  inputs = case()
  got = value_and_gradients(catalog_softmax, inputs, smoothing=smoothing)
  assert_close(got, value_and_gradients(plain, inputs, smoothing=smoothing))
  uncounted = np.asarray(got[1][0])[~inputs['counted']]
  np.testing.assert_array_equal(uncounted, 0)


def test_nothing_counted_is_zero_with_zero_gradients():
  inputs = case() | {'counted': np.zeros(P, bool)}
  value, gradients = value_and_gradients(catalog_softmax, inputs)
  assert value == 0
  for gradient in gradients:
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize('rows', [3, 100])
def test_one_device_is_eight(rows, monkeypatch):
  monkeypatch.setattr(catalog_loss, 'BLOCK_BYTES', 4 * P * rows)
  inputs = case(1)
  want = value_and_gradients(plain, inputs, smoothing=0.1)
  mesh = sharding.make_mesh(2, 2, 2)
  with jax.set_mesh(mesh):
    placed = sharding.put_batch(inputs, mesh)
    got = value_and_gradients(catalog_softmax, placed, smoothing=0.1)
  assert_close(got, want)


def test_logits_of_all_items_are_never_there_at_once(monkeypatch):
  """The compiled step's temporaries stay within the bound it states."""
  rows, items = 256, 20_000
  monkeypatch.setattr(catalog_loss, 'BLOCK_BYTES', 1 << 20)
  shaped = lambda *shape, dtype=jnp.float32: jax.ShapeDtypeStruct(shape, dtype)

  def loss(users, table, targets):
    counted, is_item = jnp.ones(rows, bool), jnp.ones(items, bool)
    return catalog_softmax(users, table, targets, counted, is_item)[0]

  compiled = (
    jax.jit(jax.grad(loss, (0, 1)))
    .lower(shaped(rows, 8), shaped(items, 8), shaped(rows, dtype=jnp.int32))
    .compile()
  )
  held = 4 * 8 * (rows + items)  # Users and items.
  used = compiled.memory_analysis().temp_size_in_bytes
  assert used < 3 * catalog_loss.BLOCK_BYTES + 3 * held < 4 * rows * items
