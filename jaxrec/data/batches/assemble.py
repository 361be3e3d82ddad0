"""Examples' item indices -> one Batch.

It holds each distinct item once, and where histories and candidates refer to
it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from jaxrec.batch import WHOLE, Batch, Context, Counts, Part
from jaxrec.data.batches.context import (
  Ragged,
  context_at,
  padded_context,
)
from jaxrec.data.batches.packing import fill_rows, fit, pack
from jaxrec.data.items.catalog import Catalog


class PackedItems:
  """Distinct items as packed tokens, for an encoder that runs in the step.

  Or as the hidden states of these tokens, where the encoder's lower layers
  were run before.

  Args:
    catalog: tokens of every item.
    row_tokens: L.
    row_segments: S.
    hidden: [T, D], one for each of the catalog's tokens, or None; may be
      memory-mapped.
  """

  def __init__(
    self,
    catalog: Catalog,
    row_tokens: int,
    row_segments: int,
    hidden: np.ndarray | None = None,
  ):
    self.catalog = catalog
    self.row_tokens = row_tokens
    self.row_segments = row_segments
    name, values = 'tokens', catalog.tokens
    if hidden is not None:
      name, values = 'hidden', hidden
    self.values = np.asarray(values)  # A memmap's own class makes it slower.
    self.fields: tuple[str, ...] = (name, 'positions', 'segments')
    self.dtypes: tuple[DTypeLike, ...] = (self.values.dtype, np.int32, np.int32)

  @property
  def num_items(self) -> int:
    """N."""
    return len(self.catalog)

  def size(self, items: np.ndarray) -> int:
    """Rows that `items` need."""
    lengths = self.catalog.lengths_of(items)
    return pack(lengths, self.row_tokens, self.row_segments)[-1]

  def most(self, num_items: int) -> int:
    """Rows that no `num_items` items exceed."""
    return num_items

  def table(
    self, items: np.ndarray, ladder: list[int], part: Part = WHOLE
  ) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The part's rows of the fields' arrays, and each item's table row."""
    row, start, segment, used = pack(
      self.catalog.lengths_of(items), self.row_tokens, self.row_segments
    )
    rows = part.rows(fit(used, ladder))
    here = np.isin(row, rows)
    arrays = fill_rows(
      self.values,
      self.catalog.offsets,
      items[here],
      (np.searchsorted(rows, row[here]), start[here], segment[here]),
      len(rows),
      self.row_tokens,
    )
    return arrays, row * self.row_segments + segment

  def work(self, items: np.ndarray) -> tuple[int, int]:
    """Tokens of `items`, and the sum of their lengths' squares."""
    lengths = self.catalog.lengths_of(items).astype(np.int64)
    return int(lengths.sum()), int((lengths**2).sum())


class VectorItems:
  """Distinct items as vectors computed before, for a frozen encoder.

  Args:
    vectors: float32 [N, D]; may be memory-mapped.
  """

  fields: tuple[str, ...] = ('vectors',)
  dtypes: tuple[DTypeLike, ...] = (np.float32,)
  row_tokens = 0  # No encoder runs.
  row_segments = 1

  def __init__(self, vectors: np.ndarray):
    self.vectors = vectors

  @property
  def num_items(self) -> int:
    """N."""
    return len(self.vectors)

  def size(self, items: np.ndarray) -> int:
    """Table rows that `items` need."""
    return len(items)

  def most(self, num_items: int) -> int:
    """Table rows that no `num_items` items exceed."""
    return num_items

  def table(
    self, items: np.ndarray, ladder: list[int], part: Part = WHOLE
  ) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The part's rows of the fields' arrays, and each item's table row."""
    rows = part.rows(fit(len(items), ladder))
    vectors = np.zeros((len(rows), self.vectors.shape[1]), np.float32)
    here = items[rows[rows < len(items)]]
    vectors[: len(here)] = self.vectors[here]
    return (vectors,), np.arange(len(items), dtype=np.int32)

  def work(self, items: np.ndarray) -> tuple[int, int]:
    """No tokens."""
    return 0, 0


Items = PackedItems | VectorItems


def make_batch(
  items: Items,
  histories: Ragged,
  candidates: Ragged,
  labels: Ragged,
  *,
  history_length: int,
  num_candidates: int,
  ladder: list[int],
  part: Part = WHOLE,
  context: Context | None = None,
  log_rates: np.ndarray | None = None,
  features: Mapping[str, np.ndarray] | None = None,
) -> tuple[Batch, Counts]:
  """Examples' item indices -> one Batch, NumPy leaves; see `batch.Batch`.

  Which item lies where is found for the whole batch, which is quick; what is
  there is filled in for the part alone.

  Args:
    items: how the distinct items enter.
    histories, candidates, labels: of every example, at most
      history_length, num_candidates, num_candidates long. An example with no
      candidate only fills the batch.
    history_length: H.
    num_candidates: C.
    ladder: sizes the table of items may be padded to.
    part: the rows wanted, of the items' arrays and of the examples'.
    context: of the histories' items, ragged; None: each is an event.
    log_rates: float32 [N], see `Batch`; None: 0.
    features: [N, ...] of every item, by the name of a term, see `Batch`; None
      for none.

  Returns:
    The part of the batch, and counts of the whole.
  """
  distinct, places = np.unique(
    np.concatenate([histories.values, candidates.values]), return_inverse=True
  )
  arrays, table_rows = items.table(distinct, ladder, part)
  of_history, of_candidates = np.split(
    table_rows[places], [len(histories.values)]
  )
  history, history_mask = histories._replace(values=of_history).padded(
    history_length
  )
  shown, candidate_mask = candidates._replace(values=of_candidates).padded(
    num_candidates
  )
  padded_labels, _ = labels.padded(num_candidates, np.float32)
  example_mask = candidate_mask.any(1)
  if context is None:
    context = context_at(np.arange(len(histories.values)), histories.lengths)
  context = padded_context(context, history_length)
  tokens, squares = items.work(distinct)
  counts = Counts(
    examples=int(example_mask.sum()),
    items=len(distinct),
    history=len(histories.values),
    tokens=tokens,
    squares=squares,
    slots=part.whole(len(arrays[0])) * items.row_tokens,
  )
  rows = part.rows(len(history))
  size = part.whole(len(arrays[0])) * items.row_segments
  table_part = part.rows(size)
  row_items = np.full(size, -1, np.int32)
  row_items[table_rows] = distinct
  row_rates = np.zeros(size, np.float32)
  if log_rates is not None:
    row_rates[table_rows] = log_rates[distinct]
  row_features = {}
  for name, values in (features or {}).items():
    # Rows that are no item: below 0 is no index, and 0 is no vector.
    empty = -1 if np.issubdtype(values.dtype, np.integer) else 0
    row_values = np.full((size, *values.shape[1:]), empty, values.dtype)
    row_values[table_rows] = values[distinct]
    row_features[name] = row_values[table_part]
  batch = Batch(
    history=history[rows],
    history_mask=history_mask[rows],
    candidates=shown[rows],
    candidate_mask=candidate_mask[rows],
    labels=padded_labels[rows],
    example_mask=example_mask[rows],
    items=row_items[table_part],
    log_rates=row_rates[table_part],
    features=row_features,
    context=Context(*(x if x is None else x[rows] for x in context)),
    **dict(zip(items.fields, arrays, strict=True)),
  )
  return batch, counts
