"""Flat scores of a split, and their metrics.

Whatever scores candidates, our model or a baseline, gives one float32 per
candidate of the split; the same function turns them into metrics.
"""

import jax
import numpy as np

from jaxrec import metrics
from jaxrec.data.batching import pad_ragged
from jaxrec.data.columns import Impressions
from jaxrec.data.eval_batches import eval_batches, eval_groups
from jaxrec.sharding import put_batch


def items_in_use(*splits: Impressions) -> np.ndarray:
  """Distinct item indices in the splits' histories and candidates, sorted."""
  return np.unique(
    np.concatenate([x for s in splits for x in (s.history, s.candidates)])
  )


def flat_logits(
  eval_step,
  impressions: Impressions,
  table_rows: np.ndarray,
  *,
  batch_size: int,
  history_length: int,
  mesh,
) -> np.ndarray:
  """Logits of every candidate of a split, float32, in the split's order.

  Args:
    eval_step: EvalBatch on the mesh -> logits [P].
    impressions: the split.
    table_rows: int32 [N], each item's row in the step's table.
    batch_size, history_length: B and H of the batches.
    mesh: see `sharding`.
  """
  flat = np.zeros(len(impressions.candidates), np.float32)
  for shown, batch in eval_batches(
    impressions,
    table_rows,
    batch_size=batch_size,
    history_length=history_length,
  ):
    logits = eval_step(put_batch(batch, mesh))
    flat[shown] = np.asarray(logits)[: shown.stop - shown.start]
  return flat


def metrics_of(
  impressions: Impressions,
  flat: np.ndarray,
  threshold: float,
  *,
  batch_size: int,
  mesh,
) -> dict[str, float]:
  """Metrics of a split from the flat logits of its candidates.

  Args:
    impressions: the split.
    flat: float32, one logit per candidate.
    threshold: the logit from which a candidate is called clicked, chosen on
      other data.
    batch_size: B.
    mesh: see `sharding`.
  """
  total = metrics.empty()
  for rows, width in eval_groups(impressions, batch_size):
    shown = [impressions.shown(i) for i in rows]
    fill = [np.zeros(0)] * (batch_size - len(rows))
    pad = lambda values, width=width: pad_ragged(values, width, np.float32)
    logits, mask = pad([flat[s] for s in shown] + fill)
    labels, _ = pad([impressions.labels[s] for s in shown] + fill)
    example_mask = np.arange(batch_size) < len(rows)
    batch = put_batch((logits, labels, mask, example_mask), mesh)
    sums = _metric_sums(*batch, np.float32(threshold))
    total = metrics.merge(total, metrics.to_host(sums))
  return metrics.finalize(total)


def threshold_of(impressions: Impressions, flat: np.ndarray) -> float:
  """The logit with the best F1 on a split; never the one reported on."""
  labels = np.asarray(impressions.labels)
  return metrics.best_threshold(flat, labels, np.ones(len(flat), bool))


@jax.jit
def _metric_sums(logits, labels, mask, example_mask, threshold):
  return metrics.impression_metrics(
    logits, labels, mask, threshold=threshold, example_mask=example_mask
  )
