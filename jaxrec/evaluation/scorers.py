"""What scores histories against items, and catalogs ranked on the host.

Our model ranks on the mesh (model_scorer.py, jaxrec/retrieval/); baselines give
dense blocks of scores, which are ranked here. Both come to the same counts.
"""

import dataclasses
import typing
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures

import numpy as np
from scipy import special

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation.metrics import lowest_for_nan

# Examples, and which rows of them -> scores.
BlockScores = Callable[[Impressions, np.ndarray], np.ndarray]

AT_ONCE = 2  # Blocks that are scored and ranked at a time; each takes memory.
GROUPS = 512  # Of scores, see `top_of`.


class Scorer(typing.Protocol):
  """Scores histories against items; never reads candidates' labels."""

  def pairs(self, examples: Impressions) -> np.ndarray:
    """Scores of the examples' candidates, float32, end to end."""

  def rank(
    self,
    examples: Impressions,
    masked: bool,
    k: int,
    sharpness: np.ndarray | None = None,
  ) -> 'CatalogRanks':
    """The catalog ranked for each example.

    Args:
      examples: whose candidates are the targets.
      masked: whether the items of its history are left out.
      k: length of the lists.
      sharpness: float [E, T], see `CatalogRanks.tails`; None: T is 0.
    """

  def rank_ways(
    self, ways: Sequence[tuple[Impressions, bool]], k: int
  ) -> list['CatalogRanks']:
    """Several rankings from the same scores; see `rank`.

    Args:
      ways: examples and masked, of each; the examples may differ in their
        targets alone.
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
    tails: float32 [E, T], of each sharpness, over all that is ranked, targets
      among it, the log of the sum of exp(sharpness * (min(score, least) -
      least)); `least` is the last score of the list.
  """

  items: np.ndarray
  scores: np.ndarray
  above: np.ndarray
  equal: np.ndarray
  target_scores: np.ndarray
  others: np.ndarray
  tails: np.ndarray


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

  def rank(
    self,
    examples: Impressions,
    masked: bool,
    k: int,
    sharpness: np.ndarray | None = None,
  ) -> CatalogRanks:
    """See `Scorer.rank`."""
    return self._ranked([(examples, masked)], k, sharpness)[0]

  def rank_ways(
    self, ways: Sequence[tuple[Impressions, bool]], k: int
  ) -> list[CatalogRanks]:
    """See `Scorer.rank_ways`."""
    return self._ranked(ways, k)

  def _ranked(
    self,
    ways: Sequence[tuple[Impressions, bool]],
    k: int,
    sharpness: np.ndarray | None = None,
  ) -> list[CatalogRanks]:
    assert self._scores is not None
    if not len(ways[0][0]):  # Nobody to ask the scorer about.
      num_sums = 0 if sharpness is None else sharpness.shape[1]
      return [_of_nobody(k, num_sums)] * len(ways)
    score = self._scores
    sums_of = lambda rows: None if sharpness is None else sharpness[rows]

    def ranked(rows: np.ndarray) -> list[CatalogRanks]:
      scores = score(ways[0][0], rows)
      return [
        rank_block(scores, examples.take(rows), masked, k, sums_of(rows))
        for examples, masked in ways
      ]

    # NumPy and SciPy leave other threads to run while they compute.
    with futures.ThreadPoolExecutor(AT_ONCE) as pool:
      blocks = list(pool.map(ranked, self._blocks(ways[0][0])))
    return [_joined(of_way) for of_way in zip(*blocks, strict=True)]


def _of_nobody(k: int, num_sums: int) -> CatalogRanks:
  """What ranking gives for no examples."""
  none = np.zeros(0, np.int64)
  return CatalogRanks(
    items=np.zeros((0, k), np.int32),
    scores=np.zeros((0, k), np.float32),
    above=none,
    equal=none,
    target_scores=np.zeros(0, np.float32),
    others=none,
    tails=np.zeros((0, num_sums), np.float32),
  )


def _joined(blocks: Sequence[CatalogRanks]) -> CatalogRanks:
  """Those of all examples, from those of blocks of them."""
  return CatalogRanks(
    **{
      field.name: np.concatenate([getattr(x, field.name) for x in blocks])
      for field in dataclasses.fields(CatalogRanks)
    }
  )


def rank_block(
  scores: np.ndarray,
  examples: Impressions,
  masked: bool,
  k: int,
  sharpness: np.ndarray | None = None,
) -> CatalogRanks:
  """Ranks the catalog for each example, on the host; see `Scorer.rank`.

  One example at a time: its row stays in the processor's cache, which for most
  catalogs is faster than operations on the whole block.

  Args:
    scores: [U, N], of the U examples; see `metrics.place`.
    examples: their histories and targets.
    masked, k, sharpness: see `Scorer.rank`.
  """
  size, width = scores.shape
  scores = lowest_for_nan(scores)
  shape = size, min(k, width)
  items, best = np.full(shape, -1, np.int32), np.full(shape, -np.inf, 'f4')
  targets, offsets = examples.candidates, examples.candidate_offsets
  target_scores = np.zeros(len(targets), np.float32)
  above, equal = np.zeros((2, len(targets)), np.int64)
  others = np.zeros(size, np.int64)
  num_sums = 0 if sharpness is None else sharpness.shape[1]
  tails = np.zeros((size, num_sums), np.float32)
  for i in range(size):
    row = np.array(scores[i], np.float32)  # A copy, to mark what is left out.
    if masked:
      row[examples.history_of(i, len(examples.history))] = -np.inf
    top = top_of(row, shape[1])
    items[i, : len(top)], best[i, : len(top)] = top, row[top]
    if sharpness is not None:
      least = row[top[-1]] if len(top) else 0.0
      below = sharpness[i][:, None] * np.minimum(row - least, 0)[None]
      tails[i] = special.logsumexp(below, axis=1)
    shown = examples.shown(i)
    target_scores[shown] = row[targets[shown]]
    row[targets[shown]] = -np.inf
    for place in range(offsets[i], offsets[i + 1]):
      above[place] = np.count_nonzero(row > target_scores[place])
      equal[place] = np.count_nonzero(row == target_scores[place])
    others[i] = np.count_nonzero(row > -np.inf)
  return CatalogRanks(items, best, above, equal, target_scores, others, tails)


def top_of(scores: np.ndarray, k: int) -> np.ndarray:
  """The places of the `k` best, best first, equals by place.

  Exact, and fast where most scores are the same, as those of a few neighbours
  are: there a partition takes longer than a sort.

  Args:
    scores: float32 [N]; what is -inf is left out.
    k: at most N.
  """
  if not k:
    return np.zeros(0, np.int64)
  # Of disjoint groups of scores, strided, since neighbours are often alike, the
  # maxima: k scores reach the k-th best of these, and few surpass it.
  groups = max(GROUPS, 2 * k)
  each = len(scores) // groups
  whole = scores[: each * groups].reshape(each, groups)
  maxima = whole.max(0) if each else scores[:0]
  reached = np.sort(np.concatenate([maxima, scores[each * groups :]]))[-k]
  top = np.flatnonzero(scores > reached)
  top = top[np.argsort(-scores[top], kind='stable')[:k]]
  if len(top) == k or reached == -np.inf:
    return top
  # Too few surpass it, so that it is the k-th best itself: the first of its
  # equals have the other places. They are looked for from the beginning on.
  lacking, end = k - len(top), 4 * k
  while np.count_nonzero(scores[:end] == reached) < lacking:
    end *= 4
  equals = np.flatnonzero(scores[:end] == reached)[:lacking]
  return np.concatenate([top, equals])
