"""GRU head (Cho et al., 2014, arXiv:1406.1078), scanned."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxrec.models.heads.recurrent import RecurrentHead
from jaxrec.models.heads.sequence import SequenceConfig


@dataclasses.dataclass(frozen=True)
class GruConfig(SequenceConfig):
  """The GRU head."""

  type: ClassVar[str] = 'gru'


class GruHead(RecurrentHead):
  """Mean of the history plus a GRU's correction."""

  Config: ClassVar[type] = GruConfig
  gates: ClassVar[int] = 3

  @staticmethod
  def cell(inputs, product, state):
    """The gates are: reset, update, and what is new."""
    reset, update, new = jnp.split(inputs, 3, axis=-1)
    of_reset, of_update, of_new = jnp.split(product, 3, axis=-1)
    reset = jax.nn.sigmoid(reset + of_reset)
    update = jax.nn.sigmoid(update + of_update)
    new = jnp.tanh(new + reset * of_new)
    return update * state + (1 - update) * new
