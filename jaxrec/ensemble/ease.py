"""Who acted on this acted on that: EASE, texts beside what users did."""

import dataclasses
from typing import ClassVar

import numpy as np
from scipy import linalg

from jaxrec.baselines.matrices import user_items
from jaxrec.data.columns.ragged import CHUNK
from jaxrec.ensemble.member import Member, MemberConfig
from jaxrec.ensemble.texts import centered_units
from jaxrec.errors import at_least
from jaxrec.retrieval.neighbours import Neighbours, strongest, typical

MOST = 20_000  # Items of the largest matrix that is inverted: 1.6 GB.


@dataclasses.dataclass(frozen=True)
class EaseConfig(MemberConfig):
  """EASE with items' texts.

  Attributes:
    penalty: of the squared weights.
    texts: weight of items' texts: each of their columns is as a user who acted
      on so much of every item; 0: none.
  """

  decay: float = 0.8
  penalty: float = 50.0
  texts: float = 5.0

  def __post_init__(self):
    super().__post_init__()
    at_least(self, penalty=0, texts=0)


class Ease(Member):
  """EASE (Steck 2019), whose Gram matrix has texts beside users.

  Of more than MOST items the most popular take part.
  """

  Config: ClassVar[type] = EaseConfig

  def fit(self, sequences, vectors) -> Neighbours:
    config, num_items = self.config, len(vectors)
    actions = user_items(sequences, num_items)
    counts = np.bincount(actions.indices, minlength=num_items)
    taken = np.sort(np.argsort(-counts, kind='stable')[:MOST])
    taken = taken[counts[taken] > 0] if not config.texts else taken
    actions = actions[:, taken]
    # float32: the penalty keeps it well conditioned, and it is twice as fast.
    gram = (actions.T @ actions).toarray().astype(np.float32)
    if config.texts:
      units = centered_units(vectors)[taken] * config.texts
      gram += units @ units.T
    gram[np.diag_indices_from(gram)] += np.float32(max(config.penalty, 1e-3))
    factor, _ = linalg.cho_factor(
      gram, lower=True, overwrite_a=True, check_finite=False
    )
    inverse, failed = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    assert not failed
    diagonal = np.diag(inverse).copy()
    shape = num_items, min(config.neighbours, max(len(taken), 1))
    items, values = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    step = max(CHUNK * 64 // max(len(taken), 1), 1)
    for begin in range(0, len(taken), step):
      here = slice(begin, begin + step)
      # Of a symmetric matrix the lower half is there.
      rows = np.concatenate(
        [inverse[here, :begin], _mirrored(inverse[begin:, here])], 1
      )
      weights = rows / -diagonal[None]
      own = np.arange(len(weights))
      weights[own, begin + own] = 0
      places, values[taken[here]] = strongest(weights, shape[1])
      items[taken[here]] = taken[places]
    items[values == 0] = 0
    return Neighbours(items, values, config.decay, typical(values))


def _mirrored(columns: np.ndarray) -> np.ndarray:
  """Columns [R, C] of a lower half, diagonal first -> whole rows [C, R]."""
  size = columns.shape[1]
  rows = columns.T.copy()
  corner = np.tril(columns[:size])
  rows[:, :size] = corner + np.tril(corner, -1).T
  return rows
