"""Actions as sparse matrices, and products of them in bounded memory."""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import event_numbers, ragged_rows
from jaxrec.data.columns.sequences import Sequences

PRODUCTS = 1 << 24  # Multiplications in a block: some 200 MB at most.


def binary_rows(
  rows: np.ndarray, items: np.ndarray, shape: tuple[int, int]
) -> sparse.csr_array:
  """float32, 1 at each (row, item), however often it is named."""
  keys = np.unique(rows.astype(np.int64) * shape[1] + items)
  return _from_keys(keys, np.ones(len(keys), np.float32), shape)


def user_items(sequences: Sequences, num_items: int) -> sparse.csr_array:
  """float32 [U, N], 1 for each item a user acted on."""
  shape = len(sequences), num_items
  return binary_rows(sequences.users, sequences.items, shape)


def history_events(
  examples: Impressions, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Histories of the examples `rows`, and how many events came after.

  Items of one time are one event; where times are unknown, each item is.

  Returns:
    int32 items, end to end; int64 [U + 1], where each history begins and ends;
    int64, one per item: 0 in the last event, 1 in the one before, ...
  """
  flat, offsets = ragged_rows(examples.history_offsets, rows)
  events = np.arange(len(flat))
  if examples.history_times is not None:
    events = event_numbers(offsets, examples.history_times[flat])
  filled = np.diff(offsets) > 0
  last = np.repeat(events[offsets[1:][filled] - 1], np.diff(offsets)[filled])
  return examples.history[flat], offsets, last - events


def histories(
  examples: Impressions, rows: np.ndarray, num_items: int, decay: float = 1.0
) -> sparse.csr_array:
  """Histories of the examples `rows` as float32 [U, N].

  A history item weighs decay ** (events after its event). Of an item that
  comes more than once the last time counts.
  """
  items, offsets, after = history_events(examples, rows)
  owners = np.repeat(np.arange(len(rows)), np.diff(offsets))
  keys, last = np.unique((owners * num_items + items)[::-1], return_index=True)
  weights = np.power(decay, after[::-1][last]).astype(np.float32)
  kept = weights > 0  # A steep decay leaves nothing of what is long ago.
  return _from_keys(keys[kept], weights[kept], (len(rows), num_items))


def strongest(matrix: sparse.csr_array, count: int) -> sparse.csr_array:
  """The `count` largest values of each row, all above 0.

  Which of equal values stay is arbitrary, but the same each time.
  """
  kept = np.ones(matrix.nnz, bool)
  for row in np.flatnonzero(np.diff(matrix.indptr) > count):
    part = slice(matrix.indptr[row], matrix.indptr[row + 1])
    values = matrix.data[part]
    kept[part][np.argpartition(values, -count)[:-count]] = False
  kept &= matrix.data > 0
  ends = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
  return sparse.csr_array(
    (matrix.data[kept], matrix.indices[kept], ends), shape=matrix.shape
  )


def strongest_of_product(
  left: sparse.csr_array,
  right: sparse.csr_array,
  count: int,
  scaled: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> sparse.csr_array:
  """The `count` largest values above 0 in each row of scaled(left @ right).

  The product is never there as a whole.

  Args:
    left, right: [A, E] and [E, B].
    count: how many.
    scaled: (values, their rows, their columns) -> the values that are compared
      and kept.

  Returns:
    [A, B].
  """
  work = np.cumsum(left @ np.diff(right.indptr).astype(np.float64))
  blocks, begin = [], 0
  while begin < left.shape[0]:
    done = work[begin - 1] if begin else 0
    end = max(int(np.searchsorted(work, done + PRODUCTS)), begin + 1)
    block = (left[begin:end] @ right).tocsr()
    rows = np.repeat(np.arange(begin, end), np.diff(block.indptr))
    block.data = scaled(block.data, rows, block.indices)
    blocks.append(strongest(block, count))
    begin = end
  return sparse.vstack(blocks, format='csr')


def _from_keys(
  keys: np.ndarray, values: np.ndarray, shape: tuple[int, int]
) -> sparse.csr_array:
  """From sorted distinct row * columns + column."""
  rows, columns = np.divmod(keys, shape[1])
  ends = np.searchsorted(rows, np.arange(shape[0] + 1))
  return sparse.csr_array((values, columns, ends), shape=shape)
