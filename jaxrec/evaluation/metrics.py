"""Ranking and click metrics, per example, on the host in float64.

Every metric of a split is a sum over examples divided by another: a `Pair` per
name holds both terms of each example. Whatever is made of them later, the
mean, a slice, a bootstrap's resample, is a sum over some of the examples:

    values = rank_metrics(place(scores, labels, offsets))
    finalize(values), finalize(rows(values, new_users))

Ranking metrics see nothing of scores but where each clicked candidate stands:
how many of the others score above it, and how many the same. So a list of six
candidates and a catalog of millions are measured by the same code.

Equal scores are decided against the scorer: what was not clicked comes first.
So a constant scorer is the worst there is, and neither the order of a file nor
that of the catalog can help. AUC alone counts a tie as one half, which is what
it means: the chance that a clicked one is above one that is not.
"""

import dataclasses

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]  # float64 [E] each
PerExample = dict[str, Pair]

CUTS = (5, 10)
RANKING = (
  *('auc', 'mrr'),
  *(
    f'{n}@{k}'
    for n in ('ndcg', 'hr', 'recall', 'precision', 'f1')
    for k in CUTS
  ),
)
POINTWISE = ('accuracy', 'precision', 'recall', 'f1')


@dataclasses.dataclass(frozen=True)
class Places:
  """Where the clicked candidates of E examples stand among the others.

  Attributes:
    owners: int64 [K], the example of each clicked candidate, never falling;
      of an example in the order its candidates have.
    above, equal: int64 [K], how many candidates of its example that were not
      clicked have a higher, or the same score.
    scores: float32 [K], the clicked candidates' own; they order those between
      which there is no other.
    others: int64 [E], how many candidates were not clicked.
  """

  owners: np.ndarray
  above: np.ndarray
  equal: np.ndarray
  scores: np.ndarray
  others: np.ndarray

  def __len__(self) -> int:
    return len(self.others)

  def ranks(self) -> np.ndarray:
    """int64 [K], from 1; ties against the scorer."""
    before = self.above + self.equal
    order = np.lexsort((-self.scores, before, self.owners))
    begins = np.searchsorted(self.owners, self.owners)
    ranks = np.empty_like(before)
    # Owners are sorted: the k-th of an example's clicks has k before it.
    ranks[order] = before[order] + np.arange(len(order)) - begins + 1
    return ranks


def lowest_for_nan(scores: np.ndarray) -> np.ndarray:
  """Scores as float32; NaN, which equals nothing, as the lowest number.

  Without this a clicked item with such a score would tie with none and be
  counted as first.
  """
  scores = np.asarray(scores, np.float32)
  nan = np.isnan(scores)
  return (
    np.where(nan, np.finfo(np.float32).min, scores) if nan.any() else scores
  )


def place(
  scores: np.ndarray, labels: np.ndarray, offsets: np.ndarray
) -> Places:
  """Places from the scores of every candidate.

  Args:
    scores: [P], of all examples end to end; compared in float32; NaN is the
      lowest there is.
    labels: [P], 1 for clicked and 0 for not.
    offsets: int64 [E + 1], where each example's candidates begin and end.
  """
  clicked = np.asarray(labels) > 0
  owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
  keys = -lowest_for_nan(scores)
  order = np.lexsort((keys, owners))
  owner, key = owners[order], keys[order]
  others = np.cumsum(
    ~clicked[order]
  )  # Of all examples so far, this place included.
  starts = np.ones(len(key) + 1, bool)
  starts[1:-1] = (key[1:] != key[:-1]) | (owner[1:] != owner[:-1])
  edges = np.flatnonzero(starts)  # Where runs of equal scores begin.
  run = np.cumsum(starts[:-1]) - 1
  before = np.concatenate([[0], others])
  first = before[offsets[:-1]]  # Those of the examples before.
  above = before[edges[run]] - first[owner]
  equal = before[edges[run + 1]] - before[edges[run]]
  back = np.empty_like(order)  # From sorted to the given order.
  back[order] = np.arange(len(order))
  return Places(
    owners=owners[clicked],
    above=above[back][clicked],
    equal=equal[back][clicked],
    scores=-keys[clicked],
    others=np.diff(before[offsets]),
  )


