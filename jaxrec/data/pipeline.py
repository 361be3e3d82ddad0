"""From indices to batches, on tf.data.

The pipeline starts from step numbers, not files: step -> which clicks (a
stateless shuffle of each epoch) -> their histories and sampled candidates ->
the batch's distinct items, packed. Everything is a pure function of (seed,
step), so jumping to any step costs nothing and a resumed run sees the same
batches to the bit. Nothing in memory grows with the set: its columns and the
index of its clicks are memory-mapped.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from jaxrec.data.batching import Items, Ragged, make_batch
from jaxrec.data.columns import Impressions, ragged_rows, spans
from jaxrec.data.draws import draw
from jaxrec.data.packing import size_ladder
from jaxrec.errors import UserError
from jaxrec.types import WHOLE, Batch, Counts, Part


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
    part: what this process holds of every batch; every size of the table of
      items is a multiple of its shards.
    growth: from one size of the table to the next.
  """

  impressions: Impressions
  items: Items
  batch_size: int
  num_candidates: int
  history_length: int
  seed: int
  part: Part = WHOLE
  growth: float = 1.125

  def __post_init__(self):
    clicks, owners = self.impressions.trainable_clicks()
    if not len(clicks):
      raise UserError(
        'no training impression has both a click and a non-click: nothing to '
        'learn from'
      )
    object.__setattr__(self, '_clicks', clicks)  # Flat candidate positions.
    object.__setattr__(self, '_owner', owners)
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
      histories, candidates, _ = self._examples(rows, np.zeros_like(rows))
      items = np.concatenate([histories.values, candidates.values])
      sizes.append(self.items.size(np.unique(items)))
    slots = self.batch_size * (self.history_length + self.num_candidates)
    return size_ladder(
      int(np.median(sizes)),
      self.part.shards,
      self.items.most(slots),
      self.growth,
    )

  def _examples(
    self, clicks: np.ndarray, epochs: np.ndarray
  ) -> tuple[Ragged, Ragged, Ragged]:
    """Histories, candidates and labels of the given clicks."""
    shown, owners = self.impressions, self._owner[clicks]
    ends = shown.history_offsets[owners + 1]
    lengths = np.minimum(
      ends - shown.history_offsets[owners], self.history_length
    )
    histories = Ragged(shown.history[spans(ends - lengths, lengths)], lengths)
    # Non-clicks of every example's impression, and those drawn of them.
    places, offsets = ragged_rows(shown.candidate_offsets, owners)
    others = shown.labels[places] == 0
    offsets = np.concatenate([[0], np.cumsum(others)])[offsets]
    others, sizes = places[others], np.diff(offsets)
    counts = np.minimum(self.num_candidates - 1, sizes)
    drawn = draw(self.seed, epochs, clicks, sizes=sizes, counts=counts)
    drawn += np.repeat(offsets[:-1], counts)
    # The click is the first of its example's candidates.
    labels = np.zeros(len(drawn) + len(clicks), bool)
    labels[np.cumsum(counts + 1) - (counts + 1)] = True
    places = np.empty(len(labels), np.int64)
    places[labels], places[~labels] = self._clicks[clicks], others[drawn]
    candidates = Ragged(shown.candidates[places], counts + 1)
    return histories, candidates, candidates._replace(values=labels)

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
    ids = self.impressions.impression_ids
    return np.array([ids[i] for i in self._owner[clicks.numpy()]])

  def examples_of(self, step: int):
    """Item indices a step trains on: histories, candidates and labels.

    Three lists of B arrays.
    """
    clicks, epochs = self.clicks_of(tf.constant(step, tf.int64))
    return [x.rows() for x in self._examples(clicks.numpy(), epochs.numpy())]

  def batches(self, start: int, stop: int, **options) -> Iterator[Batch]:
    """This process's part of the batches of steps start..stop - 1."""
    return (batch for batch, _ in self.counted(start, stop, **options))

  def counted(
    self, start: int, stop: int, *, prefetch: int = 2
  ) -> Iterator[tuple[Batch, Counts]]:
    """The same, each with counts of the whole batch.

    The whole is the same whatever the number of processes and wherever on the
    mesh they are: all find what lies where, each fills in its own part.
    """
    names = ('history', 'history_mask', 'candidates', 'candidate_mask')
    names += ('labels', 'example_mask', *self.items.fields)
    dtypes = (np.int64, np.int32, bool, np.int32, bool, np.float32, bool)
    dtypes += self.items.dtypes

    def build(clicks, epochs):
      batch, counts = make_batch(
        self.items,
        *self._examples(clicks, epochs),
        history_length=self.history_length,
        num_candidates=self.num_candidates,
        ladder=self._ladder,
        part=self.part,
      )
      return [np.int64(counts), *(getattr(batch, name) for name in names)]

    dataset = tf.data.Dataset.range(start, stop)
    dataset = dataset.map(
      lambda step: tf.numpy_function(build, self.clicks_of(step), dtypes),
      num_parallel_calls=2,
      deterministic=True,
    )
    for counts, *leaves in dataset.prefetch(prefetch).as_numpy_iterator():
      batch = Batch(**dict(zip(names, leaves, strict=True)))
      yield batch, Counts(*counts.tolist())
