"""What a training example is: a history, a click, and what was not clicked.

Each source numbers its examples and draws statelessly, from (seed, epoch,
example), so that any of them can be had at any time.
"""

import dataclasses

import numpy as np

from jaxrec.data.batching import Ragged
from jaxrec.data.columns import Impressions, ragged_rows, spans
from jaxrec.data.draws import draw
from jaxrec.data.sequences import Sequences, draw_others
from jaxrec.errors import UserError

Examples = tuple[Ragged, Ragged, Ragged]  # Histories, candidates, labels.


@dataclasses.dataclass(frozen=True)
class ImpressionExamples:
  """Each click of impressions, with non-clicks of the same impression.

  Nothing of it grows in memory with the set, where that lies on disk.

  Attributes:
    impressions: the training split.
    num_candidates: C, one click and C - 1 non-clicks; fewer where fewer were
      shown.
    history_length: H.
    seed: of the sampling.
  """

  impressions: Impressions
  num_candidates: int
  history_length: int
  seed: int

  def __post_init__(self):
    clicks, owners = self.impressions.trainable_clicks()
    if not len(clicks):
      raise UserError(
        'no training impression has both a click and a non-click: nothing to '
        'learn from'
      )
    object.__setattr__(self, '_clicks', clicks)  # Flat candidate positions.
    object.__setattr__(self, '_owner', owners)

  def __len__(self) -> int:
    return len(self._clicks)

  def told(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    ids = self.impressions.impression_ids
    return [f'impression {ids[i]}' for i in self._owner[rows]]

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    shown, owners = self.impressions, self._owner[rows]
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
    drawn = draw(self.seed, epochs, rows, sizes=sizes, counts=counts)
    drawn += np.repeat(offsets[:-1], counts)
    labels = _clicks_first(counts)
    places = np.empty(len(labels), np.int64)
    places[labels], places[~labels] = self._clicks[rows], others[drawn]
    candidates = Ragged(shown.candidates[places], counts + 1)
    return histories, candidates, candidates._replace(values=labels)


@dataclasses.dataclass(frozen=True)
class SequenceExamples:
  """Each item of sequences but a user's first event, with items drawn.

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

  def __post_init__(self):
    sequences = self.sequences
    events, users = sequences.events(), sequences.users
    _, firsts = np.unique(events, return_index=True)
    begins = firsts[events]  # Of each item's event.
    places = np.flatnonzero(begins > sequences.offsets[users])
    if not len(places):
      raise UserError(
        'no user of the training split did something after something else: '
        'nothing to learn from'
      )
    object.__setattr__(self, '_places', places)
    object.__setattr__(self, '_begins', begins[places])
    object.__setattr__(self, '_users', users[places])

  def __len__(self) -> int:
    return len(self._places)

  def told(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    return [f'user {self.sequences.user_ids[i]}' for i in self._users[rows]]

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    items, offsets = self.sequences.items, self.sequences.offsets
    users, ends = self._users[rows], self._begins[rows]
    lengths = np.minimum(ends - offsets[users], self.history_length)
    histories = Ragged(items[spans(ends - lengths, lengths)], lengths)
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
    labels = _clicks_first(counts)
    values = np.empty(len(labels), np.int32)
    values[labels] = items[self._places[rows]]
    values[~labels] = np.concatenate(drawn)
    candidates = Ragged(values, counts + 1)
    return histories, candidates, candidates._replace(values=labels)


def _clicks_first(others: np.ndarray) -> np.ndarray:
  """Labels, bool: of each example one click, then so many others."""
  labels = np.zeros(others.sum() + len(others), bool)
  labels[np.cumsum(others + 1) - (others + 1)] = True
  return labels


def make_examples(
  behaviours: Impressions | Sequences, *, num_items: int, **options
) -> ImpressionExamples | SequenceExamples:
  """The source for a training split; options as they take them."""
  if isinstance(behaviours, Sequences):
    return SequenceExamples(behaviours, num_items, **options)
  return ImpressionExamples(behaviours, **options)
