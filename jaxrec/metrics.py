"""Ranking and click metrics over masks, as mergeable sums.

A step returns `Sums`, one (sum, count) of float32 scalars per name; a metric
is sum / count. Sums of the parts of a batch, of devices or of batches add up
to those of the whole, so no split or padding changes the result:

    total = empty()
    for batch in batches:
      total = merge(total, to_host(impression_metrics(...)))
    metrics = finalize(total)

Labels are 0 or 1, so nDCG's gain 2**label - 1 is the label itself.
"""

import operator

import jax
import jax.numpy as jnp
import numpy as np

Scalar = jax.Array | np.float64  # on the device, on the host
Sums = dict[str, tuple[Scalar, Scalar]]

NDCG_CUTS = (5, 10)
RANKING = ('auc', 'mrr', *(f'ndcg@{k}' for k in NDCG_CUTS))
POINTWISE = ('accuracy', 'precision', 'recall', 'f1')
NAMES = RANKING + POINTWISE


def per_impression(
  logits: jax.Array, labels: jax.Array, mask: jax.Array
) -> dict[str, tuple[jax.Array, jax.Array]]:
  """The ranking metrics of each impression: AUC, MRR and nDCG@k.

  auc: the share of (clicked, not clicked) pairs in the right order; equal
    logits count one half. Valid with a candidate of each kind.
  mrr: the sum over clicked candidates of 1 / rank, divided by their number,
    as MIND's evaluation has it (not the first click's alone). Valid with a
    click.
  ndcg@k: the sum over the k first of label / log2(rank + 1), divided by that
    of the best order. Valid with a click.

  Under equal logits mrr and ndcg are the expected values over all orders of
  the equals, as scikit-learn's ndcg_score has it. The order of the candidates
  never matters, and a model that scores everything the same gets what a random
  order gets.

  Args:
    logits: [B, C], any float dtype; compared in float32. A NaN that is not
      masked gives an arbitrary rank: catching it is the caller's part.
    labels: [B, C], 1 for clicked and 0 for not.
    mask: [B, C] bool, False for padding; what stands there has no effect.

  Returns:
    name of RANKING -> (values [B] float32, valid [B] bool); values are 0 where
    not valid. C may be up to 65,535: twice the pairs have to fit an int32.
  """
  num_candidates = logits.shape[1]
  # Best first, padding last, even behind a logit of -inf. One sort serves all
  # metrics: on two CPU cores at B = 64, C = 300 it takes 3 ms, comparing all
  # pairs [B, C, C] takes 19.
  keys = jnp.where(mask, -logits.astype(jnp.float32), jnp.inf)
  kinds = jnp.where(mask, (labels > 0).astype(jnp.int32), 2)
  keys, kinds = jax.lax.sort((keys, kinds), dimension=1, num_keys=2)
  negative, positive, padding = kinds == 0, kinds == 1, kinds == 2
  num_negatives = jnp.sum(negative, axis=1)
  num_positives = jnp.sum(positive, axis=1)
  clicked = num_positives > 0

  # Where the equals of each place begin and end, counted from 0.
  places = jnp.broadcast_to(jnp.arange(keys.shape[1])[None], keys.shape)
  changes = (keys[:, 1:] != keys[:, :-1]) | (padding[:, 1:] != padding[:, :-1])
  edge = jnp.ones_like(mask[:, :1])
  is_first = jnp.concatenate([edge, changes], axis=1)
  is_last = jnp.concatenate([changes, edge], axis=1)
  first = jax.lax.cummax(jnp.where(is_first, places, 0), axis=1)
  last = jax.lax.cummin(
    jnp.where(is_last, places, num_candidates - 1), axis=1, reverse=True
  )

  # Negatives before a positive: those above its logit are lost pairs, those
  # equal to it are half lost. In halves, so that integers hold it exactly.
  no_better = jnp.cumsum(negative, axis=1)
  better = jax.lax.cummax(jnp.where(is_first, no_better - negative, 0), axis=1)
  half_lost = jnp.sum(jnp.where(positive, better + no_better, 0), axis=1)
  half_pairs = 2 * num_positives * num_negatives
  results = {
    'auc': (
      (half_pairs - half_lost) / jnp.maximum(half_pairs, 1),
      half_pairs > 0,
    )
  }

  def gain(at_rank):
    """Sum over positives of the mean of `at_rank` [C] over their equals."""
    before = np.concatenate([[0], np.cumsum(at_rank)])
    at_rank, before = (jnp.asarray(x, jnp.float32) for x in (at_rank, before))
    mean = (before[last + 1] - before[first]) / (last + 1 - first)
    # A difference of sums would round where there is nothing to average.
    each = jnp.where(first == last, at_rank[places], mean)
    return jnp.sum(jnp.where(positive, each, 0), axis=1)

  ranks = np.arange(1, num_candidates + 1)
  results['mrr'] = (gain(1 / ranks) / jnp.maximum(num_positives, 1), clicked)
  for k in NDCG_CUTS:
    discounts = np.where(ranks <= k, 1 / np.log2(ranks + 1), 0)
    ideals = jnp.asarray(np.cumsum(discounts), jnp.float32)
    ideal = ideals[jnp.maximum(num_positives - 1, 0)]
    results[f'ndcg@{k}'] = (gain(discounts) / ideal, clicked)
  return results


