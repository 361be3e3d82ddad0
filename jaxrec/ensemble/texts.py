"""What reads alike: the nearest texts."""

import dataclasses
from typing import ClassVar

import numpy as np

from jaxrec.data.columns.ragged import CHUNK
from jaxrec.ensemble.member import Member, MemberConfig
from jaxrec.retrieval.neighbours import Neighbours, strongest, typical


def centered_units(vectors: np.ndarray) -> np.ndarray:
  """Vectors without their mean, at length 1; float32 [N, D]."""
  vectors = np.asarray(vectors, np.float32)
  vectors = vectors - vectors.mean(0)
  norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
  return vectors / norms.clip(1e-6)


@dataclasses.dataclass(frozen=True)
class TextsConfig(MemberConfig):
  """The nearest texts."""

  neighbours: int = 100
  decay: float = 0.7


class Texts(Member):
  """Cosines of items' text vectors, without the catalog's mean."""

  Config: ClassVar[type] = TextsConfig

  def fit(self, sequences, vectors) -> Neighbours:
    del sequences
    config, units = self.config, centered_units(vectors)
    shape = len(units), min(config.neighbours, len(units))
    items, values = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    step = max(CHUNK * 64 // max(len(units), 1), 1)
    for begin in range(0, len(units), step):
      near = units[begin : begin + step] @ units.T
      own = np.arange(len(near))
      near[own, begin + own] = 0
      here = slice(begin, begin + step)
      items[here], values[here] = strongest(near, shape[1])
    return Neighbours(items, values, config.decay, typical(values))
