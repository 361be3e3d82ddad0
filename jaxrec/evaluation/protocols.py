"""How a split is evaluated: who is ranked among what.

impressions: the candidates an impression showed.
cold_items: the newest items, unseen in training, all listed.
leave_one_out, time_split: held-out targets among the whole catalog, without
  what the user has seen or with it; or, where a config says so, among sampled
  candidates, which makes every number look better and is labelled as such.

Whatever scores, our model or a baseline, is a Scorer, and is judged by the same
code from the moment scores are there.
"""

import abc
import dataclasses

import numpy as np

from jaxrec.data.batches.draws import draw_others
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import ragged_rows
from jaxrec.errors import UserError
from jaxrec.evaluation import metrics
from jaxrec.evaluation.judged import TOP, Judged, judge_listed
from jaxrec.evaluation.scorers import CatalogRanks, Scorer


class Protocol(abc.ABC):
  """How a split is evaluated.

  A subclass that changes nothing but `describe` evaluates all examples of a
  split, whose candidates are listed.

  Attributes:
    name: of the protocol that held the targets out, as configs write it.
    main_metric: the one that decides.
    seen: 'masked' or 'kept', see `WholeCatalog`; None where candidates were
      listed.
  """

  name: str
  main_metric: str = 'ndcg@10'
  seen: str | None = None

  def examples(self, split: Impressions) -> tuple[Impressions, dict[str, int]]:
    """What of a split is evaluated, and counts of what is not, by reason."""
    return split, {}

  @abc.abstractmethod
  def describe(self) -> str:
    """What is ranked, for people."""

  def judge(
    self, scorer: Scorer, examples: Impressions, threshold: float
  ) -> Judged:
    """Metrics and lists of a scorer.

    Args:
      scorer: whose.
      examples: as `examples` gave them.
      threshold: the logit from which a candidate is called clicked, chosen on
        validation; of impressions alone.
    """
    del threshold
    return judge_listed(scorer.pairs(examples), examples)


class Shown(Protocol):
  """Candidates are those that were shown."""

  name = 'impressions'
  main_metric = 'auc'

  def describe(self) -> str:
    """See `Protocol.describe`."""
    return 'those shown'

  def judge(
    self, scorer: Scorer, examples: Impressions, threshold: float
  ) -> Judged:
    """See `Protocol.judge`; `metrics.click_metrics` too."""
    return self.judge_logits(scorer.pairs(examples), examples, threshold)

  def judge_logits(
    self, logits: np.ndarray, examples: Impressions, threshold: float
  ) -> Judged:
    """Likewise, of logits [P], one per candidate."""
    judged = judge_listed(logits, examples)
    clicks = metrics.click_metrics(
      logits, examples.labels, examples.candidate_offsets, threshold
    )
    return dataclasses.replace(judged, values=judged.values | clicks)


@dataclasses.dataclass(frozen=True)
class ColdItems(Protocol):
  """Candidates are the newest items of `held_out.cold_items`, listed.

  Attributes:
    num_cold: how many these are.
  """

  num_cold: int
  name = 'cold_items'

  def describe(self) -> str:
    """See `Protocol.describe`."""
    return f'the {self.num_cold:,} newest items, in training unseen'


@dataclasses.dataclass(frozen=True)
class WholeCatalog(Protocol):
  """Candidates are the catalog.

  Attributes:
    name: of the protocol that held the targets out.
    seen: 'masked', items of the history are no candidates, and a target among
      them is none either; or 'kept'.
  """

  name: str
  seen: str

  def examples(self, split: Impressions) -> tuple[Impressions, dict[str, int]]:
    """See `Protocol.examples`."""
    return unseen_targets(split) if self._masks else (split, {})

  def describe(self) -> str:
    """See `Protocol.describe`."""
    return f'the whole catalog, seen items {self.seen}'

  def judge(
    self, scorer: Scorer, examples: Impressions, threshold: float
  ) -> Judged:
    """See `Protocol.judge`."""
    del threshold
    return _judged(scorer.rank(examples, self._masks, TOP), examples)

  @property
  def other(self) -> 'WholeCatalog':
    """The same, but for what becomes of seen items."""
    return WholeCatalog(self.name, 'kept' if self._masks else 'masked')

  def judge_both(
    self, scorer: Scorer, examples: Impressions, other: Impressions
  ) -> tuple[Judged, Judged]:
    """What a scorer did here and under `other`.

    Args:
      scorer: whose.
      examples, other: of the same split, as `examples` of both gave them.
    """
    if len(examples) != len(other):  # Some have no target but a seen one.
      return (
        self.judge(scorer, examples, 0.0),
        self.other.judge(scorer, other, 0.0),
      )
    ways = (examples, self._masks), (other, self.other._masks)
    here, there = scorer.rank_ways(ways, TOP)
    return _judged(here, examples), _judged(there, other)

  @property
  def _masks(self) -> bool:
    return self.seen == 'masked'


