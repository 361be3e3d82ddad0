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

from jaxrec.batch import WHOLE, Batch, Context, Counts, Part
from jaxrec.data.batches.assemble import Items, make_batch
from jaxrec.data.batches.examples import log_rates, make_examples
from jaxrec.data.batches.packing import size_ladder
from jaxrec.data.columns.columns import Impressions
from jaxrec.data.splits.sequences import Sequences


@dataclasses.dataclass(frozen=True)
class TrainPipeline:
  """Training batches: each click with what was not clicked, see `examples`.

  Attributes:
    behaviours: the training split.
    items: how the distinct items enter.
    batch_size: B, over all processes.
    num_candidates: C, one click and C - 1 others; fewer, masked, where there
      are fewer.
    history_length: H.
    seed: of shuffle and sampling.
    part: what this process holds of every batch; every size of the table of
      items is a multiple of its shards.
    growth: from one size of the table to the next.
    next_item: whether histories' own items are predicted; see `examples`.
    ordered: False: histories are sets, and come in another order each epoch.
    fields: int32 [N, F, V], values of every item's fields, see `fields`; None
      for none.
  """

  behaviours: Impressions | Sequences
  items: Items
  batch_size: int
  num_candidates: int
  history_length: int
  seed: int
  part: Part = WHOLE
  growth: float = 1.125
  next_item: bool = False
  ordered: bool = True
  fields: np.ndarray | None = None

  def __post_init__(self):
    examples = make_examples(
      self.behaviours,
      num_items=self.items.num_items,
      num_candidates=self.num_candidates,
      history_length=self.history_length,
      seed=self.seed,
      next_item=self.next_item,
      ordered=self.ordered,
    )
    object.__setattr__(self, '_examples', examples)
    rates = None
    if self.next_item:
      rates = log_rates(self.behaviours, self.items.num_items, self)
    object.__setattr__(self, '_log_rates', rates)
    object.__setattr__(self, '_ladder', self._measure())

  @property
  def num_examples(self) -> int:
    """Clicks that make up one epoch."""
    return len(self._examples)

  def _measure(self) -> list[int]:
    """Table sizes, from what a few steps over the first epoch need."""
    sizes = []
    for step in range(8):
      begin = step * max(self.num_examples // 8, 1)
      rows = (begin + np.arange(self.batch_size)) % self.num_examples
      histories, candidates, *_ = self._examples.take(rows, np.zeros_like(rows))
      items = np.concatenate([histories.values, candidates.values])
      sizes.append(self.items.size(np.unique(items)))
    slots = self.batch_size * (self.history_length + self.num_candidates)
    object.__setattr__(self, 'typical_size', int(np.median(sizes)))
    return size_ladder(
      self.typical_size,
      self.part.shards,
      self.items.most(slots),
      self.growth,
    )

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

  def told(self, step: int) -> list[str]:
    """Whose the examples of a step are, for messages."""
    clicks, _ = self.clicks_of(tf.constant(step, tf.int64))
    return self._examples.told(clicks.numpy())

  def examples_of(self, step: int):
    """Item indices a step trains on: histories, candidates and labels.

    Three lists of B arrays.
    """
    clicks, epochs = self.clicks_of(tf.constant(step, tf.int64))
    return [
      x.rows() for x in self._examples.take(clicks.numpy(), epochs.numpy())[:3]
    ]

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
    names += ('labels', 'example_mask', 'items', 'log_rates', 'fields')
    names += self.items.fields
    dtypes = (np.int64, np.int32, np.int32, np.float32)  # Counts and context.
    dtypes += (np.int32, np.int32, np.int32)
    dtypes += (np.int32, bool, np.int32, bool, np.float32, bool)
    dtypes += (np.int32, np.float32, np.int32)
    dtypes += self.items.dtypes

    def build(clicks, epochs):
      histories, candidates, labels, context = self._examples.take(
        clicks, epochs
      )
      batch, counts = make_batch(
        self.items,
        histories,
        candidates,
        labels,
        context=context,
        log_rates=self._log_rates,
        fields=self.fields,
        history_length=self.history_length,
        num_candidates=self.num_candidates,
        ladder=self._ladder,
        part=self.part,
      )
      leaves = (getattr(batch, name) for name in names)
      return [np.int64(counts), *batch.context, *leaves]

    dataset = tf.data.Dataset.range(start, stop)
    dataset = dataset.map(
      lambda step: tf.numpy_function(build, self.clicks_of(step), dtypes),
      num_parallel_calls=2,
      deterministic=True,
    )
    found = dataset.prefetch(prefetch).as_numpy_iterator()
    of_context = len(Context._fields)
    for counts, *leaves in found:
      batch = Batch(
        context=Context(*leaves[:of_context]),
        **dict(zip(names, leaves[of_context:], strict=True)),
      )
      yield batch, Counts(*counts.tolist())
