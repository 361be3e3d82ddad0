"""What scores histories against items, and catalogs ranked on the host.

Our model ranks on the mesh (`jaxrec.scores`, `jaxrec.ranking`); baselines give
dense blocks of scores, which are ranked here. Both come to the same counts.
"""

import dataclasses
import typing

import numpy as np

from jaxrec.data.columns.columns import Impressions


class Scorer(typing.Protocol):
  """Scores histories against items; never reads candidates' labels."""

  def pairs(self, examples: Impressions) -> np.ndarray:
    """Scores of the examples' candidates, float32, end to end."""

  def rank(self, examples: Impressions, masked: bool, k: int) -> 'CatalogRanks':
    """The catalog ranked for each example.

    Args:
      examples: whose candidates are the targets.
      masked: whether the items of its history are left out.
      k: length of the lists.
    """


@dataclasses.dataclass(frozen=True)
class CatalogRanks:
  """Whole catalogs, ranked for E examples with K targets in all.

  Attributes:
    items, scores: int32 and float32 [E, k], best first, equals by index; -1
      and -inf where there are fewer.
    above, equal, target_scores: [K], see `metrics.Places`.
    others: int64 [E], likewise.
  """

  items: np.ndarray
  scores: np.ndarray
  above: np.ndarray
  equal: np.ndarray
  target_scores: np.ndarray
  others: np.ndarray


class BlockScorer:
  """A Scorer from scores of whole blocks of examples, on the host.

  Args:
    scores: rows of the examples -> float32 [U, N]; see `Baseline.scores`.
    pairs: likewise -> float32, of the examples' own candidates.
    block: U.
  """

  def __init__(self, scores, pairs, block: int = 256):
    self._scores, self._pairs, self._block = scores, pairs, block

  def _blocks(self, examples: Impressions):
    for begin in range(0, len(examples), self._block):
      yield np.arange(begin, min(begin + self._block, len(examples)))

  def pairs(self, examples: Impressions) -> np.ndarray:
    """See `Scorer.pairs`."""
    blocks = [self._pairs(examples, rows) for rows in self._blocks(examples)]
    return np.concatenate([*blocks, np.zeros(0, np.float32)])

  def rank(self, examples: Impressions, masked: bool, k: int) -> CatalogRanks:
    """See `Scorer.rank`."""
    found = [
      rank_block(self._scores(examples, rows), examples.take(rows), masked, k)
      for rows in self._blocks(examples)
    ]
    return CatalogRanks(
      *(
        np.concatenate([getattr(part, field.name) for part in found])
        for field in dataclasses.fields(CatalogRanks)
      )
    )


def rank_block(
  scores: np.ndarray, examples: Impressions, masked: bool, k: int
) -> CatalogRanks:
  """Ranks the catalog for each example, on the host; see `Scorer.rank`.

  Args:
    scores: float32 [U, N], of the U examples.
    examples: their histories and targets.
    masked, k: see `Scorer.rank`.
  """
  scores = np.array(scores, np.float32)  # A copy, to mark what is left out.
  size, width = scores.shape
  rows = lambda offsets: np.repeat(np.arange(size), np.diff(offsets))
  owners, targets = rows(examples.candidate_offsets), examples.candidates
  if masked:
    scores[rows(examples.history_offsets), examples.history] = -np.inf
  k = min(k, width)
  items = np.full((size, k), -1, np.int32)
  best = np.full((size, k), -np.inf, np.float32)
  for row, ordered in enumerate(np.partition(scores, width - k, axis=1)):
    least = ordered[width - k]  # The k-th best; of its equals the first.
    above = np.flatnonzero(scores[row] > least)
    equal = np.flatnonzero(scores[row] == least)[: k - len(above)]
    found = np.concatenate([above, equal])
    found = found[np.lexsort((found, -scores[row][found]))]
    found = found[scores[row][found] > -np.inf]
    items[row, : len(found)], best[row, : len(found)] = (
      found,
      scores[row][found],
    )
  target_scores = scores[owners, targets]
  scores[owners, targets] = -np.inf
  counts = np.array(
    [
      [(scores[row] > score).sum(), (scores[row] == score).sum()]
      for row, score in zip(owners, target_scores, strict=True)
    ],
    np.int64,
  ).reshape(-1, 2)
  others = (scores > -np.inf).sum(1)
  return CatalogRanks(items, best, *counts.T, target_scores, others)
