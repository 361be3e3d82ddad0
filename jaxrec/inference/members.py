"""What closed forms beside the network add to logits, see `jaxrec.ensemble`.

Their matrices have the rows of the items of the training. Where these lie in
the index now, if they are still there, `IndexedItems.origins` says.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxrec.data.columns.ragged import event_numbers
from jaxrec.inference.index import IndexedItems
from jaxrec.inference.requests import HistoryEntry, RequestedHistory
from jaxrec.retrieval.neighbours import Added, Histories, Neighbours, looked_up


class AddedToIndex(NamedTuple):
  """What is added to the logits of some users.

  Attributes:
    pairs: users and rows of the index; None for nothing.
    most: float64 [U], see `Members.most`.
  """

  pairs: Added | None
  most: np.ndarray


class AddedToItems(NamedTuple):
  """What is added to the logits of C items, of U users.

  Attributes:
    by_member: float32 [U, C], by name.
    total: float32 [U, C].
  """

  by_member: dict[str, np.ndarray]
  total: np.ndarray


@dataclasses.dataclass(frozen=True)
class Members:
  """The members of the ensemble.

  Attributes:
    gains: by name; 0 for one that says nothing, in the order they are told.
    matrices: by name, of those whose gain is not 0.
  """

  gains: Mapping[str, float] = dataclasses.field(default_factory=dict)
  matrices: Mapping[str, Neighbours] = dataclasses.field(default_factory=dict)

  def _added(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    among: np.ndarray | None = None,
  ) -> dict[str, Added]:
    """What each that says something adds, by name, to items of the training."""
    if not self.matrices:
      return {}
    read = _read(index, histories)
    scores = {n: m.scores(read, among) for n, m in self.matrices.items()}
    return {
      name: added._replace(values=np.float32(self.gains[name]) * added.values)
      for name, added in scores.items()
    }

  def of_index(
    self, index: IndexedItems, histories: Sequence[RequestedHistory]
  ) -> AddedToIndex:
    """What is added to all items of the index, of each user."""
    parts = self._added(index, histories)
    most = _most(parts, len(histories))
    if not parts:
      return AddedToIndex(None, most)
    owners, items, values = map(
      np.concatenate, zip(*parts.values(), strict=True)
    )
    rows = index.rows_of_origins[items]
    kept = rows >= 0
    return AddedToIndex(Added(owners[kept], rows[kept], values[kept]), most)

  def most(
    self, index: IndexedItems, histories: Sequence[RequestedHistory]
  ) -> np.ndarray:
    """No less than what is added to any item, of each user.

    The sum of what each member adds where it adds most: it depends on nothing
    but the history, whatever items there are.

    Returns:
      float64 [U], 0 or more.
    """
    return _most(self._added(index, histories), len(histories))

  def at(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    origins: np.ndarray,
  ) -> AddedToItems:
    """What is added to some items alone, whether the index has them or not.

    Args:
      index: of the histories.
      histories: of U users.
      origins: int64 [C], of the items, see `origins_of`.
    """
    among = np.zeros(len(index.trained), bool)
    among[origins[origins >= 0]] = True
    parts = self._added(index, histories, among)
    count = len(histories)
    owners = np.repeat(np.arange(count), len(origins))
    items = np.tile(origins, count)
    total = np.zeros((count, len(origins)), np.float32)
    by_member = dict.fromkeys(self.gains, total)
    for name, added in parts.items():
      by_member[name] = looked_up(added, owners, items).reshape(total.shape)
      total = total + by_member[name]
    return AddedToItems(by_member, total)


def origins_of(
  index: IndexedItems, entries: Sequence[HistoryEntry]
) -> np.ndarray:
  """int64 [E]: which items of the training they are; -1 for none.

  As with what is learned of ids: who gives an item's columns with its id means
  that item.
  """
  return np.array(
    [
      index.origins[entry.row]
      if entry.row >= 0
      else index.trained.get((entry.columns or {}).get('item_id', ''), -1)
      for entry in entries
    ],
    np.int64,
  )


def _read(
  index: IndexedItems, histories: Sequence[RequestedHistory]
) -> Histories:
  """Histories as the matrices read them: as `jaxrec.ensemble` does."""
  lengths = np.array([len(history.entries) for history in histories], np.int64)
  offsets = np.concatenate([[0], np.cumsum(lengths)])
  # Where times are unknown each entry is an event.
  moments = [
    np.arange(float(len(history.entries)))
    if history.seconds is None
    else history.seconds
    for history in histories
  ]
  events = event_numbers(offsets, np.concatenate([np.zeros(0), *moments]))
  filled = lengths > 0
  last = np.repeat(events[offsets[1:][filled] - 1], lengths[filled])
  return Histories(
    np.repeat(np.arange(len(histories)), lengths),
    origins_of(index, [e for history in histories for e in history.entries]),
    last - events,
  )


def _most(parts: Mapping[str, Added], count: int) -> np.ndarray:
  """See `Members.most`."""
  most = np.zeros(count)
  for added in parts.values():
    highest = np.zeros(count)
    np.maximum.at(highest, added.owners, np.abs(added.values))
    most += highest
  return most
