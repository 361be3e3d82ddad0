"""Arrays that cross a boundary.

Dimension letters, everywhere: B examples, H history, C candidates, R packed
rows, L tokens in a row, S segments (items) in a row, M rows of the table of
item vectors, W their width, P pairs of an example and a candidate, D width of
the encoder, K heads, V vocabulary, N catalog.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np

Array = Any  # np.ndarray on the host, jax.Array on the device.
NEVER = 2**30  # An event that no history reaches.


class Context(NamedTuple):
  """How and when a user acted on the items of a history; [B, H] but `today`.

  Of ragged lists before they are padded.

  Attributes:
    events: int32, which event of its history an item belongs to: items of one
      time are one.
    behaviours: int32, how, an index into `Dataset.behaviours`.
    days: float32, when, in days since the first item that is read.
    again: int32, the event in which the same item comes next, its own where
      that has it twice; NEVER where it does not.
    dates: int32, when, in whole days since 1970.
    today: int32 [B], the date at which something is asked for.
    segments: int32, whose history an item belongs to, where several users lie
      one after the other in a row, and their events begin anew with each; None
      where a row is one user's.
  """

  events: Array
  behaviours: Array
  days: Array
  again: Array
  dates: Array
  today: Array
  segments: Array = None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Batch:
  """One batch: its distinct items once, and who refers to them where.

  The items come as packed tokens, or as these tokens' hidden states computed
  before (lower layers frozen), or as vectors computed before (all frozen);
  fields of the other ways are None. `history` and
  `candidates` are rows of the table of item vectors: R * S rows in packed
  order, or M rows. Where a mask is False the slot is 0 and must not count.

  Attributes:
    tokens, positions, segments: int32 [R, L]. Positions restart with every
      item; segment 0 is padding, items are 1..S within their row.
    hidden: [R, L, D], in place of tokens.
    vectors: float32 [M, D], pooled encoder outputs.
    items: int32 [M], which items the table's rows are; -1 for none.
    features: by the name of a term, its rows [M, ...] of what it knows of
      every item, see `models.terms.term.Term.features`.
    log_rates: float32 [M], of `next_item`: the log of how likely the row's item
      was to be in the batch.
    context: of the history's items, see Context. None: each is an event of its
      own, and no more is known.
    history, history_mask: int32 and bool [B, H], oldest first.
    read_mask: bool [B, H], which of these items are read: one that is not may
      be predicted all the same. None: all are.
    candidates, candidate_mask: int32 and bool [B, C].
    labels: float32 [B, C], 1 for clicked.
    example_mask: bool [B], False for examples that only fill the batch.
  """

  history: Array
  history_mask: Array
  candidates: Array
  candidate_mask: Array
  labels: Array
  example_mask: Array
  tokens: Array = None
  hidden: Array = None
  positions: Array = None
  segments: Array = None
  vectors: Array = None
  items: Array = None
  features: dict[str, Array] = dataclasses.field(default_factory=dict)
  log_rates: Array = None
  context: Context | None = None
  read_mask: Array = None


class Part(NamedTuple):
  """Which rows of a batch's arrays a process holds.

  Each array is cut into `shards` runs of as many rows.

  Attributes:
    shards: how many there are.
    held: those that are held, ascending.
  """

  shards: int = 1
  held: tuple[int, ...] = (0,)

  def whole(self, num_held: int) -> int:
    """Rows of an array of which `num_held` are held."""
    return num_held // len(self.held) * self.shards

  def rows(self, size: int) -> np.ndarray:
    """The rows held of an array of `size` rows, ascending."""
    return np.arange(size).reshape(self.shards, -1)[list(self.held)].ravel()

  def cut(self, held: Array, begin: int | None, end: int | None) -> Array:
    """Rows begin..end - 1 of an array of which `held` has the rows held."""
    size = self.whole(len(held))
    begin, end, _ = slice(begin, end).indices(size)
    at = int(np.searchsorted(self.rows(size), begin))
    return held[at : at + end - begin]


WHOLE = Part()


class Counts(NamedTuple):
  """What there is in a batch, over all processes; padding is not counted.

  Attributes:
    examples: B.
    items: distinct ones.
    history: items of all histories.
    tokens, squares: sums of the distinct items' lengths and their squares; 0
      where no encoder runs.
    slots: R * L, padding and all; 0 likewise.
  """

  examples: int
  items: int
  history: int
  tokens: int
  squares: int
  slots: int


class EvalBatch(NamedTuple):
  """Some examples' histories, and pairs of an example and a candidate.

  Pairs, not [B, C]: MIND's impressions show 2 to 300 candidates, which would
  need many shapes or much padding.

  Attributes:
    history, history_mask, context: [B, H], as in Batch.
    examples: int32 [P], each pair's place in the batch, 0..B - 1.
    candidates: int32 [P], each pair's row of the table of item vectors.
  """

  history: Array
  history_mask: Array
  context: Context
  examples: Array
  candidates: Array
