"""Examples' item indices -> one Batch: its distinct items, and who refers to
them where."""

import numpy as np

from jaxrec.data.catalog import Catalog
from jaxrec.data.packing import fill_rows, fit, pack
from jaxrec.types import Batch


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
    self.fields = (name, 'positions', 'segments')
    self.dtypes = (self.values.dtype, np.int32, np.int32)

  def size(self, items: np.ndarray) -> int:
    """Rows that `items` need."""
    lengths = self.catalog.lengths_of(items)
    return pack(lengths, self.row_tokens, self.row_segments)[-1]

  def most(self, num_items: int) -> int:
    """Rows that no `num_items` items exceed."""
    return num_items

  def table(self, items: np.ndarray, ladder: list[int]):
    """The fields' arrays, and the table row of each item."""
    *placed, used = pack(
      self.catalog.lengths_of(items), self.row_tokens, self.row_segments
    )
    arrays = fill_rows(
      self.values,
      self.catalog.offsets,
      items,
      placed,
      fit(used, ladder),
      self.row_tokens,
    )
    return arrays, placed[0] * self.row_segments + placed[2]


class VectorItems:
  """Distinct items as vectors computed before, for a frozen encoder.

  Args:
    vectors: float32 [N, D]; may be memory-mapped.
  """

  fields = ('vectors',)
  dtypes = (np.float32,)

  def __init__(self, vectors: np.ndarray):
    self.vectors = vectors

  def size(self, items: np.ndarray) -> int:
    """Table rows that `items` need."""
    return len(items)

  def most(self, num_items: int) -> int:
    """Table rows that no `num_items` items exceed."""
    return num_items

  def table(self, items: np.ndarray, ladder: list[int]):
    """The fields' arrays, and the table row of each item."""
    size = fit(len(items), ladder)
    vectors = np.zeros((size, self.vectors.shape[1]), np.float32)
    vectors[: len(items)] = self.vectors[items]
    return (vectors,), np.arange(len(items), dtype=np.int32)


Items = PackedItems | VectorItems


def pad_ragged(rows: list[np.ndarray], width: int, dtype=np.int32):
  """Lists of numbers -> [B, width] padded with 0, and the bool mask."""
  lengths = np.array([len(row) for row in rows])
  mask = np.arange(width)[None] < lengths[:, None]
  padded = np.zeros(mask.shape, dtype)
  padded[mask] = np.concatenate(rows) if rows else []
  return padded, mask


def make_batch(
  items: Items,
  histories: list[np.ndarray],
  candidates: list[np.ndarray],
  labels: list[np.ndarray],
  *,
  history_length: int,
  num_candidates: int,
  ladder: list[int],
) -> Batch:
  """Examples' item indices -> one Batch, NumPy leaves; see `types.Batch`.

  Args:
    items: how the distinct items enter.
    histories, candidates, labels: one array per example, at most
      history_length, num_candidates, num_candidates long. An example with no
      candidate only fills the batch.
    history_length: H.
    num_candidates: C.
    ladder: sizes the table of items may be padded to.
  """
  distinct, slots = np.unique(
    np.concatenate([*histories, *candidates]), return_inverse=True
  )
  arrays, table_rows = items.table(distinct, ladder)
  slots = table_rows[slots]
  ends = np.cumsum([len(x) for x in (*histories, *candidates)])
  parts = np.split(slots, ends[:-1])
  history, history_mask = pad_ragged(parts[: len(histories)], history_length)
  shown, candidate_mask = pad_ragged(parts[len(histories) :], num_candidates)
  padded_labels, _ = pad_ragged(labels, num_candidates, np.float32)
  return Batch(
    history=history,
    history_mask=history_mask,
    candidates=shown,
    candidate_mask=candidate_mask,
    labels=padded_labels,
    example_mask=candidate_mask.any(1),
    **dict(zip(items.fields, arrays, strict=True)),
  )
