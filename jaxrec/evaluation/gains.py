"""What each member of an ensemble weighs, chosen on validation.

A member's gain is found by coordinate ascent on the metric that decides. What
is looked at of an example are the items that can be among the first of its
list: the best of the network, and all that a member speaks for.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.ensemble.ensemble import histories_of
from jaxrec.evaluation import metrics
from jaxrec.evaluation.model_scorer import ModelScorer
from jaxrec.evaluation.protocols import WholeCatalog
from jaxrec.retrieval.neighbours import Neighbours

EXAMPLES = 10_000  # Of a split that are looked at, drawn where there are more.
BEST = 100  # Of the network's items: more than any metric looks at.
SCORES = 1 << 24  # Of a block of examples, held at once.
# Gains that are tried first, and factors of the best of them.
FIRST = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
FACTORS = (0.5, 0.7, 0.85, 1.2, 1.4, 2.0)
ROUNDS = 3
NETWORK = 'network'  # The name of what is no member.


@dataclasses.dataclass(frozen=True)
class Contenders:
  """Items that can be among the first of E examples' lists.

  Attributes:
    owners: int64 [P], the example of each item; never falling.
    is_target: bool [P].
    scores: float32 [P] by name: the network's logit, and the members' scores.
    num_examples: E.
    others: int64 [E], items of the whole catalog that are ranked, without the
      targets.
  """

  owners: np.ndarray
  is_target: np.ndarray
  scores: Mapping[str, np.ndarray]
  num_examples: int
  others: np.ndarray

  def judged(self, weights: Mapping[str, float]) -> metrics.PerExample:
    """Metrics per example of the weighted sum of scores; see `metrics`.

    Those of the first few places are exact, and 'auc' means nothing.

    Args:
      weights: by name; a name that is missing weighs 0.
    """
    total = np.zeros(len(self.owners), np.float32)
    for name, weight in weights.items():
      if weight:
        total += np.float32(weight) * self.scores[name]
    targets = np.flatnonzero(self.is_target)
    above, equal = np.zeros((2, len(targets)), np.int64)
    others = total[~self.is_target]
    owner_of_others = self.owners[~self.is_target]
    # The first targets of all examples at once, then the second, ...
    owners = self.owners[targets]
    begins = np.searchsorted(owners, np.arange(self.num_examples))
    nth = np.arange(len(targets)) - begins[owners]
    for n in range(int(nth.max(initial=-1)) + 1):
      chosen = np.flatnonzero(nth == n)
      level = np.full(self.num_examples, np.nan, np.float32)
      level[owners[chosen]] = total[targets[chosen]]
      levels = level[owner_of_others]
      count = lambda mask: np.bincount(
        owner_of_others[mask], minlength=self.num_examples
      )
      above[chosen] = count(others > levels)[owners[chosen]]
      equal[chosen] = count(others == levels)[owners[chosen]]
    return metrics.rank_metrics(
      metrics.Places(owners, above, equal, total[targets], self.others)
    )

  def reached(self, weights: Mapping[str, float], metric: str) -> float:
    """The mean of a metric; see `judged`."""
    return metrics.finalize(self.judged(weights))[metric]


def contenders(
  scorer: ModelScorer,
  members: Mapping[str, Neighbours],
  protocol: WholeCatalog,
  split: Impressions,
  *,
  seed: int,
) -> Contenders:
  """The contenders of a split, or of EXAMPLES drawn from it.

  Args:
    scorer: the network, alone.
    members: by name.
    protocol: how catalogs are ranked.
    split: its examples.
    seed: of what is drawn.
  """
  examples, _ = protocol.examples(split)
  if len(examples) > EXAMPLES:
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(examples))[:EXAMPLES])
    examples = examples.take(rows)
  users, table = scorer.encoded(examples)
  items = np.asarray(table)
  size = max(SCORES // len(items), 1)
  blocks = [
    _block(
      users[begin : begin + size],
      items,
      examples.take(np.arange(begin, min(begin + size, len(examples)))),
      members,
      protocol.seen == 'masked',
      scorer.history_length,
    )
    for begin in range(0, len(examples), size)
  ]
  begins = np.arange(0, len(examples), size)
  none = np.zeros(0, np.int64)
  names = (NETWORK, *members)
  targets = np.diff(examples.candidate_offsets)
  return Contenders(
    owners=np.concatenate(
      [none, *(b[0] + first for b, first in zip(blocks, begins, strict=True))]
    ),
    is_target=np.concatenate([none.astype(bool), *(b[1] for b in blocks)]),
    scores={
      name: np.concatenate(
        [none.astype(np.float32), *(b[2][name] for b in blocks)]
      )
      for name in names
    },
    num_examples=len(examples),
    others=len(items) - targets,
  )


def _block(
  users: np.ndarray,
  items: np.ndarray,
  examples: Impressions,
  members: Mapping[str, Neighbours],
  masked: bool,
  history_length: int,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
  """owners, is_target and scores, see `Contenders`, of a block of examples."""
  count, width = len(users), len(items)
  logits = users @ items.T
  histories = histories_of(examples, np.arange(count), history_length)
  added = {name: m.scores(histories) for name, m in members.items()}
  rows = lambda offsets: np.repeat(np.arange(count), np.diff(offsets))
  key = lambda owners, chosen: owners * width + chosen
  seen = key(rows(examples.history_offsets), examples.history)
  targets = key(rows(examples.candidate_offsets), examples.candidates)
  ranked = logits.copy()
  if masked:
    ranked.reshape(-1)[seen] = -np.inf
  best = min(BEST, width)
  top = np.argpartition(-ranked, best - 1, axis=1)[:, :best]
  # Whole blocks of marks and of scores: faster than to look pairs up.
  contends = np.zeros(count * width, bool)
  contends[key(np.arange(count)[:, None], top).ravel()] = True
  for a in added.values():
    contends[key(a.owners, a.items)] = True
  if masked:
    contends[seen] = False
  contends[targets] = True
  wanted = np.flatnonzero(contends)
  scores = {NETWORK: logits.reshape(-1)[wanted]}
  values = np.zeros(count * width, np.float32)
  for name, a in added.items():
    of_member = key(a.owners, a.items)
    values[of_member] = a.values
    scores[name] = values[wanted]
    values[of_member] = 0
  is_target = np.zeros(count * width, bool)
  is_target[targets] = True
  return wanted // width, is_target[wanted], scores


def choose(contenders: Contenders, metric: str) -> dict[str, float]:
  """The members' gains by which the metric is highest; the network's is 1.

  Args:
    contenders: of validation, from which nothing was learned.
    metric: the one that decides.
  """
  names = [name for name in contenders.scores if name != NETWORK]
  gains = dict.fromkeys(names, 0.0)
  reached = lambda changed: contenders.reached(
    {NETWORK: 1.0, **gains, **changed}, metric
  )
  best = reached({})
  for turn in range(ROUNDS):
    before = best
    for name in names:
      tried = {gain for gain in FIRST} if not turn else set()
      tried |= {gains[name] * factor for factor in FACTORS}
      for gain in sorted(tried - {gains[name]}):
        value = reached({name: gain})
        if value > best:
          best, better = value, gain
          gains[name] = better
    if best == before:
      break
  return gains


def parts(
  contenders: Contenders, gains: Mapping[str, float], metric: str
) -> dict[str, dict[str, float]]:
  """What each part is worth: the whole, the whole without it, it alone.

  Args:
    contenders: of what is reported.
    gains: chosen before.
    metric: to be told.
  """
  whole = {NETWORK: 1.0, **gains}
  reached = lambda weights: contenders.reached(weights, metric)
  worth = {}
  for name, gain in whole.items():
    rest = {other: g for other, g in whole.items() if other != name}
    worth[name] = {
      'gain': gain,
      'whole': reached(whole),
      'without': reached(rest),
      'alone': reached({name: 1.0}),
    }
  return worth
