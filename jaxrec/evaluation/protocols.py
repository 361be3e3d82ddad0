"""How a split is evaluated: who is ranked among what.

impressions: the candidates an impression showed.
leave_one_out, time_split: held-out targets among the whole catalog, without
  what the user has seen or with it; or, where that was asked for, among sampled
  candidates, which makes every number look better and is labelled as such.

Whatever scores, our model or a baseline, is a Scorer, and is judged by the same
code from the moment scores are there.
"""

import dataclasses
import typing

import numpy as np

from jaxrec import metrics
from jaxrec.data.columns import Impressions, ragged_rows
from jaxrec.data.sequences import draw_others
from jaxrec.errors import UserError

TOP = 100  # Items of a list that are kept: more than any metric looks at.
SEEN = ('masked', 'kept')


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


@dataclasses.dataclass(frozen=True)
class Judged:
  """What one scorer did on a split of E examples.

  Attributes:
    values: metrics per example.
    places: of the clicked candidates.
    top: int32 [E, K], the best items, best first; -1 where there are fewer.
    scores: float32 [E, K], theirs.
    logits: float32, one per candidate, where candidates are listed.
  """

  values: metrics.PerExample
  places: metrics.Places
  top: np.ndarray
  scores: np.ndarray
  logits: np.ndarray | None = None


class Shown:
  """Candidates are those that were shown."""

  name = 'impressions'
  main_metric = 'auc'
  seen = None

  def examples(self, split: Impressions) -> tuple[Impressions, dict[str, int]]:
    """What of a split is evaluated, and counts of what is not, by reason."""
    return split, {}

  def describe(self) -> str:
    """What is ranked, for people."""
    return 'those shown'

  def judge(
    self, scorer: Scorer, examples: Impressions, threshold: float
  ) -> Judged:
    """Metrics and lists of a scorer.

    Args:
      scorer: whose.
      examples: as `examples` gave them.
      threshold: of `metrics.click_metrics`, chosen on validation.
    """
    return self.judge_logits(scorer.pairs(examples), examples, threshold)

  def judge_logits(
    self, logits: np.ndarray, examples: Impressions, threshold: float
  ) -> Judged:
    """Likewise, of logits, one per candidate."""
    judged = judge_listed(logits, examples)
    clicks = metrics.click_metrics(
      logits, examples.labels, examples.candidate_offsets, threshold
    )
    return dataclasses.replace(judged, values=judged.values | clicks)


@dataclasses.dataclass(frozen=True)
class WholeCatalog:
  """Candidates are the catalog.

  Attributes:
    name: of the protocol that held the targets out.
    seen: 'masked', items of the history are no candidates, and a target among
      them is none either; or 'kept'.
  """

  name: str
  seen: str
  main_metric = 'ndcg@10'

  def examples(self, split: Impressions) -> tuple[Impressions, dict[str, int]]:
    """See `Shown.examples`."""
    return unseen_targets(split) if self.seen == 'masked' else (split, {})

  def describe(self) -> str:
    """What is ranked, for people."""
    return f'the whole catalog, seen items {self.seen}'

  def judge(
    self, scorer: Scorer, examples: Impressions, threshold: float
  ) -> Judged:
    """See `Shown.judge`; there is no threshold on a whole catalog."""
    del threshold
    ranked = scorer.rank(examples, self.seen == 'masked', TOP)
    owners = np.repeat(
      np.arange(len(examples)), np.diff(examples.candidate_offsets)
    )
    places = metrics.Places(
      owners,
      ranked.above,
      ranked.equal,
      ranked.target_scores,
      ranked.others,
    )
    return Judged(
      metrics.rank_metrics(places), places, ranked.items, ranked.scores
    )


