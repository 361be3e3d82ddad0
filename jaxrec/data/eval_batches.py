"""Batches that visit everything once: a split's impressions, the catalog."""

from collections.abc import Iterator

import numpy as np

from jaxrec.data.batching import PackedItems, pad_ragged
from jaxrec.data.columns import Impressions
from jaxrec.types import Batch


def eval_groups(
  impressions: Impressions, batch_size: int
) -> Iterator[tuple[np.ndarray, int]]:
  """Every impression once, those with like numbers of candidates together.

  Few shapes: candidates are padded to the next power of two.

  Yields:
    Places in the split, int64 [<= B], and the width C to pad candidates to.
  """
  counts = np.diff(impressions.candidate_offsets)
  widths = 2 ** np.ceil(np.log2(np.maximum(counts, 8))).astype(np.int64)
  for width in np.unique(widths):
    rows = np.flatnonzero(widths == width)
    for begin in range(0, len(rows), batch_size):
      yield rows[begin : begin + batch_size], int(width)


def eval_batch(
  impressions: Impressions,
  rows: np.ndarray,
  table_rows: np.ndarray,
  *,
  batch_size: int,
  history_length: int,
  num_candidates: int,
) -> Batch:
  """Examples `rows` as a Batch over a table of item vectors given elsewhere.

  Args:
    impressions: the split.
    rows: places in it, at most batch_size; the rest of the batch is empty.
    table_rows: int32 [N], each item's row in the table.
    batch_size, history_length, num_candidates: B, H, C.
  """
  pad = lambda values, width, dtype=np.int32: pad_ragged(
    values + [np.zeros(0)] * (batch_size - len(values)), width, dtype
  )
  shown = [impressions.shown(i) for i in rows]
  history, history_mask = pad(
    [table_rows[impressions.history_of(i, history_length)] for i in rows],
    history_length,
  )
  candidates, candidate_mask = pad(
    [table_rows[impressions.candidates[s]] for s in shown], num_candidates
  )
  labels, _ = pad(
    [impressions.labels[s] for s in shown], num_candidates, np.float32
  )
  return Batch(
    history=history,
    history_mask=history_mask,
    candidates=candidates,
    candidate_mask=candidate_mask,
    labels=labels,
    example_mask=np.arange(batch_size) < len(rows),
  )


def catalog_batches(
  items: PackedItems, wanted: np.ndarray, num_rows: int
) -> Iterator[tuple[np.ndarray, np.ndarray, Batch | None]]:
  """The items `wanted`, packed into batches of `num_rows` rows.

  Long and short texts are mixed by a fixed shuffle, so every batch packs well.

  Yields:
    The items' indices, their rows in the batch's flattened table, and the
    packed arrays (tokens, positions, segments), int32 [num_rows, L].
  """
  order = np.random.default_rng(0).permutation(wanted)
  begin = 0
  mean = max(float(items.catalog.lengths[wanted].mean()), 1.0)
  # Aim a little under full; halve on the rare overflow.
  guess = max(int(num_rows * items.row_tokens * 0.9 / mean), 1)
  guess = min(guess, num_rows * items.row_segments)
  while begin < len(order):
    count = min(guess, len(order) - begin)
    while items.size(order[begin : begin + count]) > num_rows:
      count = max(count - max(count // 16, 1), 1)
    chunk = order[begin : begin + count]
    arrays, rows = items.table(chunk, [num_rows])
    yield chunk, rows, arrays
    begin += count
