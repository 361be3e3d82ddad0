"""Items from items, by one linear model in closed form."""

import dataclasses
from typing import Self

import numpy as np

from jaxrec.baselines.base import Baseline, Known
from jaxrec.baselines.matrices import histories, user_items
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import CHUNK

MOST = 10_000  # Rows of the largest matrix that is inverted.
SMALL = 256  # Rows of a matrix that is inverted in one piece.
CONDITION = 1e3  # Up to which float32 gives four digits or more.


@dataclasses.dataclass
class Ease(Baseline):
  """EASE (Steck 2019): ridge regression of each item on the others.

  With P = (X'X + penalty)^-1 of the users' binary rows X, item j gets
  h_j - (h P)_j / P_jj from a history h. Where users are fewer than items,
  by K = (XX' + penalty)^-1, P = (1 - X'KX) / penalty: no matrix of items x
  items then.

  Beyond MOST users and items only the MOST most popular items take part; the
  others score 0.

  Attributes:
    penalty: of a weight's square.
    decay: weight of a history item for each event after its own.
  """

  penalty: float = 200.0
  decay: float = 1.0
  grid = tuple({'penalty': penalty} for penalty in (50.0, 150.0, 500.0, 2000.0))
  fit_reads = ('penalty',)

  def fit(self, known: Known) -> Self:
    matrix = user_items(known.sequences, known.num_items)
    matrix = matrix[np.diff(matrix.indptr) > 0]
    counts = np.bincount(matrix.indices, minlength=known.num_items)
    self.num_items, self.items = known.num_items, np.flatnonzero(counts)
    self.note = ''
    if min(matrix.shape[0], len(self.items)) > MOST:
      self.note = f'the {MOST:,} most popular of {len(self.items):,} items'
      self.items = np.sort(np.argsort(-counts, kind='stable')[:MOST])
    matrix = matrix[:, self.items]
    self.dual = matrix.shape[0] < matrix.shape[1]
    if self.dual:
      self._fit_dual(matrix)
    else:
      self._fit_primal(matrix)
    return self

  def _fit_primal(self, matrix) -> None:
    weights = _inverse(matrix.T @ matrix, self.penalty)
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0)
    self.weights = weights.astype(np.float32, copy=False)

  def _fit_dual(self, matrix) -> None:
    inverse = _inverse(matrix @ matrix.T, self.penalty)
    columns = matrix.T.tocsr()
    block = max(CHUNK * 64 // len(inverse), 1)
    # The diagonal of X'KX.
    leverages = [
      columns[begin : begin + block]
      .multiply(columns[begin : begin + block] @ inverse)
      .sum(1)
      for begin in range(0, len(self.items), block)
    ]
    self.leverages = np.concatenate(leverages).astype(np.float32)
    self.inverse = inverse.astype(np.float32, copy=False)
    self.columns = columns.astype(np.float32)

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    history = histories(examples, rows, self.num_items, self.decay)
    history = history[:, self.items]
    scores = np.zeros((len(rows), self.num_items), np.float32)
    if self.dual:
      # h X'KX, then without what an item says of itself.
      seen = (history @ self.columns).toarray() @ self.inverse
      scores[:, self.items] = (
        (self.columns @ seen.T).T - history.toarray() * self.leverages
      ) / (1 - self.leverages)
    else:
      scores[:, self.items] = history @ self.weights
    return scores


class EaseRecency(Ease):
  """Ease whose history fades."""

  grid = tuple({'decay': decay} for decay in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95))


def _inverse(gram, penalty: float) -> np.ndarray:
  """(gram + penalty)^-1 of a sparse symmetric matrix of counts, dense.

  Returns:
    float32, or float64 where the problem's condition wants more digits.
  """
  # No eigenvalue is above the largest sum of a row.
  largest = gram.sum(1).max(initial=0)
  exact = largest > CONDITION * penalty
  dense = gram.astype(np.float64 if exact else np.float32).toarray()
  dense[np.diag_indices_from(dense)] += penalty
  _invert(dense)
  return dense


def _invert(matrix: np.ndarray) -> None:
  """Inverts a positive definite matrix in its place.

  By halves: nearly all is matrix products, which take less than half the time
  of a factor and its inverse by LAPACK.
  """
  if len(matrix) <= SMALL:
    matrix[...] = np.linalg.inv(matrix)
    return
  half = len(matrix) // 2
  first, second = matrix[:half, :half], matrix[half:, half:]
  both = matrix[:half, half:]
  _invert(first)
  solved = first @ both
  second -= both.T @ solved
  _invert(second)
  np.negative(solved @ second, out=both)
  first -= both @ solved.T
  matrix[half:, :half] = both.T
