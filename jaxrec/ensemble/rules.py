"""What follows what: sequential rules."""

import dataclasses
from typing import ClassVar

import numpy as np

from jaxrec.baselines.base import Known
from jaxrec.baselines.rules import SequentialRules
from jaxrec.ensemble.member import Member, MemberConfig
from jaxrec.errors import at_least
from jaxrec.retrieval.neighbours import Neighbours, typical


@dataclasses.dataclass(frozen=True)
class RulesConfig(MemberConfig):
  """The rules of what follows what.

  Attributes:
    steps: how many events ahead a rule looks.
  """

  decay: float = 0.5
  steps: int = 10

  def __post_init__(self):
    super().__post_init__()
    at_least(self, steps=1)


class Rules(Member):
  """Rules a -> b, 1 / distance each time b follows a (Ludewig & Jannach 2018).

  See `baselines.rules`.
  """

  Config: ClassVar[type] = RulesConfig
  needs_order: ClassVar[bool] = True

  def fit(self, sequences, vectors) -> Neighbours:
    config = self.config
    rules = SequentialRules(steps=config.steps, rules=config.neighbours)
    weights = rules.fit(Known(sequences, vectors, 0, 0)).weights.tolil()
    weights.setdiag(0)  # What comes again is no rule of something else.
    weights = weights.tocsr()
    weights.eliminate_zeros()
    counts = np.diff(weights.indptr)
    shape = weights.shape[0], max(int(counts.max(initial=0)), 1)
    items, values = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    filled = np.arange(shape[1])[None] < counts[:, None]
    items[filled], values[filled] = weights.indices, weights.data
    return Neighbours(items, values, config.decay, typical(values))
