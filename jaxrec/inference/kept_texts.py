"""Vectors of the items' texts, beside item vectors that have none in them."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

CHUNK = 1 << 14  # Rows that are looked at in float32 at once.


@dataclasses.dataclass(frozen=True)
class KeptTexts:
  """What texts say, by row of the index: to find and to tell items apart.

  Attributes:
    units: float16 [N, D], of the rows that came with the bundle: texts' vectors
      without the catalog's mean, at length 1; see `without_mean`.
    mean: float32 [D].
    added: float32 [D], likewise, of the rows added since; those of `units` are
      outdated.
  """

  units: np.ndarray
  mean: np.ndarray
  added: Mapping[int, np.ndarray] = dataclasses.field(default_factory=dict)

  def of(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """float32 [M, D], of rows [M] that are not free."""
    rows = np.asarray(rows, np.int64)
    vectors = np.zeros((len(rows), len(self.mean)), np.float32)
    came = rows < len(self.units)
    vectors[came] = self.units[rows[came]]
    for place, row in enumerate(rows.tolist()):
      if row in self.added:
        vectors[place] = self.added[row]
    return vectors

  def cosines(self, pooled: np.ndarray, count: int) -> np.ndarray:
    """The cosines of all rows with a text, float32.

    Args:
      pooled: float32 [D], of the text.
      count: of the rows.
    """
    query = without_mean(pooled[None], self.mean)[0]
    cosines = np.zeros(count, np.float32)
    for begin in range(0, len(self.units), CHUNK):
      block = self.units[begin : begin + CHUNK].astype(np.float32)
      cosines[begin : begin + len(block)] = block @ query
    for row, vector in self.added.items():
      cosines[row] = vector @ query
    return cosines

  def with_rows(self, rows: Sequence[int], pooled: np.ndarray) -> 'KeptTexts':
    """With texts of pooled vectors [M, D] at `rows`."""
    vectors = without_mean(pooled, self.mean)
    new = dict(zip(rows, vectors, strict=True))
    return dataclasses.replace(self, added={**self.added, **new})

  def without_rows(self, rows: Sequence[int]) -> 'KeptTexts':
    """Without what was added at `rows`."""
    gone = set(rows)
    added = {row: x for row, x in self.added.items() if row not in gone}
    return dataclasses.replace(self, added=added)


def without_mean(pooled: np.ndarray, mean: np.ndarray) -> np.ndarray:
  """Vectors [M, D] without `mean` [D], at length 1; zeros stay zeros."""
  vectors = np.asarray(pooled, np.float32) - mean
  lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
  return vectors / lengths.clip(1e-6)
