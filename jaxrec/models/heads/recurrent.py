"""What heads have in common whose learner has one recurrent state.

    state_t = cell( inputs of item t, kernel . state_(t-1), state_(t-1) )

A subclass says what the cell is. The LSTM, which keeps a second state, has a
recurrence of its own (`jaxrec.models.heads.lstm`).
"""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.models.heads.head import begins
from jaxrec.models.heads.sequence import SequenceHead

Cell = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def recur(cell: Cell, projected, kernel, mask, fresh=None):
  """The states after each step, [H, B, W].

  In its derivative the kernel's is one matmul over all steps; differentiating
  the scan would add up one for each step.

  Args:
    cell: (inputs [B, G], product [B, G], state [B, W]) -> the new state, all
      of it elementwise but for splits of G.
    projected: [H, B, G], the inputs.
    kernel: [W, G], of the state.
    mask: bool [H, B]; a False step leaves the state as it was.
    fresh: bool [H, B]; a True step begins with a state of 0. None: none does
      but the first.
  """
  return _recur_forward(cell, projected, kernel, mask, fresh)[0]


def _recur_forward(cell: Cell, projected, kernel, mask, fresh=None):
  def advance(state, step):
    inputs, keep, begins_here = step
    if begins_here is not None:
      state = jnp.where(begins_here[:, None], 0, state)
    product = state @ kernel
    new = jnp.where(keep[:, None], cell(inputs, product, state), state)
    return new, (new, product, state)

  start = jnp.zeros((projected.shape[1], kernel.shape[0]), projected.dtype)
  _, (states, products, before) = jax.lax.scan(
    advance, start, (projected, mask, fresh)
  )
  return states, (projected, products, before, kernel, mask, fresh)


def _recur_backward(cell: Cell, residuals, d_states):
  projected, products, before, kernel, mask, fresh = residuals

  def retreat(d_state, step):
    inputs, product, state, keep, begins_here, d_here = step
    d_state += d_here
    keep = keep[:, None]
    _, pull = jax.vjp(cell, inputs, product, state)
    d_inputs, d_product, d_before = pull(jnp.where(keep, d_state, 0))
    # A step that was skipped hands the gradient on as it is.
    d_before += jnp.where(keep, 0, d_state) + d_product @ kernel.T
    if begins_here is not None:
      d_before = jnp.where(begins_here[:, None], 0, d_before)
    return d_before, (d_inputs, d_product)

  _, (d_projected, d_products) = jax.lax.scan(
    retreat,
    jnp.zeros_like(d_states[0]),
    (projected, products, before, mask, fresh, d_states),
    reverse=True,
  )
  d_kernel = jnp.einsum('hbw,hbg->wg', before, d_products)
  return d_projected, d_kernel, None, None


recur.defvjp(_recur_forward, _recur_backward)


class RecurrentHead(SequenceHead):
  """Mean of the history plus a recurrent learner's correction.

  The inputs' projection is one matmul over the whole history, outside the scan.
  A subclass has `gates`, how many numbers of G there are for each of the state.
  """

  gates: ClassVar[int] = 1

  @staticmethod
  def cell(inputs, product, state):
    """See `recur`."""
    raise TypeError('the head has no cell')

  def make_learner(self, config: Any, width: int, rngs: nnx.Rngs):
    size = self.gates * config.width
    self.read = nnx.Linear(width, size, rngs=rngs)
    self.recurrent = nnx.Linear(
      config.width,
      size,
      use_bias=False,
      kernel_init=nnx.initializers.orthogonal(),
      rngs=rngs,
    )

  def item_inputs(self, x):
    return self.read(x)

  def states(self, inputs, mask, context, key):
    fresh = None
    if context.segments is not None:
      fresh = jnp.swapaxes(begins(context), 0, 1)
    kernel = self.recurrent.kernel[...]
    states = recur(type(self).cell, inputs, kernel, mask.T, fresh)
    return jnp.swapaxes(states, 0, 1)
