"""Sequences cut into runs of no more items than are read at once."""

import dataclasses

import numpy as np

from jaxrec.batch import Context
from jaxrec.data.batches.context import context_at
from jaxrec.data.columns.ragged import spans
from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError


@dataclasses.dataclass(frozen=True)
class Runs:
  """Runs in which there is something to be predicted.

  Attributes:
    sequences: of the users; each is cut into runs of H items from its end.
    history_length: H.
    seed: of the orders.
    ordered: False: a sequence is a set, and put into another order each epoch.
    lengths: int64, of each run.
  """

  sequences: Sequences
  history_length: int
  seed: int
  ordered: bool = True
  lengths: np.ndarray = dataclasses.field(init=False, repr=False)
  # Of each run: its user, and where it begins.
  _users: np.ndarray = dataclasses.field(init=False, repr=False)
  _begins: np.ndarray = dataclasses.field(init=False, repr=False)
  # The event of each item of the sequences.
  _events: np.ndarray = dataclasses.field(init=False, repr=False)

  def __post_init__(self):
    offsets, length = self.sequences.offsets, self.history_length
    events = self.sequences.events()
    sizes = np.diff(offsets)
    counts = -(-sizes // length)
    users = np.repeat(np.arange(len(sizes)), counts)
    nth = np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = offsets[users + 1] - nth * length
    begins = np.maximum(ends - length, offsets[users])
    several = ends - begins > 1
    if self.ordered:  # Something to predict: a second event.
      several &= events[ends - 1] > events[begins]
    if not several.any():
      raise UserError(
        'no user of the training split did something after something else: '
        'nothing to learn from; with data.protocol=leave_one_out, which holds '
        'two events of each user out, some must have four: give time_split, or '
        'more actions'
      )
    for name, values in (
      ('_events', events),
      ('_users', users[several]),
      ('_begins', begins[several]),
      ('lengths', (ends - begins)[several]),
    ):
      object.__setattr__(self, name, values)

  def __len__(self) -> int:
    return len(self._users)

  def describe(self, rows: np.ndarray) -> list[str]:
    """Whose the runs are, for messages."""
    return [f'user {self.sequences.user_ids[i]}' for i in self._users[rows]]

  def places(
    self, rows: np.ndarray, epochs: np.ndarray
  ) -> tuple[np.ndarray, np.ndarray]:
    """Where the items of runs lie in the sequences' columns.

    Args:
      rows, epochs: int64 [B], which runs, and the epoch of each.

    Returns:
      int64 [V], in turn; int64 [B], how many are each run's.
    """
    lengths = self.lengths[rows]
    if self.ordered:
      return spans(self._begins[rows], lengths), lengths
    offsets, parts = self.sequences.offsets, []
    for row, epoch, length in zip(rows, epochs, lengths, strict=True):
      user = self._users[row]
      begin, end = offsets[user], offsets[user + 1]
      # All runs of a user are cut from one order.
      order = np.random.default_rng((self.seed, epoch, user)).permutation(
        end - begin
      )
      first = self._begins[row] - begin
      parts.append(begin + order[first : first + length])
    return np.concatenate(parts), lengths

  def context(self, places: np.ndarray, lengths: np.ndarray) -> Context:
    """The Context, ragged, of what `places` gives."""
    sequences = self.sequences
    return context_at(
      places,
      lengths,
      self._events if self.ordered else None,
      sequences.times if self.ordered else None,
      sequences.behaviours,
      items=sequences.items,
    )
