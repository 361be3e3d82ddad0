"""What users acted on next, against drawn items."""

import dataclasses

import numpy as np

from jaxrec.data.batches.context import Ragged, context_at
from jaxrec.data.batches.draws import draw_others
from jaxrec.data.batches.examples.base import Examples, target_first
from jaxrec.data.columns.ragged import spans
from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError


@dataclasses.dataclass(frozen=True)
class NextItemExamples:
  """Each item of sequences but a user's first event, against drawn ones.

  The history is what came before the item's event; those drawn are uniform over
  the catalog without what the user ever acted on.

  Attributes:
    sequences: the training split.
    num_items: N.
    num_candidates: C, the item and C - 1 drawn.
    history_length: H.
    seed: of the sampling.
  """

  sequences: Sequences
  num_items: int
  num_candidates: int
  history_length: int
  seed: int
  # Of each example: the target's place, where its event begins, its user.
  _places: np.ndarray = dataclasses.field(init=False, repr=False)
  _begins: np.ndarray = dataclasses.field(init=False, repr=False)
  _users: np.ndarray = dataclasses.field(init=False, repr=False)
  # The event of each item of the sequences.
  _events: np.ndarray = dataclasses.field(init=False, repr=False)

  def __post_init__(self):
    sequences = self.sequences
    events, users = sequences.events(), sequences.users
    _, firsts = np.unique(events, return_index=True)
    begins = firsts[events]  # Of each item's event.
    places = np.flatnonzero(begins > sequences.offsets[users])
    if not len(places):
      raise UserError(
        'no user of the training split did something after something else: '
        'nothing to learn from; with data.protocol=leave_one_out, which holds '
        'two events of each user out, some must have four: give time_split, or '
        'more actions'
      )
    for name, values in (
      ('_places', places),
      ('_begins', begins[places]),
      ('_users', users[places]),
      ('_events', events),
    ):
      object.__setattr__(self, name, values)

  def __len__(self) -> int:
    return len(self._places)

  def describe(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    return [f'user {self.sequences.user_ids[i]}' for i in self._users[rows]]

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    sequences = self.sequences
    items, offsets = sequences.items, sequences.offsets
    users, ends = self._users[rows], self._begins[rows]
    lengths = np.minimum(ends - offsets[users], self.history_length)
    places = spans(ends - lengths, lengths)
    histories = Ragged(items[places], lengths)
    context = context_at(
      places,
      lengths,
      self._events,
      sequences.times,
      sequences.behaviours,
      items=items,
      asked_at=sequences.times[self._places[rows]],
    )
    drawn = [
      draw_others(
        np.random.default_rng((self.seed, epoch, row)),
        self.num_items,
        items[offsets[user] : offsets[user + 1]],
        self.num_candidates - 1,
      )
      for user, epoch, row in zip(users, epochs, rows, strict=True)
    ]
    counts = np.array([len(others) for others in drawn])
    labels = target_first(counts)
    values = np.empty(len(labels), np.int32)
    values[labels] = items[self._places[rows]]
    values[~labels] = np.concatenate(drawn)
    candidates = Ragged(values, counts + 1)
    return Examples(
      histories, candidates, candidates._replace(values=labels), context
    )
