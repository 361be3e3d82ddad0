"""RNN head (Elman, 1990), scanned."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from jaxrec.models.heads.recurrent import RecurrentHead
from jaxrec.models.heads.sequence import SequenceConfig


@dataclasses.dataclass(frozen=True)
class RnnConfig(SequenceConfig):
  """The head of a plain recurrent network."""

  type: ClassVar[str] = 'rnn'


class RnnHead(RecurrentHead):
  """Mean of the history plus a plain recurrent network's correction."""

  Config: ClassVar[type] = RnnConfig
  gates: ClassVar[int] = 1

  @staticmethod
  def cell(inputs, product, state):
    del state
    return jnp.tanh(inputs + product)
