"""A running average of the weights, which is what is judged and used.

After each step average = d * average + (1 - d) * weights, as in Polyak &
Juditsky (1992) with exponential weights. d grows to its value over the first
steps, so that the start is soon forgotten.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class AveragedState(NamedTuple):
  """Of `averaged`.

  Attributes:
    inner: the optimizer's own.
    average: of the parameters, in their layout.
    steps: int32, so many so far.
  """

  inner: optax.OptState
  average: Any
  steps: jax.Array


def averaged(
  tx: optax.GradientTransformation, decay: float
) -> optax.GradientTransformation:
  """`tx`, whose state holds the average of the parameters as well."""

  def init(params):
    return AveragedState(tx.init(params), params, jnp.int32(0))

  def update(updates, state, params=None):
    updates, inner = tx.update(updates, state.inner, params)
    count = state.steps + 1
    d = jnp.minimum(decay, count / (9.0 + count))
    average = jax.tree.map(
      lambda mean, old, change: d * mean + (1 - d) * (old + change),
      state.average,
      params,
      updates,
    )
    return updates, AveragedState(inner, average, count)

  return optax.GradientTransformation(init, update)
