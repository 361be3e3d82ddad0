"""From indices to batches, on tf.data.

The pipeline starts from step numbers, not files: step -> which examples (a
stateless shuffle of each epoch) -> their histories and sampled candidates ->
the batch's distinct items, packed. Everything is a pure function of (seed,
step), so jumping to any step costs nothing and a resumed run sees the same
batches to the bit. Nothing in memory grows with the set: its columns and the
index of its clicks are memory-mapped.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from jaxrec.batch import WHOLE, Batch, Counts, Part
from jaxrec.data.batches.assemble import Items, make_batch
from jaxrec.data.batches.examples import make_examples
from jaxrec.data.batches.examples.base import Examples, ExampleSource
from jaxrec.data.batches.log_rates import log_rates
from jaxrec.data.batches.packing import size_ladder
from jaxrec.data.batches.steps import batches_of_steps, examples_of_step
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences


@dataclasses.dataclass(frozen=True)
class TrainPipeline:
  """Training batches of the examples that `make_examples` has of a split.

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
    features: by the name of a term, what it knows of every item, [N, ...], see
      `Batch`.
    typical_size: rows of the table of items that a batch needs, about.
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
  features: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
  typical_size: int = dataclasses.field(init=False)
  _examples: ExampleSource = dataclasses.field(init=False, repr=False)
  _log_rates: np.ndarray | None = dataclasses.field(init=False, repr=False)
  _ladder: list[int] = dataclasses.field(init=False, repr=False)

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
      rates = log_rates(
        self.behaviours,
        num_items=self.items.num_items,
        batch_size=self.batch_size,
        history_length=self.history_length,
        num_candidates=self.num_candidates,
      )
    object.__setattr__(self, '_log_rates', rates)
    object.__setattr__(self, 'typical_size', self._typical_size())
    slots = self.batch_size * (self.history_length + self.num_candidates)
    ladder = size_ladder(
      self.typical_size,
      self.part.shards,
      self.items.most(slots),
      self.growth,
    )
    object.__setattr__(self, '_ladder', ladder)

  @property
  def num_examples(self) -> int:
    """Examples that make up one epoch."""
    return len(self._examples)

  def _typical_size(self) -> int:
    """The median of what a few steps over the first epoch need."""
    sizes = []
    for step in range(8):
      begin = step * max(self.num_examples // 8, 1)
      rows = (begin + np.arange(self.batch_size)) % self.num_examples
      histories, candidates, *_ = self._examples.take(rows, np.zeros_like(rows))
      items = np.concatenate([histories.values, candidates.values])
      sizes.append(self.items.size(np.unique(items)))
    return int(np.median(sizes))

  def rows_of(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Which examples make up a step, and the epoch of each: int64 [B] each."""
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

  def examples_of(
    self, step: int
  ) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Item indices that a step trains on: histories, candidates and labels.

    Lists of B arrays each.
    """
    examples = self._take(step)
    return (
      examples.histories.rows(),
      examples.candidates.rows(),
      examples.labels.rows(),
    )

  def _take(self, step: int) -> Examples:
    rows, epochs = self.rows_of(tf.constant(step, tf.int64))
    return self._examples.take(rows.numpy(), epochs.numpy())

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
    return batches_of_steps(
      self._build, self.rows_of, start, stop, prefetch=prefetch
    )

  def _build(
    self, rows: np.ndarray, epochs: np.ndarray
  ) -> tuple[Batch, Counts]:
    examples = self._examples.take(rows, epochs)
    return make_batch(
      self.items,
      examples.histories,
      examples.candidates,
      examples.labels,
      context=examples.context,
      log_rates=self._log_rates,
      features=self.features,
      history_length=self.history_length,
      num_candidates=self.num_candidates,
      ladder=self._ladder,
      part=self.part,
    )
