"""Batches that visit everything once: a split's impressions, the catalog."""

from collections.abc import Iterator

import numpy as np

from jaxrec.batch import Context, EvalBatch
from jaxrec.data.batches.assemble import PackedItems
from jaxrec.data.batches.context import (
  Ragged,
  context_at,
  padded_context,
)
from jaxrec.data.batches.packing import ladder
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import spans

SHORTEST = 8  # Items of the shortest histories that a batch is made of.


def eval_batches(
  impressions: Impressions,
  table_rows: np.ndarray,
  *,
  batch_size: int,
  history_length: int,
) -> Iterator[tuple[slice, EvalBatch]]:
  """Every candidate of a split once, in order, in batches of one shape.

  A batch ends with its B-th example or its P-th pair; an example whose
  candidates do not all fit goes on in the next.

  Args:
    impressions: the split.
    table_rows: int32 [N], each item's row in the table of item vectors.
    batch_size, history_length: B and H.

  Yields:
    Where the candidates lie in the split, and their batch; pairs beyond them
    are padding, of example 0 and row 0.
  """
  offsets = np.asarray(impressions.candidate_offsets)
  num_pairs = batch_size * _pairs_per_example(offsets)
  columns = impressions.history_columns()
  begin = 0
  while begin < offsets[-1]:
    first = int(np.searchsorted(offsets, begin, side='right')) - 1
    last = min(first + batch_size, len(impressions))
    end = int(min(begin + num_pairs, offsets[last]))
    history, history_mask, context = _histories(
      impressions,
      table_rows,
      columns,
      np.arange(first, last),
      batch_size,
      history_length,
    )
    examples, candidates = np.zeros((2, num_pairs), np.int32)
    pairs = np.arange(begin, end)
    examples[: len(pairs)] = (
      np.searchsorted(offsets, pairs, 'right') - 1 - first
    )
    candidates[: len(pairs)] = table_rows[impressions.candidates[begin:end]]
    yield (
      slice(begin, end),
      EvalBatch(history, history_mask, context, examples, candidates),
    )
    begin = end


def history_batches(
  impressions: Impressions,
  table_rows: np.ndarray,
  *,
  batch_size: int,
  history_length: int,
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray, Context]]]:
  """Every example's history once, the short ones first.

  Histories of about one length are read together, padded no further than
  that, and the more of them the shorter they are: to read is most of the work,
  and most users have done little. Arguments as in `eval_batches`.

  Yields:
    Which examples, int64 [b], and their history, mask and context, filled up
    with empty ones: [B, H], or of as many items in all with shorter histories.
  """
  columns = impressions.history_columns()
  lengths = np.minimum(np.diff(impressions.history_offsets), history_length)
  order = np.argsort(lengths, kind='stable')
  begin = 0
  for length in ladder(SHORTEST, history_length, 2):
    end = int(np.searchsorted(lengths[order], length, 'right'))
    size = batch_size * max(history_length // length, 1)
    for first in range(begin, end, size):
      rows = order[first : min(first + size, end)]
      yield (
        rows,
        _histories(impressions, table_rows, columns, rows, size, length),
      )
    begin = end


def _histories(
  impressions: Impressions,
  table_rows: np.ndarray,
  columns: tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None],
  rows: np.ndarray,
  batch_size: int,
  history_length: int,
) -> tuple[np.ndarray, np.ndarray, Context]:
  """Histories of the examples `rows`, filled up to B with empty ones.

  Returns:
    Rows of the table of item vectors, mask and context [B, H].
  """
  lengths, ends = np.zeros((2, batch_size), np.int64)
  ends[: len(rows)] = impressions.history_offsets[rows + 1]
  lengths[: len(rows)] = ends[: len(rows)] - impressions.history_offsets[rows]
  lengths = np.minimum(lengths, history_length)
  places = spans(ends - lengths, lengths)
  items = Ragged(table_rows[impressions.history[places]], lengths)
  asked_at = np.zeros(batch_size, np.int64)
  asked_at[: len(rows)] = impressions.times[rows]
  context = context_at(
    places, lengths, *columns, items=impressions.history, asked_at=asked_at
  )
  history, history_mask = items.padded(history_length)
  return history, history_mask, padded_context(context, history_length)


def _pairs_per_example(offsets: np.ndarray) -> int:
  """P / B: the power of four that holds the mean, so that splits share it.

  At most 1024, since memory grows with it.
  """
  mean = offsets[-1] / max(len(offsets) - 1, 1)
  return next((n for n in (16, 64, 256) if mean <= n), 1024)


def catalog_batches(
  items: PackedItems, wanted: np.ndarray, num_rows: int
) -> Iterator[tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]]:
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
