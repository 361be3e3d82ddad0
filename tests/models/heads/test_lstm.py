"""The LSTM: a plain loop's states, and the plain scan's derivative."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.models.heads.lstm import Lstm, recur


def test_the_recurrences_derivative_is_that_of_the_plain_scan():
  rng = np.random.default_rng(0)
  projected = rng.normal(size=(6, 3, 8)).astype(np.float32)
  kernel = rng.normal(size=(2, 8)).astype(np.float32)
  mask = rng.random((6, 3)) < 0.6
  mask[:, 2] = False  # A user without history.
  weights = rng.normal(size=(6, 3, 2)).astype(np.float32)

  def loss(f, *args):
    return jnp.sum(jnp.sin(f(*args, mask)) * weights)

  plain = recur.fun  # Without the derivative written out.
  got, want = (
    jax.jit(jax.value_and_grad(functools.partial(loss, f), (0, 1)))(
      projected, kernel
    )
    for f in (recur, plain)
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), got, want
  )
  moved = np.abs(got[1][0]).max(-1) > 0
  np.testing.assert_array_equal(moved, mask)  # Skipped steps have none.


def test_the_lstm_equals_a_loop():
  lstm = Lstm(width=5, hidden_width=3, rngs=nnx.Rngs(0))
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 6, 5)).astype(np.float32)
  mask = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 0, 1]], bool)
  sigmoid = lambda a: 1 / (1 + np.exp(-a))
  states = nnx.jit(lambda lstm: lstm(x, mask))(lstm)
  kernel, bias = lstm.inputs.kernel[...], lstm.inputs.bias[...]
  for b in range(2):
    h, c = np.zeros(3), np.zeros(3)
    for t in np.flatnonzero(mask[b]):
      gates = x[b, t] @ kernel + bias + h @ lstm.recurrent.kernel[...]
      i, f, g, o = np.split(np.asarray(gates), 4)
      c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
      h = sigmoid(o) * np.tanh(c)
      np.testing.assert_allclose(states[t, b], h, atol=1e-5)
