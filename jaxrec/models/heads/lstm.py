"""LSTM head (Hochreiter & Schmidhuber, 1997), scanned."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.errors import at_least
from jaxrec.models.heads.head import Head, HeadConfig, state_at
from jaxrec.models.heads.mean import MeanHead
from jaxrec.models.terms.term import Channel


@jax.custom_vjp
def recur(projected, kernel, mask):
  """The recurrence; its hidden states after each step, [H, B, W].

  The derivative is written out so that the kernel's is one matmul over all
  steps; differentiating the scan adds up one for each step, which takes half
  of a training step on a CPU.

  Args:
    projected: [H, B, 4W], inputs times their weights: gates i, f, g, o.
    kernel: [W, 4W], of the hidden state.
    mask: bool [H, B]; a False step leaves the state as it was.
  """
  return _recur_forward(projected, kernel, mask)[0]


def _recur_forward(projected, kernel, mask):
  def cell(state, step):
    hidden, memory = state
    inputs, keep = step
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
  _, (states, *kept) = jax.lax.scan(cell, (start, start), (projected, mask))
  return states, (tuple(kept), kernel, mask)


def _recur_backward(residuals, d_states):
  kept, kernel, mask = residuals

  def cell(d_state, step):
    (i, f, g, o, new_memory, _, memory), keep, d_here = step
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
    d_before = (passed[0] + d_gates @ kernel.T, passed[1] + d_memory * f)
    return d_before, d_gates

  start = jnp.zeros_like(d_states[0])
  _, d_gates = jax.lax.scan(
    cell, (start, start), (kept, mask, d_states), reverse=True
  )
  d_kernel = jnp.einsum('hbw,hbg->wg', kept[5], d_gates)
  return d_gates, d_kernel, None


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

  def read(self, projected, mask):
    """`inputs` of a history, [H, B, 4W], and mask [B, H] -> [H, B, W]."""
    kernel = self.recurrent.kernel[...].astype(projected.dtype)
    return recur(projected, kernel, jnp.swapaxes(mask, 0, 1))


@dataclasses.dataclass(frozen=True)
class LstmConfig(HeadConfig):
  """The LSTM head.

  Attributes:
    width: of the LSTM's state.
  """

  type: ClassVar[str] = 'lstm'
  width: int = 256

  def __post_init__(self):
    at_least(self, width=1)


class LstmHead(Head):
  """Mean of the history plus an LSTM's correction, which starts at zero."""

  Config: ClassVar[type] = LstmConfig

  def __init__(
    self,
    config: LstmConfig,
    *,
    channels: tuple[Channel, ...],
    num_behaviours: int,
    rngs: nnx.Rngs,
  ):
    width = sum(channel.size for channel in channels)
    self.mean = MeanHead(
      config, channels=channels, num_behaviours=num_behaviours, rngs=rngs
    )
    self.lstm = Lstm(width=width, hidden_width=config.width, rngs=rngs)
    self.correct = nnx.Linear(
      config.width,
      width,
      use_bias=False,
      kernel_init=nnx.initializers.zeros,
      rngs=rngs,
    )

  def inputs(self, table):
    """What the LSTM reads of items [M, D]: [M, 4W]."""
    return self.lstm.inputs(table)

  def __call__(self, history, mask, context, at, inputs=None):
    """See Head."""
    if inputs is None:
      inputs = self.lstm.inputs(jnp.swapaxes(history, 0, 1))
    states = jnp.swapaxes(self.lstm.read(inputs, mask), 0, 1)
    state = state_at(states, mask, context.events, at)
    return self.mean(history, mask, context, at) + self.correct(state)
