"""How a split is evaluated: who is ranked among what.

impressions: the candidates an impression showed.
cold_items: the newest items, unseen in training, all listed.
leave_one_out, time_split: held-out targets among the whole catalog, without
  what the user has seen or with it; or, where that was asked for, among sampled
  candidates, which makes every number look better and is labelled as such.

Whatever scores, our model or a baseline, is a Scorer, and is judged by the same
code from the moment scores are there.
"""

import dataclasses

import numpy as np

from jaxrec.data.columns.columns import Impressions, ragged_rows
from jaxrec.data.splits.sequences import draw_others
from jaxrec.errors import UserError
from jaxrec.evaluation import metrics
from jaxrec.evaluation.scorers import Scorer

TOP = 100  # Items of a list that are kept: more than any metric looks at.
SEEN = ('masked', 'kept')


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
class ColdItems:
  """Candidates are the newest items of `sequences.cold_items`, listed.

  Attributes:
    num_cold: how many these are.
  """

  num_cold: int
  name = 'cold_items'
  main_metric = 'ndcg@10'
  seen = None

  def examples(self, split: Impressions) -> tuple[Impressions, dict[str, int]]:
    """See `Shown.examples`."""
    return split, {}

  def describe(self) -> str:
    """What is ranked, for people."""
    return f'the {self.num_cold:,} newest items, in training unseen'

  def judge(
    self, scorer: Scorer, examples: Impressions, threshold: float
  ) -> Judged:
    """See `Shown.judge`; nothing was shown that one might have clicked."""
    del threshold
    return judge_listed(scorer.pairs(examples), examples)


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
  name: str,
  *,
  seen: str,
  sampled: int,
  num_items: int,
  seed: int,
  num_cold: int = 0,
) -> Shown | ColdItems | WholeCatalog | Sampled:
  """The protocol a config asks for.

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
