"""How likely an item is to be in a batch, which softmax losses correct for."""

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences


def log_rates(
  behaviours: Impressions | Sequences,
  *,
  num_items: int,
  batch_size: int,
  history_length: int,
  num_candidates: int,
) -> np.ndarray:
  """The log of how likely each item is to be in a training batch.

  Items of the histories are taken to come up as they do in all of them, and
  candidates evenly.

  Args:
    behaviours: the training split.
    num_items: N.
    batch_size, history_length, num_candidates: B, H and C.

  Returns:
    float32 [N].
  """
  if isinstance(behaviours, Sequences):
    items, lengths = behaviours.items, np.diff(behaviours.offsets)
    runs = np.maximum(-(-lengths // history_length), 1).sum()
    slots = batch_size * lengths.sum() / runs
  else:
    items, lengths = behaviours.history, np.diff(behaviours.history_offsets)
    slots = batch_size * np.minimum(lengths, history_length).mean()
  counts = np.bincount(items, minlength=num_items)
  drawn = min(num_candidates / num_items, 1 - 1e-9)
  log_absent = slots * np.log1p(-counts / max(counts.sum() + 1, 1))
  log_absent += batch_size * np.log1p(-drawn)
  return np.log(-np.expm1(log_absent) + 1e-12).astype(np.float32)