def rank_metrics(places: Places) -> PerExample:
  """The ranking metrics of every example.

  auc: the share of (clicked, not clicked) pairs in the right order; equal
    scores count one half. Valid with a candidate of each kind.
  mrr: the mean over the clicked candidates of 1 / rank, as MIND's evaluation
    has it (not the first click's alone).
  ndcg@k: the sum over the k first of label / log2(rank + 1), divided by that
    of the best order.
  hr@k: whether any of the k first was clicked. recall@k: the share of clicked
    ones among the k first. precision@k: the share of the k places that hold a
    clicked one, empty places included. f1@k: their harmonic mean.

  All but auc are valid with a click.

  Returns:
    name of RANKING -> the value, 0 where not valid; and 1 where valid, else 0.
  """
  total = lambda weights: np.bincount(
    places.owners, weights, minlength=len(places)
  )
  ranks = places.ranks()
  clicks = total(np.ones(len(ranks)))
  valid = (clicks > 0).astype(np.float64)
  some = np.maximum(clicks, 1)
  pairs = clicks * places.others
  lost = total(places.above + places.equal / 2)
  values = {
    'auc': (
      np.where(pairs > 0, 1 - lost / np.maximum(pairs, 1), 0),
      (pairs > 0).astype(np.float64),
    ),
    'mrr': (total(1 / ranks) / some, valid),
  }
  for k in CUTS:
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(discounts)[np.minimum(some, k).astype(int) - 1]
    gains = total(np.where(ranks <= k, 1 / np.log2(ranks + 1), 0))
    hits = total((ranks <= k).astype(np.float64))
    values |= {
      f'ndcg@{k}': (gains / best, valid),
      f'hr@{k}': ((hits > 0).astype(np.float64), valid),
      f'recall@{k}': (hits / some, valid),
      f'precision@{k}': (hits / k, valid),
      f'f1@{k}': (2 * hits / (k + clicks), valid),
    }
  return {name: values[name] for name in RANKING}


def click_metrics(
  logits: np.ndarray, labels: np.ndarray, offsets: np.ndarray, threshold: float
) -> PerExample:
  """accuracy, precision, recall and f1 of calling candidates clicked or not.

  They pool the candidates of all examples. Their pairs are counts: accuracy
  (tp + tn, all), precision (tp, tp + fp), recall (tp, tp + fn), f1 (2 tp, 2 tp
  + fp + fn).

  Args:
    logits, labels, offsets: as in `place`.
    threshold: a candidate is called clicked where logit >= threshold.
  """
  clicked = np.asarray(labels) > 0
  called = np.asarray(logits, np.float32) >= np.float32(threshold)
  owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
  count = lambda flags: np.bincount(
    owners, flags, minlength=len(offsets) - 1
  ).astype(np.float64)
  tp, fp, fn = (
    count(flags)
    for flags in (clicked & called, called & ~clicked, clicked & ~called)
  )
  number = np.diff(offsets).astype(np.float64)
  return {
    'accuracy': (number - fp - fn, number),
    'precision': (tp, tp + fp),
    'recall': (tp, tp + fn),
    'f1': (2 * tp, 2 * tp + fp + fn),
  }


def rows(values: PerExample, which: np.ndarray) -> PerExample:
  """Those of some examples, by a mask or by indices."""
  return {name: (a[which], b[which]) for name, (a, b) in values.items()}


def finalize(values: PerExample) -> dict[str, float]:
  """The metrics of all examples together.

  Over nothing a metric is NaN, but for precision, recall and f1, which are 0
  as with scikit-learn's zero_division=0.
  """
  return {
    name: ratio(name, a.sum(), b.sum()) for name, (a, b) in values.items()
  }


def ratio(name: str, total: float, count: float) -> float:
  """total / count, see `finalize`."""
  if count:
    return float(total / count)
  return 0.0 if name in ('precision', 'recall', 'f1') else float('nan')


def best_threshold(logits: np.ndarray, labels: np.ndarray) -> float:
  """The threshold with the highest F1 over all candidates.

  For validation data only: never call it on test data, whose F1 would then
  have been fitted to its own labels.

  Args:
    logits: [P], compared in float32.
    labels: [P], 1 for clicked and 0 for not.

  Returns:
    One of the logits, to be used as logit >= threshold; the highest of those
    with equal F1. 0, a probability of one half, where nothing was clicked and
    every threshold has an F1 of 0. Exact, in O(n log n) for n candidates.
  """
  logits = np.asarray(logits, np.float32)
  clicked = np.asarray(labels) > 0
  if not clicked.any():
    return 0.0
  order = np.argsort(-logits)
  logits, clicked = logits[order], clicked[order]
  # A threshold takes all of its equals, so it is judged at the last of them.
  last = np.flatnonzero(np.append(logits[1:] != logits[:-1], True))
  tp = np.cumsum(clicked)[last]
  f1 = 2 * tp / (last + 1 + clicked.sum())
  return float(logits[last[np.argmax(f1)]])
