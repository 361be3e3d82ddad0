"""GRU and RNN: plain loops' states, and the plain scan's derivative."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import begins
from jaxrec.models.heads.recurrent import recur
from jaxrec.models.terms.term import Channel
from tests.models.heads.histories import (
  HISTORY,
  MASK,
  PACKED_CONTEXT,
  PACKED_HISTORY,
  PACKED_MASK,
  D,
  H,
)
from tests.models.making import make_head

W = 3
sigmoid = lambda a: 1 / (1 + np.exp(-a))


def gru(x, kernel, h):
  r, z, n = np.split(x, 3)
  hr, hz, hn = np.split(h @ kernel, 3)
  r, z = sigmoid(r + hr), sigmoid(z + hz)
  return (1 - z) * np.tanh(n + r * hn) + z * h


def rnn(x, kernel, h):
  return np.tanh(x + h @ kernel)


LOOPS = {'gru': gru, 'rnn': rnn}


@pytest.mark.parametrize('name', LOOPS)
def test_it_equals_a_loop(name):
  head = make_head(HEADS[name].Config(width=W), Channel(D))
  kernel, bias = (
    np.asarray(x[...]) for x in (head.read.kernel, head.read.bias)
  )
  recurrent = np.asarray(head.recurrent.kernel[...])
  inputs = jnp.swapaxes(head.item_inputs(PACKED_HISTORY), 0, 1)
  states = head.states(inputs, PACKED_MASK, PACKED_CONTEXT, None)
  fresh = begins(PACKED_CONTEXT)
  for row in range(len(PACKED_MASK)):
    h = np.zeros(W)
    for t in range(H):
      if fresh[row, t]:
        h = np.zeros(W)
      if PACKED_MASK[row, t]:
        h = LOOPS[name](PACKED_HISTORY[row, t] @ kernel + bias, recurrent, h)
      np.testing.assert_allclose(states[row, t], h, atol=1e-5)


@pytest.mark.parametrize('name', LOOPS)
def test_the_recurrences_derivative_is_that_of_the_plain_scan(name):
  rng = np.random.default_rng(0)
  head = HEADS[name]
  projected = rng.normal(size=(H, len(MASK), head.gates * W))
  kernel = rng.normal(size=(W, head.gates * W))
  projected, kernel = (x.astype(np.float32) for x in (projected, kernel))
  fresh = np.arange(H)[:, None] == np.array([[0, 4, 2, 0]])
  weights = rng.normal(size=(H, len(MASK), W)).astype(np.float32)
  mask = MASK.T & (HISTORY[..., 0].T > -1)

  def loss(f, *args):
    return jnp.sum(jnp.sin(f(head.cell, *args, mask, fresh)) * weights)

  plain = recur.fun  # Without the derivative written out.
  got, want = (
    jax.jit(jax.value_and_grad(functools.partial(loss, f), (0, 1)))(
      projected, kernel
    )
    for f in (recur, plain)
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), got, want
  )
  moved = np.abs(got[1][0]).max(-1) > 0
  np.testing.assert_array_equal(moved, mask)  # Skipped steps have none.
