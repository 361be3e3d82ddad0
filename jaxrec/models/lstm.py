"""LSTM user encoder (Hochreiter & Schmidhuber, 1997), scanned."""

import jax
import jax.numpy as jnp
from flax import nnx


class Lstm(nnx.Module):
  """History [B, H, D] and mask [B, H] -> last hidden state [B, W].

  The input projection is one matmul over the whole history, outside the scan;
  only the recurrence is scanned. A masked step leaves the state as it was, so
  padding anywhere changes nothing.

  Args:
    width: D, of the history's vectors.
    hidden_width: W, of the state.
    dtype: of the computation.
    rngs: for the initial parameters.
  """

  def __init__(
    self, *, width: int, hidden_width: int, dtype=jnp.float32, rngs: nnx.Rngs
  ):
    self.inputs = nnx.Linear(width, 4 * hidden_width, dtype=dtype, rngs=rngs)
    self.recurrent = nnx.Linear(
      hidden_width,
      4 * hidden_width,
      use_bias=False,
      dtype=dtype,
      kernel_init=nnx.initializers.orthogonal(),
      rngs=rngs,
    )
    self.hidden_width = hidden_width

  def __call__(self, history, mask):
    def cell(carry, step):
      hidden, memory = carry
      projected, keep = step
      gates = projected + self.recurrent(hidden)
      i, f, g, o = jnp.split(gates, 4, axis=-1)
      # The forget gate starts open (Jozefowicz et al., 2015).
      new_memory = jax.nn.sigmoid(f + 1) * memory
      new_memory += jax.nn.sigmoid(i) * jnp.tanh(g)
      new_hidden = jax.nn.sigmoid(o) * jnp.tanh(new_memory)
      keep = keep[:, None]
      carry = (
        jnp.where(keep, new_hidden, hidden),
        jnp.where(keep, new_memory, memory),
      )
      return carry, None

    projected = jnp.swapaxes(self.inputs(history), 0, 1)
    start = jnp.zeros((history.shape[0], self.hidden_width), projected.dtype)
    steps = (projected, jnp.swapaxes(mask, 0, 1))
    return jax.lax.scan(cell, (start, start), steps)[0][0]