@dataclasses.dataclass(frozen=True)
class Sampled:
  """Candidates are the targets and as many unseen items drawn as one asks.

  Attributes:
    name: of the protocol that held the targets out.
    sampled: items drawn for an example, uniformly, without those of its history
      and its targets.
    num_items: N.
    seed: of the draws, which are the same for every scorer.
  """

  name: str
  sampled: int
  num_items: int
  seed: int
  main_metric = 'ndcg@10'
  seen = 'masked'

  def examples(self, split: Impressions) -> tuple[Impressions, dict[str, int]]:
    """See `Shown.examples`."""
    split, counts = unseen_targets(split)
    shown = []
    for i in range(len(split)):
      targets = split.candidates[split.shown(i)]
      taken = [split.history_of(i, len(split.history)), targets]
      drawn = draw_others(
        np.random.default_rng((self.seed, i)),
        self.num_items,
        np.concatenate(taken),
        self.sampled,
      )
      shown.append(np.concatenate([targets, drawn]).astype(np.int32))
    counts_of = np.diff(split.candidate_offsets)
    lengths = np.array([len(items) for items in shown], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return (
      dataclasses.replace(
        split,
        candidates=np.concatenate([*shown, np.zeros(0, np.int32)]),
        candidate_offsets=offsets,
        labels=(within < np.repeat(counts_of, lengths)).astype(np.uint8),
      ),
      counts,
    )

  def describe(self) -> str:
    """What is ranked, for people."""
    return f'SAMPLED: {self.sampled} drawn for each example'

  def judge(
    self, scorer: Scorer, examples: Impressions, threshold: float
  ) -> Judged:
    """See `Shown.judge`; there is no threshold on what was drawn."""
    del threshold
    return judge_listed(scorer.pairs(examples), examples)


def make(
  name: str, *, seen: str, sampled: int, num_items: int, seed: int
) -> Shown | WholeCatalog | Sampled:
  """The protocol a config asks for.

  Raises:
    UserError: candidates are to be sampled where they are listed.
  """
  if name == 'impressions':
    if sampled:
      raise UserError(
        f'evaluation.num_sampled={sampled}: impressions list their candidates: '
        'give 0'
      )
    return Shown()
  if sampled:
    return Sampled(name, sampled, num_items, seed)
  return WholeCatalog(name, seen)


def judge_listed(logits: np.ndarray, examples: Impressions) -> Judged:
  """Ranking metrics and lists from logits, one per listed candidate."""
  places = metrics.place(logits, examples.labels, examples.candidate_offsets)
  top, scores = best_of_each(logits, examples)
  return Judged(metrics.rank_metrics(places), places, top, scores, logits)


def unseen_targets(split: Impressions) -> tuple[Impressions, dict[str, int]]:
  """Without targets that are in the history, and examples without others."""
  owners = np.repeat(np.arange(len(split)), np.diff(split.candidate_offsets))
  past = np.repeat(np.arange(len(split)), np.diff(split.history_offsets))
  width = int(
    max(split.candidates.max(initial=0), split.history.max(initial=0))
  )
  key = lambda rows, items: rows * (width + 1) + items
  new = ~np.isin(key(owners, split.candidates), key(past, split.history))
  kept = np.bincount(owners[new], minlength=len(split))
  rows = np.flatnonzero(kept)
  _, offsets = ragged_rows(np.concatenate([[0], np.cumsum(kept)]), rows)
  taken = split.take(rows)
  return (
    dataclasses.replace(
      taken,
      candidates=split.candidates[new],
      candidate_offsets=offsets,
      labels=split.labels[new],
    ),
    {
      'targets seen before': int((~new).sum()),
      'examples with no other target': len(split) - len(rows),
    },
  )


def best_of_each(
  logits: np.ndarray, examples: Impressions, k: int = TOP
) -> tuple[np.ndarray, np.ndarray]:
  """The k best candidates of each example: int32 and float32 [E, k].

  Equals by their item index. -1 and -inf where there are fewer.
  """
  lengths = np.diff(examples.candidate_offsets)
  owners = np.repeat(np.arange(len(examples)), lengths)
  order = np.lexsort((examples.candidates, -logits, owners))
  places = np.arange(len(order)) - examples.candidate_offsets[owners]
  first = places < k
  top = np.full((len(examples), k), -1, np.int32)
  scores = np.full((len(examples), k), -np.inf, np.float32)
  at = owners[first], places[first]
  top[at] = examples.candidates[order][first]
  scores[at] = logits[order][first]
  return top, scores


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
