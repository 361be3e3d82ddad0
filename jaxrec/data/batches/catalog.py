"""Training batches whose table of items is the whole catalog.

Histories alone come from the host: slots of the table are items, and what is
known of the items lies on the devices from the start.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from jaxrec.batch import WHOLE, Batch, Context, Counts, Part
from jaxrec.data.batches.context import padded_context
from jaxrec.data.batches.examples.packed import PackedRuns
from jaxrec.data.batches.steps import batches_of_steps, examples_of_step
from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.config import AugmentConfig


@dataclasses.dataclass(frozen=True)
class CatalogPipeline:
  """Batches of several users' runs in each row; see `PackedRuns`.

  A batch has histories alone, no candidates, and of the catalog nothing: the
  table's rows are all items, which the caller adds.

  Attributes:
    sequences: the training split.
    num_items: N.
    batch_size: B, rows of a batch, over all processes.
    history_length: H.
    seed: of shuffle and packing.
    ordered: False: histories are sets, and come in another order each epoch.
    augment: how histories are changed from epoch to epoch; None: not at all.
    part: what this process holds of every batch.
  """

  sequences: Sequences
  num_items: int
  batch_size: int
  history_length: int
  seed: int
  ordered: bool = True
  augment: AugmentConfig | None = None
  part: Part = WHOLE
  _examples: PackedRuns = dataclasses.field(init=False, repr=False)

  def __post_init__(self):
    object.__setattr__(
      self,
      '_examples',
      PackedRuns(
        self.sequences,
        self.history_length,
        self.seed,
        self.ordered,
        self.augment,
      ),
    )

  @property
  def num_examples(self) -> int:
    """Rows that make up one epoch."""
    return len(self._examples)

  @property
  def typical_size(self) -> int:
    """Rows of the table of items."""
    return self.num_items

  def rows_of(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Which rows make up a step, and the epoch of each: int64 [B] each."""
    return examples_of_step(
      step,
      batch_size=self.batch_size,
      num_examples=self.num_examples,
      seed=self.seed,
    )

  def describe(self, step: int) -> list[str]:
    """Whose the examples of a step are, for messages."""
    rows, _ = self.rows_of(tf.constant(step, tf.int64))
    return self._examples.describe(rows.numpy())

  def batches(self, start: int, stop: int, **options) -> Iterator[Batch]:
    """This process's part of the batches of steps start..stop - 1."""
    return (batch for batch, _ in self.counted(start, stop, **options))

  def counted(
    self, start: int, stop: int, *, prefetch: int = 2
  ) -> Iterator[tuple[Batch, Counts]]:
    """The same, each with counts of the whole batch."""
    return batches_of_steps(
      self._build, self.rows_of, start, stop, prefetch=prefetch
    )

  def _build(
    self, rows: np.ndarray, epochs: np.ndarray
  ) -> tuple[Batch, Counts]:
    packed = self._examples.take(rows, epochs)
    history, mask = packed.items.padded(self.history_length)
    read, _ = packed.read.padded(self.history_length, bool)
    context = padded_context(packed.context, self.history_length)
    held = self.part.rows(len(history))
    none = np.zeros((len(held), 0))
    batch = Batch(
      history=history[held],
      history_mask=mask[held],
      read_mask=read[held],
      candidates=none.astype(np.int32),
      candidate_mask=none.astype(bool),
      labels=none.astype(np.float32),
      example_mask=mask[held].any(1),
      context=Context(*(x[held] for x in context)),
    )
    counts = Counts(
      examples=int(mask.any(1).sum()),
      items=len(np.unique(packed.items.values)),
      history=len(packed.items.values),
      tokens=0,
      squares=0,
      slots=0,
    )
    return batch, counts