def _judged(ranks: CatalogRanks, examples: Impressions) -> Judged:
  """Metrics and lists from whole catalogs that were ranked."""
  owners = np.repeat(
    np.arange(len(examples)), np.diff(examples.candidate_offsets)
  )
  places = metrics.Places(
    owners, ranks.above, ranks.equal, ranks.target_scores, ranks.others
  )
  return Judged(metrics.rank_metrics(places), places, ranks.items, ranks.scores)


@dataclasses.dataclass(frozen=True)
class Sampled(Protocol):
  """Candidates are the targets and a few unseen items drawn beside them.

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
  seen = 'masked'

  def examples(self, split: Impressions) -> tuple[Impressions, dict[str, int]]:
    """See `Protocol.examples`."""
    split, left_out = unseen_targets(split)
    candidates = []
    for i in range(len(split)):
      targets = split.candidates[split.shown(i)]
      taken = [split.history_of(i, len(split.history)), targets]
      drawn = draw_others(
        np.random.default_rng((self.seed, i)),
        self.num_items,
        np.concatenate(taken),
        self.sampled,
      )
      candidates.append(np.concatenate([targets, drawn]).astype(np.int32))
    num_targets = np.diff(split.candidate_offsets)
    lengths = np.array([len(items) for items in candidates], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return (
      dataclasses.replace(
        split,
        candidates=np.concatenate([*candidates, np.zeros(0, np.int32)]),
        candidate_offsets=offsets,
        labels=(within < np.repeat(num_targets, lengths)).astype(np.uint8),
      ),
      left_out,
    )

  def describe(self) -> str:
    """See `Protocol.describe`."""
    return f'SAMPLED: {self.sampled} drawn for each example'


def make(
  name: str,
  *,
  seen: str,
  sampled: int,
  num_items: int,
  seed: int,
  num_cold: int = 0,
) -> Protocol:
  """The protocol that a config names.

  Args:
    name: 'impressions' or one of `held_out.PROTOCOLS`.
    seen: see `WholeCatalog`.
    sampled, num_items, seed: see `Sampled`; 0: not sampled.
    num_cold: see `ColdItems`.

  Raises:
    UserError: candidates are to be sampled where they are listed.
  """
  if name in ('impressions', 'cold_items'):
    if sampled:
      raise UserError(
        f'evaluation.num_sampled={sampled}: {name} list their candidates: '
        'give 0'
      )
    return Shown() if name == 'impressions' else ColdItems(num_cold)
  if sampled:
    return Sampled(name, sampled, num_items, seed)
  return WholeCatalog(name, seen)


def why_unmeasured(protocol: Protocol, split: Impressions) -> str:
  """Why a split gives no figure of the main metric; '' where it does."""
  if not len(split):
    return 'it is empty'
  examples, _ = protocol.examples(split)
  if not len(examples):
    return (
      f'all targets of its {len(split):,} users were seen before: '
      'evaluation.seen=kept would keep them'
    )
  clicked = np.asarray(examples.labels) > 0
  if not clicked.any():
    return f'nothing was clicked in its {len(examples):,} lists'
  shown = np.diff(examples.candidate_offsets)
  owners = np.repeat(np.arange(len(examples)), shown)
  clicks = np.bincount(owners[clicked], minlength=len(examples))
  if (
    protocol.main_metric == 'auc'
    and not ((clicks > 0) & (clicks < shown)).any()
  ):
    return (
      f'none of its {len(examples):,} lists has both an item that was clicked '
      'and one that was not'
    )
  return ''


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
