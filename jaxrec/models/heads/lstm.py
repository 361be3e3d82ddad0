"""LSTM head (Hochreiter & Schmidhuber, 1997), scanned."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.models.heads.head import begins
from jaxrec.models.heads.sequence import SequenceConfig, SequenceHead


@jax.custom_vjp
def recur(projected, kernel, mask, fresh=None):
  """The recurrence; its hidden states after each step, [H, B, W].

  The derivative is written out so that the kernel's is one matmul over all
  steps; differentiating the scan adds up one for each step, which takes half
  of a training step on a CPU.

  Args:
    projected: [H, B, 4W], inputs times their weights: gates i, f, g, o.
    kernel: [W, 4W], of the hidden state.
    mask: bool [H, B]; a False step leaves the state as it was.
    fresh: bool [H, B]; a True step begins with a state of 0. None: none does
      but the first.
  """
  return _recur_forward(projected, kernel, mask, fresh)[0]


def _recur_forward(projected, kernel, mask, fresh=None):
  def cell(state, step):
    hidden, memory = state
    inputs, keep, begins = step
    if begins is not None:
      hidden, memory = (
        jnp.where(begins[:, None], 0, x) for x in (hidden, memory)
      )
    i, f, g, o = jnp.split(inputs + hidden @ kernel, 4, axis=-1)
    # The forget gate starts open (Jozefowicz et al., 2015).
    i, f, o = (jax.nn.sigmoid(x) for x in (i, f + 1, o))
    g = jnp.tanh(g)
    new_memory = f * memory + i * g
    new_hidden = o * jnp.tanh(new_memory)
    keep = keep[:, None]
    new = (
      jnp.where(keep, new_hidden, hidden),
      jnp.where(keep, new_memory, memory),
    )
    return new, (new[0], i, f, g, o, new_memory, hidden, memory)

  shape = (projected.shape[1], kernel.shape[0])
  start = jnp.zeros(shape, projected.dtype)
  _, (states, *kept) = jax.lax.scan(
    cell, (start, start), (projected, mask, fresh)
  )
  return states, (tuple(kept), kernel, mask, fresh)


def _recur_backward(residuals, d_states):
  kept, kernel, mask, fresh = residuals

  def cell(d_state, step):
    (i, f, g, o, new_memory, _, memory), keep, begins, d_here = step
    keep = keep[:, None]
    d_state = (d_state[0] + d_here, d_state[1])
    # A step that was skipped hands the gradient on as it is.
    d_hidden, d_memory = (jnp.where(keep, x, 0) for x in d_state)
    passed = tuple(jnp.where(keep, 0, x) for x in d_state)
    tanh = jnp.tanh(new_memory)
    d_memory += d_hidden * o * (1 - tanh * tanh)
    d_gates = jnp.concatenate(
      [
        d_memory * g * i * (1 - i),
        d_memory * memory * f * (1 - f),
        d_memory * i * (1 - g * g),
        d_hidden * tanh * o * (1 - o),
      ],
      axis=-1,
    )
    d_before: tuple = (passed[0] + d_gates @ kernel.T, passed[1] + d_memory * f)
    if begins is not None:
      ended = begins[:, None]
      d_before = tuple(jnp.where(ended, 0, x) for x in d_before)
    return d_before, d_gates

  start = jnp.zeros_like(d_states[0])
  _, d_gates = jax.lax.scan(
    cell, (start, start), (kept, mask, fresh, d_states), reverse=True
  )
  d_kernel = jnp.einsum('hbw,hbg->wg', kept[5], d_gates)
  return d_gates, d_kernel, None, None


recur.defvjp(_recur_forward, _recur_backward)


class Lstm(nnx.Module):
  """History [B, H, D] and mask [B, H] -> hidden states [H, B, W].

  Each is that after its step.

  The input projection is one matmul over the whole history, outside the scan;
  only the recurrence is scanned. A masked step leaves the state as it was, so
  padding anywhere changes nothing. Where vectors occur many times, `inputs` of
  each once and `read` of these is less work.

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
    return self.read(self.inputs(jnp.swapaxes(history, 0, 1)), mask)

  def read(self, projected, mask, fresh=None):
    """`inputs` of a history -> its hidden states [H, B, W].

    Args:
      projected: [H, B, 4W].
      mask: bool [B, H].
      fresh: bool [B, H], see `recur`; None for none.
    """
    kernel = self.recurrent.kernel[...].astype(projected.dtype)
    swapped = None if fresh is None else jnp.swapaxes(fresh, 0, 1)
    return recur(projected, kernel, jnp.swapaxes(mask, 0, 1), swapped)


@dataclasses.dataclass(frozen=True)
class LstmConfig(SequenceConfig):
  """The LSTM head."""

  type: ClassVar[str] = 'lstm'


class LstmHead(SequenceHead):
  """Mean of the history plus an LSTM's correction."""

  Config: ClassVar[type] = LstmConfig
  gates: ClassVar[int] = 4

  def make_learner(self, config: LstmConfig, width: int, rngs: nnx.Rngs):
    self.lstm = Lstm(width=width, hidden_width=config.width, rngs=rngs)

  def item_inputs(self, x):
    return self.lstm.inputs(x)

  def states(self, inputs, mask, context, key):
    fresh = None if context.segments is None else begins(context)
    return jnp.swapaxes(self.lstm.read(inputs, mask, fresh), 0, 1)
