"""Runs of sequences, every item of which is to be predicted."""

import dataclasses

import numpy as np

from jaxrec.data.batches.context import Ragged, context_at
from jaxrec.data.batches.draws import draw
from jaxrec.data.batches.examples.base import Examples
from jaxrec.data.columns.ragged import spans
from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError


@dataclasses.dataclass(frozen=True)
class WindowExamples:
  """Runs of sequences, every item of which is to be predicted.

  Their candidates, none of them labelled 1, are drawn from the whole catalog:
  they are in the batch's table beside the runs' own items, so that what nobody
  acts on is seen as well.

  Attributes:
    sequences: the training split. Each is cut into runs of H items from its
      end.
    num_items: N.
    num_candidates: C, how many are drawn for each run.
    history_length: H.
    seed: of the draws.
    ordered: False: a sequence is a set, and put into another order each epoch.
  """

  sequences: Sequences
  num_items: int
  num_candidates: int
  history_length: int
  seed: int
  ordered: bool = True
  # Of each run: its user, and where it begins and ends.
  _users: np.ndarray = dataclasses.field(init=False, repr=False)
  _begins: np.ndarray = dataclasses.field(init=False, repr=False)
  _ends: np.ndarray = dataclasses.field(init=False, repr=False)
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
        'nothing to learn from'
      )
    for name, values in (
      ('_events', events),
      ('_users', users[several]),
      ('_begins', begins[several]),
      ('_ends', ends[several]),
    ):
      object.__setattr__(self, name, values)

  def __len__(self) -> int:
    return len(self._users)

  def describe(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    return [f'user {self.sequences.user_ids[i]}' for i in self._users[rows]]

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    begins = self._begins[rows]
    lengths = self._ends[rows] - begins
    places = spans(begins, lengths)
    sequences = self.sequences
    if not self.ordered:
      places = self._shuffled(rows, epochs, lengths)
    context = context_at(
      places,
      lengths,
      self._events if self.ordered else None,
      sequences.times if self.ordered else None,
      sequences.behaviours,
      items=sequences.items,
    )
    count = min(self.num_candidates, self.num_items)
    counts = np.full(len(rows), count)
    drawn = draw(
      self.seed,
      epochs,
      rows,
      sizes=np.full(len(rows), self.num_items),
      counts=counts,
    )
    candidates = Ragged(drawn.astype(np.int32), counts)
    labels = candidates._replace(values=np.zeros(len(drawn), bool))
    histories = Ragged(sequences.items[places], lengths)
    return Examples(histories, candidates, labels, context)

  def _shuffled(
    self, rows: np.ndarray, epochs: np.ndarray, lengths: np.ndarray
  ) -> np.ndarray:
    """Places of the runs' items, each user's whole sequence reordered."""
    offsets, places = self.sequences.offsets, []
    for row, epoch, length in zip(rows, epochs, lengths, strict=True):
      user = self._users[row]
      begin, end = offsets[user], offsets[user + 1]
      # All runs of a user are cut from one order.
      order = np.random.default_rng((self.seed, epoch, user)).permutation(
        end - begin
      )
      first = self._begins[row] - begin
      places.append(begin + order[first : first + length])
    return np.concatenate(places)
