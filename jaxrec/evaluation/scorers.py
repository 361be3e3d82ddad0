"""What scores histories against items, and catalogs ranked on the host.

Our model ranks on the mesh (model_scorer.py, jaxrec/retrieval/); baselines give
dense blocks of scores, which are ranked here. Both come to the same counts.
"""

import dataclasses
import typing
from collections.abc import Callable, Iterator

import numpy as np

from jaxrec.data.columns.impressions import Impressions

# Examples, and which rows of them -> scores.
BlockScores = Callable[[Impressions, np.ndarray], np.ndarray]


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
    scores: rows of the examples -> float32 [U, N]; see `Baseline.scores`. None
      where catalogs are not ranked.
    pairs: likewise -> float32, of the examples' own candidates. None where none
      are listed.
    block: U.
  """

  def __init__(
    self,
    scores: BlockScores | None,
    pairs: BlockScores | None,
    block: int = 256,
  ):
    self._scores, self._pairs, self._block = scores, pairs, block

  def _blocks(self, examples: Impressions) -> Iterator[np.ndarray]:
    for begin in range(0, len(examples), self._block):
      yield np.arange(begin, min(begin + self._block, len(examples)))

  def pairs(self, examples: Impressions) -> np.ndarray:
    """See `Scorer.pairs`."""
    assert self._pairs is not None
    blocks = [self._pairs(examples, rows) for rows in self._blocks(examples)]
    return np.concatenate([*blocks, np.zeros(0, np.float32)])

  def rank(self, examples: Impressions, masked: bool, k: int) -> CatalogRanks:
    """See `Scorer.rank`."""
    assert self._scores is not None
    blocks = [
      rank_block(self._scores(examples, rows), examples.take(rows), masked, k)
      for rows in self._blocks(examples)
    ]
    return CatalogRanks(
      **{
        field.name: np.concatenate([getattr(x, field.name) for x in blocks])
        for field in dataclasses.fields(CatalogRanks)
      }
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
    top = np.concatenate([above, equal])
    top = top[np.lexsort((top, -scores[row][top]))]
    top = top[scores[row][top] > -np.inf]
    items[row, : len(top)], best[row, : len(top)] = top, scores[row][top]
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
  above, equal = counts.T
  return CatalogRanks(items, best, above, equal, target_scores, others)
