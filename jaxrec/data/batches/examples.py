"""What a training example is: a history, a click, and what was not clicked.

Each source numbers its examples and draws statelessly, from (seed, epoch,
example), so that any of them can be had at any time.
"""

import dataclasses

import numpy as np

from jaxrec.batch import Context
from jaxrec.data.batches.context import Ragged, context_at
from jaxrec.data.batches.draws import draw
from jaxrec.data.columns.columns import Impressions, ragged_rows, spans
from jaxrec.data.splits.sequences import Sequences, draw_others
from jaxrec.errors import UserError

# Histories, candidates, labels, and the context of the histories' items.
Examples = tuple[Ragged, Ragged, Ragged, Context]


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
    read = spans(ends - lengths, lengths)
    histories = Ragged(shown.history[read], lengths)
    context = context_at(
      read,
      lengths,
      *shown.history_columns(),
      items=shown.history,
      asked=shown.times[owners],
    )
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
    return histories, candidates, candidates._replace(values=labels), context


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
    object.__setattr__(self, '_events', events)

  def __len__(self) -> int:
    return len(self._places)

  def told(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    return [f'user {self.sequences.user_ids[i]}' for i in self._users[rows]]

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    items, offsets = self.sequences.items, self.sequences.offsets
    sequences = self.sequences
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
      asked=sequences.times[self._places[rows]],
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
    labels = _clicks_first(counts)
    values = np.empty(len(labels), np.int32)
    values[labels] = items[self._places[rows]]
    values[~labels] = np.concatenate(drawn)
    candidates = Ragged(values, counts + 1)
    labels = candidates._replace(values=labels)
    return histories, candidates, labels, context


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

  def told(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    return [f'user {self.sequences.user_ids[i]}' for i in self._users[rows]]

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    begins = self._begins[rows]
    lengths = self._ends[rows] - begins
    places = spans(begins, lengths)
    sequences, behaviours = self.sequences, self.sequences.behaviours
    if self.ordered:
      known = self._events, sequences.times, behaviours
    else:
      places, known = self._shuffled(rows, epochs, lengths), (None, None)
      known += (behaviours,)
    context = context_at(places, lengths, *known, items=sequences.items)
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
    return histories, candidates, labels, context

  def _shuffled(self, rows, epochs, lengths) -> np.ndarray:
    """Places of the runs' items, each user's whole sequence reordered."""
    offsets, found = self.sequences.offsets, []
    for row, epoch, length in zip(rows, epochs, lengths, strict=True):
      user = self._users[row]
      begin, end = offsets[user], offsets[user + 1]
      # All runs of a user are cut from one order.
      order = np.random.default_rng((self.seed, epoch, user)).permutation(
        end - begin
      )
      at = self._begins[row] - begin
      found.append(begin + order[at : at + length])
    return np.concatenate(found)


def log_rates(behaviours, num_items: int, batch) -> np.ndarray:
  """float32 [N], the log of how likely an item is to be in a batch.

  Args:
    behaviours: the training split.
    num_items: N.
    batch: has batch_size, history_length and num_candidates; items of the
      histories are taken to come up as they do in all, and candidates evenly.
  """
  items = (
    behaviours.items
    if isinstance(behaviours, Sequences)
    else behaviours.history
  )
  lists = (
    behaviours.offsets
    if isinstance(behaviours, Sequences)
    else (behaviours.history_offsets)
  )
  lengths = np.diff(lists)
  if isinstance(behaviours, Sequences):
    runs = np.maximum(-(-lengths // batch.history_length), 1).sum()
    slots = batch.batch_size * lengths.sum() / runs
  else:
    slots = batch.batch_size * np.minimum(lengths, batch.history_length).mean()
  counts = np.bincount(items, minlength=num_items)
  drawn = min(batch.num_candidates / num_items, 1 - 1e-9)
  missing = slots * np.log1p(-counts / max(counts.sum() + 1, 1))
  missing += batch.batch_size * np.log1p(-drawn)
  return np.log(-np.expm1(missing) + 1e-12).astype(np.float32)


def _clicks_first(others: np.ndarray) -> np.ndarray:
  """Labels, bool: of each example one click, then so many others."""
  labels = np.zeros(others.sum() + len(others), bool)
  labels[np.cumsum(others + 1) - (others + 1)] = True
  return labels


def make_examples(
  behaviours: Impressions | Sequences,
  *,
  num_items: int,
  next_item: bool = False,
  ordered: bool = True,
  **options,
) -> ImpressionExamples | SequenceExamples | WindowExamples:
  """The source for a training split; options as they take them."""
  if not isinstance(behaviours, Sequences):
    return ImpressionExamples(behaviours, **options)
  if next_item:
    return WindowExamples(behaviours, num_items, ordered=ordered, **options)
  return SequenceExamples(behaviours, num_items, **options)
