"""From indices to batches, on tf.data.

The pipeline starts from step numbers, not files: step -> which clicks (a
stateless shuffle of each epoch) -> their histories and sampled candidates ->
the batch's distinct items, packed. Everything is a pure function of (seed,
step), so jumping to any step costs nothing and a resumed run sees the same
batches to the bit.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from jaxrec.data.catalog import Catalog
from jaxrec.data.columns import Impressions
from jaxrec.data.packing import fill_rows, fit, pack, size_ladder
from jaxrec.errors import UserError
from jaxrec.types import Batch


class PackedItems:
  """Distinct items as packed tokens, for an encoder that runs in the step.

  Args:
    catalog: tokens of every item.
    row_tokens: L.
    row_segments: S.
  """

  fields = ('tokens', 'positions', 'segments')
  dtypes = (np.int32,) * 3

  def __init__(self, catalog: Catalog, row_tokens: int, row_segments: int):
    self.catalog = catalog
    self.row_tokens = row_tokens
    self.row_segments = row_segments

  def size(self, items: np.ndarray) -> int:
    """Rows that `items` need."""
    lengths = self.catalog.lengths[items]
    return pack(lengths, self.row_tokens, self.row_segments)[-1]

  def most(self, num_items: int) -> int:
    """Rows that no `num_items` items exceed."""
    return num_items

  def table(self, items: np.ndarray, ladder: list[int]):
    """The fields' arrays, and the table row of each item."""
    *placed, used = pack(
      self.catalog.lengths[items], self.row_tokens, self.row_segments
    )
    arrays = fill_rows(
      self.catalog.tokens,
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


@dataclasses.dataclass(frozen=True)
class TrainPipeline:
  """Training batches from impressions: each click with sampled non-clicks.

  Attributes:
    impressions: the training split.
    items: how the distinct items enter.
    batch_size: B, over all processes.
    num_candidates: C, one click and C - 1 non-clicks of the same impression;
      fewer, masked, where it showed fewer.
    history_length: H.
    seed: of shuffle and sampling.
    multiple: B and the table's size are multiples of this.
  """

  impressions: Impressions
  items: Items
  batch_size: int
  num_candidates: int
  history_length: int
  seed: int
  multiple: int = 1

  def __post_init__(self):
    owner = np.repeat(
      np.arange(len(self.impressions)),
      np.diff(self.impressions.candidate_offsets),
    )
    clicked = np.asarray(self.impressions.labels, bool)
    others = np.bincount(owner, ~clicked, minlength=len(self.impressions))
    clicks = np.flatnonzero(clicked & (others[owner] > 0))
    if not len(clicks):
      raise UserError(
        'no training impression has both a click and a non-click: nothing to '
        'learn from'
      )
    object.__setattr__(self, '_clicks', clicks)  # Flat candidate positions.
    object.__setattr__(self, '_owner', owner[clicks])
    object.__setattr__(self, '_ladder', self._measure())

  @property
  def num_examples(self) -> int:
    """Clicks that make up one epoch."""
    return len(self._clicks)

  def _measure(self) -> list[int]:
    """Table sizes, from what a few steps over the first epoch need."""
    sizes = []
    for step in range(8):
      begin = step * max(self.num_examples // 8, 1)
      rows = (begin + np.arange(self.batch_size)) % self.num_examples
      lists = self._lists(rows, np.zeros_like(rows))
      sizes.append(
        self.items.size(np.unique(np.concatenate(lists[0] + lists[1])))
      )
    slots = self.batch_size * (self.history_length + self.num_candidates)
    return size_ladder(
      int(np.median(sizes)), self.multiple, self.items.most(slots)
    )

  def _lists(self, clicks: np.ndarray, epochs: np.ndarray):
    """Histories, candidates and labels of the given clicks."""
    histories, candidates, labels = [], [], []
    for click, epoch in zip(clicks.tolist(), epochs.tolist(), strict=True):
      owner = self._owner[click]
      shown = self.impressions.shown(owner)
      items = self.impressions.candidates[shown]
      others = items[self.impressions.labels[shown] == 0]
      rng = np.random.default_rng((self.seed, epoch, click))
      count = min(self.num_candidates - 1, len(others))
      drawn = rng.choice(len(others), count, replace=False)
      clicked = self.impressions.candidates[self._clicks[click]]
      histories.append(self.impressions.history_of(owner, self.history_length))
      candidates.append(np.concatenate([[clicked], others[drawn]]))
      labels.append(np.arange(1 + count) == 0)
    return histories, candidates, labels

  def clicks_of(self, step):
    """Which clicks make up a step: int64 [B], and the epoch of each."""
    place = step * self.batch_size + tf.range(self.batch_size, dtype=tf.int64)
    epochs = place // self.num_examples
    salt = lambda value: tf.cast(tf.fill([self.batch_size], value), tf.uint32)
    seeds = tf.stack(
      [salt(self.seed), tf.cast(epochs, tf.uint32), salt(0)], axis=1
    )
    clicks = tf.raw_ops.RandomIndexShuffle(
      index=place % self.num_examples,
      seed=seeds,
      max_index=tf.fill(
        [self.batch_size], tf.cast(self.num_examples - 1, tf.int64)
      ),
      rounds=4,
    )
    return clicks, epochs

  def impressions_of(self, step: int) -> np.ndarray:
    """The impression ids a step trains on, for error messages."""
    clicks, _ = self.clicks_of(tf.constant(step, tf.int64))
    return self.impressions.impression_ids[self._owner[clicks.numpy()]]

  def _build(self, clicks: np.ndarray, epochs: np.ndarray) -> Batch:
    return make_batch(
      self.items,
      *self._lists(clicks, epochs),
      history_length=self.history_length,
      num_candidates=self.num_candidates,
      ladder=self._ladder,
    )

  def batches(
    self,
    start: int,
    stop: int,
    *,
    process: int = 0,
    num_processes: int = 1,
    prefetch: int = 2,
  ) -> Iterator[Batch]:
    """Batches of the steps start..stop - 1, this process's slice of each.

    Every process packs the whole batch and keeps its rows, so the global
    batch is the same whatever the number of processes.
    """
    names = ('history', 'history_mask', 'candidates', 'candidate_mask')
    names += ('labels', 'example_mask', *self.items.fields)
    dtypes = (np.int32, bool, np.int32, bool, np.float32, bool)
    dtypes += self.items.dtypes

    def build(clicks, epochs):
      batch = self._build(clicks, epochs)
      leaves = [getattr(batch, name) for name in names]
      share = lambda x: len(x) // num_processes
      return [x[process * share(x) : (process + 1) * share(x)] for x in leaves]

    dataset = tf.data.Dataset.range(start, stop)
    dataset = dataset.map(
      lambda step: tf.numpy_function(build, self.clicks_of(step), dtypes),
      num_parallel_calls=2,
      deterministic=True,
    )
    for leaves in dataset.prefetch(prefetch).as_numpy_iterator():
      yield Batch(**dict(zip(names, leaves, strict=True)))


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
