"""Items from items, by one linear model in closed form."""

import dataclasses
from typing import Self

import numpy as np
from scipy import linalg

from jaxrec.baselines.base import Baseline, Known
from jaxrec.baselines.matrices import histories, user_items
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import CHUNK

MOST = 10_000  # Rows of the largest matrix that is inverted.


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
    matrix = user_items(known.sequences, known.num_items).astype(np.float64)
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
    self.weights = weights.astype(np.float32)

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
    self.inverse = inverse.astype(np.float32)
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
  """(gram + penalty)^-1 of a sparse symmetric matrix, float64, dense."""
  gram = gram.toarray()
  if not gram.size:  # Nobody did anything; LAPACK refuses that.
    return gram
  gram[np.diag_indices_from(gram)] += penalty
  factor, lower = linalg.cho_factor(gram, lower=True, overwrite_a=True)
  inverse, failed = linalg.lapack.dpotri(factor, lower, overwrite_c=True)
  assert not failed
  inverse = np.tril(inverse)
  inverse += np.tril(inverse, -1).T
  return inverse
