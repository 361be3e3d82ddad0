"""Several users' runs in one row, so that little of a batch is padding."""

import dataclasses
from typing import NamedTuple

import numpy as np

from jaxrec.batch import Context
from jaxrec.data.batches.context import Ragged
from jaxrec.data.batches.examples.augment import augmented
from jaxrec.data.batches.examples.runs import Runs
from jaxrec.data.columns.ragged import ends, ragged_rows
from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.config import AugmentConfig


class PackedHistories(NamedTuple):
  """Rows of several runs each; ragged, at most H items to a row.

  Attributes:
    items: int32.
    read: bool, whether an item is read; those that are not are predicted.
    context: see Context; its `segments` say which run an item is of.
  """

  items: Ragged
  read: Ragged
  context: Context


@dataclasses.dataclass(frozen=True)
class PackedRuns:
  """Rows of at most H items, each of runs that lie one after the other.

  Which runs share a row depends on the seed alone.

  Attributes:
    sequences: the training split; see `Runs`.
    history_length: H.
    seed: of the packing, and of what changes from epoch to epoch.
    ordered: see `Runs`.
    augment: how runs are changed in each epoch; None: not at all.
  """

  sequences: Sequences
  history_length: int
  seed: int
  ordered: bool = True
  augment: AugmentConfig | None = None
  _runs: Runs = dataclasses.field(init=False, repr=False)
  # The runs of each row: row i has _packed[_offsets[i]:_offsets[i + 1]].
  _packed: np.ndarray = dataclasses.field(init=False, repr=False)
  _offsets: np.ndarray = dataclasses.field(init=False, repr=False)

  def __post_init__(self):
    runs = Runs(self.sequences, self.history_length, self.seed, self.ordered)
    rng = np.random.default_rng(self.seed)
    packed, counts = pack_runs(runs.lengths, self.history_length, rng)
    for name, value in (
      ('_runs', runs),
      ('_packed', packed),
      ('_offsets', ends(counts)),
    ):
      object.__setattr__(self, name, value)

  def __len__(self) -> int:
    return len(self._offsets) - 1

  def describe(self, rows: np.ndarray) -> list[str]:
    """Whose the runs of some rows are, for messages."""
    which, _ = ragged_rows(self._offsets, rows)
    return self._runs.describe(self._packed[which])

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> PackedHistories:
    """The rows as they are in the epochs given; int64 [B] each."""
    which, offsets = ragged_rows(self._offsets, rows)
    runs, counts = self._packed[which], np.diff(offsets)
    epoch_of = np.repeat(epochs, counts)
    places, lengths = self._runs.places(runs, epoch_of)
    item_places, read = places, np.ones(len(places), bool)
    if self.augment is not None:
      changed = [
        augmented(
          part,
          self.augment,
          np.random.default_rng((self.seed, 1, int(epoch), int(run))),
        )
        for part, epoch, run in zip(
          np.split(places, np.cumsum(lengths)[:-1]),
          epoch_of,
          runs,
          strict=True,
        )
      ]
      lengths = np.array([len(x.places) for x in changed])
      places, item_places, read = (
        np.concatenate(x) for x in zip(*changed, strict=True)
      )
    context = self._runs.context(places, lengths)
    # Of runs one after the other in a row.
    nth = np.arange(len(runs)) - np.repeat(offsets[:-1], counts)
    of_row = np.repeat(np.arange(len(rows)), counts)
    in_row = np.bincount(of_row, weights=lengths, minlength=len(rows)).astype(
      np.int64
    )
    whole = {
      name: Ragged(column.values, in_row)
      for name, column in context._asdict().items()
      if name not in ('today', 'segments')
    }
    segments = Ragged(np.repeat(nth, lengths).astype(np.int32), in_row)
    return PackedHistories(
      items=Ragged(self.sequences.items[item_places], in_row),
      read=Ragged(read, in_row),
      context=Context(
        **whole, today=np.zeros(len(rows), np.int32), segments=segments
      ),
    )


def pack_runs(
  lengths: np.ndarray, room: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
  """Runs into rows of `room` items, as full as they get.

  A row takes the longest run that is left and fits, and so on; among runs of
  one length chance decides.

  Args:
    lengths: int [R], each from 1 to `room`.
    room: items of a row.
    rng: of the chances.

  Returns:
    int64 [R], the runs, row after row; int64, how many are in each row.
  """
  waiting: list[list[int]] = [[] for _ in range(room + 1)]
  for run in rng.permutation(len(lengths)).tolist():
    waiting[lengths[run]].append(run)
  packed: list[int] = []
  counts: list[int] = []
  longest = room
  while len(packed) < len(lengths):
    while not waiting[longest]:
      longest -= 1
    size, left, count = longest, room, 0
    while size:
      if not waiting[size]:
        size -= 1
        continue
      packed.append(waiting[size].pop())
      count, left = count + 1, left - size
      size = min(size, left)
    counts.append(count)
  return np.array(packed, np.int64), np.array(counts, np.int64)
