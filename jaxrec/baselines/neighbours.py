"""Nearest neighbours: items bought together, users who buy the same."""

import dataclasses
from typing import Self

import numpy as np
from scipy import sparse

from jaxrec.baselines.base import Baseline, Known
from jaxrec.baselines.matrices import (
  histories,
  strongest,
  strongest_of_product,
  user_items,
)
from jaxrec.data.columns.impressions import Impressions


@dataclasses.dataclass
class ItemKnn(Baseline):
  """Items that the same users act on (Sarwar et al. 2001).

  Attributes:
    neighbours: how many similar items each item keeps.
    shrinkage: added to the norms' product: similarities of few users count
      less.
    decay: weight of a history item for each event after its own.
  """

  neighbours: int = 100
  shrinkage: float = 10.0
  decay: float = 1.0
  grid = tuple(
    {'neighbours': neighbours, 'shrinkage': shrinkage}
    for neighbours in (10, 20, 100)
    for shrinkage in (0.0, 20.0)
  )
  fit_reads = ('neighbours', 'shrinkage')

  def fit(self, known: Known) -> Self:
    matrix = user_items(known.sequences, known.num_items)
    norms = np.sqrt(np.bincount(matrix.indices, minlength=known.num_items))

    def similarity(values, rows, columns):
      near = values / (norms[rows] * norms[columns] + self.shrinkage)
      return np.where(rows == columns, 0, near).astype(np.float32)

    self.similarities = strongest_of_product(
      matrix.T.tocsr(), matrix, self.neighbours, similarity
    )
    return self

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    num_items = self.similarities.shape[1]
    weights = histories(examples, rows, num_items, self.decay)
    return (weights @ self.similarities).toarray()


class ItemKnnRecency(ItemKnn):
  """ItemKnn whose history fades."""

  grid = tuple(
    {'neighbours': neighbours, 'decay': decay}
    for neighbours in (20, 100)
    for decay in (0.3, 0.6, 0.9)
  )


@dataclasses.dataclass
class UserKnn(Baseline):
  """What the users whose items are most like the history's acted on.

  A user's own training row is left out: it would only tell his history again.

  Attributes:
    neighbours: how many users.
    decay: weight of a history item for each event after its own.
  """

  neighbours: int = 50
  decay: float = 1.0
  grid = tuple({'neighbours': count} for count in (25, 50, 100, 200, 400))

  def fit(self, known: Known) -> Self:
    self.matrix = user_items(known.sequences, known.num_items)
    ids = known.sequences.user_ids
    self.rows_of = {ids[i]: i for i in range(len(ids))}
    lengths = np.diff(self.matrix.indptr)
    scales = (1 / np.sqrt(lengths.clip(1))).astype(np.float32)
    # [N, U]: columns of length 1.
    self.users = (sparse.diags_array(scales) @ self.matrix).T.tocsr()
    return self

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    num_items = self.matrix.shape[1]
    weights = histories(examples, rows, num_items, self.decay)
    norms = np.sqrt(weights.multiply(weights).sum(1)).clip(1e-12)
    scales = (1 / norms).astype(np.float32)
    similarities = (sparse.diags_array(scales) @ weights @ self.users).tocsr()
    own = np.array([self.rows_of.get(examples.user_ids[i], -1) for i in rows])
    at = np.repeat(own, np.diff(similarities.indptr))
    similarities.data[similarities.indices == at] = 0
    return (strongest(similarities, self.neighbours) @ self.matrix).toarray()


class UserKnnRecency(UserKnn):
  """UserKnn whose history fades."""

  grid = tuple(
    {'neighbours': neighbours, 'decay': decay}
    for neighbours in (50, 200)
    for decay in (0.3, 0.6, 0.9)
  )
