"""What a member of the ensemble is: an item-item matrix, fitted to data.

A new member is a file with a subclass of Member and its Config, a line in
MEMBERS (`jaxrec.ensemble`), and a test; see docs/contributing.md.
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError, at_least
from jaxrec.retrieval.neighbours import Neighbours


@dataclasses.dataclass(frozen=True)
class MemberConfig:
  """Of any member.

  Attributes:
    neighbours: K, entries of each item that are kept, the strongest.
    decay: what an item of a history weighs after each event.
  """

  neighbours: int = 200
  decay: float = 0.7

  def __post_init__(self):
    at_least(self, neighbours=1)
    if not 0 < self.decay <= 1:
      raise UserError(f'decay={self.decay}: must be above 0 and at most 1')


class Member:
  """An item-item matrix.

  Args:
    config: its own.
  """

  Config: ClassVar[type] = MemberConfig
  # Whether it says anything of sets, which have no order.
  needs_order: ClassVar[bool] = False

  def __init__(self, config: Any):
    self.config = config

  def fit(self, sequences: Sequences, vectors: np.ndarray) -> Neighbours:
    """The matrix.

    Args:
      sequences: what may be learned from.
      vectors: float32 [N, D], of items' texts; may be memory-mapped.
    """
    raise TypeError(f'{type(self).__name__} has no fit')