def impression_metrics(
  logits: jax.Array,
  labels: jax.Array,
  mask: jax.Array,
  *,
  threshold: float | jax.Array,
  example_mask: jax.Array,
) -> Sums:
  """Sums of all metrics over a batch; pure, of static shapes, for use in jit.

  auc, mrr and ndcg@k are averages over the impressions where they are valid:
  see `per_impression`. accuracy, precision, recall and f1 pool the candidates
  of all impressions and call one clicked where its logit >= threshold. Their
  pairs hold the four counts: accuracy (tp + tn, all), precision (tp, tp + fp),
  recall (tp, tp + fn), f1 (2 tp, 2 tp + fp + fn).

  Args:
    logits: [B, C], any float dtype; compared in float32.
    labels: [B, C], 1 for clicked and 0 for not.
    mask: [B, C] bool, False for padding among the candidates.
    threshold: scalar, a logit.
    example_mask: [B] bool, False for padding among the examples.

  Returns:
    name of NAMES -> (sum, count), float32 scalars.
  """
  mask = mask & example_mask[:, None]
  sums = {}
  for name, (values, valid) in per_impression(logits, labels, mask).items():
    sums[name] = (jnp.sum(values), _count(valid))

  clicked = mask & (labels > 0)
  called = mask & (logits.astype(jnp.float32) >= threshold)
  tp = _count(clicked & called)
  fp = _count(called) - tp
  fn = _count(clicked) - tp
  count = _count(mask)
  sums['accuracy'] = (count - fp - fn, count)
  sums['precision'] = (tp, tp + fp)
  sums['recall'] = (tp, tp + fn)
  sums['f1'] = (2 * tp, 2 * tp + fp + fn)
  return sums


def empty() -> Sums:
  """Sums over nothing, on the host: where a `merge` loop starts."""
  return {name: (np.float64(0), np.float64(0)) for name in NAMES}


def to_host(sums: Sums) -> Sums:
  """The same Sums as NumPy float64 scalars; waits for the device."""
  return jax.tree.map(np.float64, jax.device_get(sums))


def merge(a: Sums, b: Sums) -> Sums:
  """Sums over both parts.

  Device arrays add in float32, which counts exactly up to 2**24 only (a
  MIND-sized test set has more candidates); Sums from `to_host` add in float64.
  """
  return jax.tree.map(operator.add, a, b)


def finalize(sums: Sums) -> dict[str, float]:
  """sum / count of every metric, in NAMES' order and float64, on the host.

  A count of 0 gives NaN, except in precision, recall and f1, where it gives 0
  as scikit-learn's zero_division=0 does.
  """
  sums = to_host(sums)
  results = {}
  for name in NAMES:  # jit returns its dicts sorted by key
    total, count = sums[name]
    if count:
      results[name] = float(total / count)
    else:
      zero_division = name in ('precision', 'recall', 'f1')
      results[name] = 0.0 if zero_division else float('nan')
  return results


def best_threshold(
  logits: np.ndarray, labels: np.ndarray, mask: np.ndarray
) -> float:
  """The threshold with the highest F1 over all unmasked candidates.

  For validation data only: never call it on test data, whose F1 would then
  have been fitted to its own labels.

  Args:
    logits: float array of any shape, compared in float32.
    labels: likewise, 1 for clicked and 0 for not.
    mask: likewise, bool, False for padding.

  Returns:
    One of the logits, to be used as logit >= threshold; the highest of those
    with equal F1. 0, a probability of one half, where nothing was clicked and
    every threshold has an F1 of 0. Exact, in O(n log n) for n candidates.
  """
  mask = np.asarray(mask)
  logits = np.asarray(logits)[mask].astype(np.float32)
  clicked = np.asarray(labels)[mask] > 0
  if not clicked.any():
    return 0.0
  order = np.argsort(-logits)
  logits, clicked = logits[order], clicked[order]
  # A threshold takes all of its equals, so it is judged at the last of them.
  last = np.flatnonzero(np.append(logits[1:] != logits[:-1], True))
  tp = np.cumsum(clicked)[last]
  f1 = 2 * tp / (last + 1 + clicked.sum())
  return float(logits[last[np.argmax(f1)]])


def _count(flags: jax.Array) -> jax.Array:
  return jnp.sum(flags).astype(jnp.float32)
