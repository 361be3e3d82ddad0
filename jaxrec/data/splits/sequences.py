"""Who acted on what, and when.

Items of one user that share a time are one event: their order in a file says
nothing.
"""

import dataclasses
import pathlib

import numpy as np

from jaxrec.data.columns.columns import (
  ColumnWriter,
  Impressions,
  Texts,
  event_numbers,
  ragged_rows,
  read_columns,
  records,
  with_texts,
)
from jaxrec.errors import UserError


@dataclasses.dataclass(frozen=True)
class Sequences:
  """One list of items a user, oldest first; flat values with offsets.

  Attributes:
    user_ids: U strings.
    offsets: int64 [U + 1].
    items: int32 item indices.
    times: int64, unix seconds, never falling within a user; below 0 where only
      the order is known.
    behaviours: uint8, indices into `Dataset.behaviours`; None: unknown.
  """

  user_ids: Texts | np.ndarray
  offsets: np.ndarray
  items: np.ndarray
  times: np.ndarray
  behaviours: np.ndarray | None = None

  def __len__(self) -> int:
    return len(self.offsets) - 1

  @property
  def users(self) -> np.ndarray:
    """int64, the user of each item."""
    return np.repeat(np.arange(len(self)), np.diff(self.offsets))

  def events(self) -> np.ndarray:
    """int64, the event of each item: numbers that grow along all users."""
    return event_numbers(self.offsets, self.times)

  def where(self, mask: np.ndarray) -> 'Sequences':
    """The items where `mask` is True; every user stays, if with an empty list.

    Args:
      mask: bool, one per item.
    """
    kept = np.bincount(self.users[mask], minlength=len(self))
    return dataclasses.replace(
      self,
      offsets=ends(kept),
      items=self.items[mask],
      times=self.times[mask],
      behaviours=None if self.behaviours is None else self.behaviours[mask],
    )


def filtered(
  sequences: Sequences, *, k_core: int, min_history: int
) -> tuple[Sequences, dict[str, int]]:
  """Without those who, and that which, too little is known of.

  Users with fewer than `k_core` or `min_history` interactions go, and so do
  items with fewer than `k_core`, again and again until none is left to go. The
  catalog keeps such items and their indices.

  Args:
    sequences: of all users.
    k_core, min_history: 0: off.

  Returns:
    What is left, and counts of what is not.

  Raises:
    UserError: nothing is left, or a number below 0.
  """
  for name, value in (('k_core', k_core), ('min_history', min_history)):
    if value < 0:
      raise UserError(f'data.{name}={value}: must be 0 or more')
  if not k_core and not min_history:
    return sequences, {}
  users, kept = sequences.users, np.ones(len(sequences.items), bool)
  before = -1
  while before != kept.sum():
    before = kept.sum()
    for column, least in (
      (users, max(k_core, min_history)),
      (sequences.items, k_core),
    ):
      kept &= (
        np.bincount(column[kept], minlength=column.max() + 1)[column] >= least
      )
  if not kept.any():
    raise UserError(
      f'data.k_core={k_core}, data.min_history={min_history} leave nobody: '
      'give less'
    )
  left = sequences.where(kept)
  lengths = np.diff(left.offsets)
  rows = np.flatnonzero(lengths)
  items = len(np.unique(sequences.items)) - len(np.unique(left.items))
  return (
    dataclasses.replace(
      left, user_ids=left.user_ids[rows], offsets=ends(lengths[rows])
    ),
    {
      'users dropped': len(sequences) - len(rows),
      'items dropped': items,
      'interactions dropped': int((~kept).sum()),
    },
  )


def sequence_columns(builder, directory: pathlib.Path) -> Sequences:
  """A SequenceBuilder's records; cached in `directory`, memory-mapped."""
  if not directory.is_dir():
    with ColumnWriter(directory) as writer:
      for chunk in records(builder, 'users'):
        writer.append_texts('user_ids', Texts.of(chunk['user_id'].tolist()))
        items, lengths = chunk['items']
        writer.append({'items': items, 'times': chunk['times'][0]})
        behaviours = chunk['behaviours'][0].astype(np.uint8)
        writer.append({'behaviours': behaviours})
        writer.append_offsets('offsets', lengths)
  return Sequences(**with_texts(read_columns(directory)))


def sequences_of(*splits: Impressions) -> Sequences:
  """What the users of impressions did: their histories, then their clicks.

  Of a user's histories the longest counts, which holds the others. Its times
  are unknown, and it comes before the clicks, of which those that are in it
  are left out.
  """
  together = lambda name: np.concatenate([getattr(s, name) for s in splits])
  offsets_of = lambda name: ends(
    np.concatenate([np.diff(getattr(s, name)) for s in splits])
  )
  history, begins = together('history'), offsets_of('history_offsets')
  shown = np.diff(offsets_of('candidate_offsets'))
  clicked = together('labels') > 0
  clicks = np.repeat(np.arange(len(shown)), shown)[clicked]  # Their examples.
  ids = [s.user_ids[i] for s in splits for i in range(len(s))]
  names, users = np.unique(np.asarray(ids, dtype=str), return_inverse=True)
  longest = np.zeros(len(names), np.int64)
  order = np.argsort(np.diff(begins), kind='stable')
  longest[users[order]] = order  # The last assignment holds.
  flat, offsets = ragged_rows(begins, longest)
  lengths = np.diff(offsets)
  ages = np.repeat(offsets[1:], lengths) - np.arange(len(flat))
  user = np.concatenate(
    [np.repeat(np.arange(len(names)), lengths), users[clicks]]
  )
  items = np.concatenate([history[flat], together('candidates')[clicked]])
  times = np.concatenate([-ages, together('times')[clicks]])
  order = np.lexsort((times, user))
  user, items, times = user[order], items[order], times[order]
  # A click that is in the history already would be there twice.
  _, pair = np.unique(pairs(user, items), return_inverse=True)
  in_history = np.zeros(len(pair), bool)
  in_history[pair[times < 0]] = True
  kept = (times < 0) | ~in_history[pair]
  return Sequences(
    user_ids=names,
    offsets=ends(np.bincount(user[kept], minlength=len(names))),
    items=items[kept].astype(np.int32),
    times=times[kept],
  )


def draw_others(rng, num_items: int, taken: np.ndarray, count: int):
  """int64 [<= count]: distinct items, uniform over those that are not taken."""
  taken = np.unique(taken)
  free = num_items - len(taken)
  drawn = rng.choice(free, min(count, free), replace=False)
  # The n-th item that is not taken.
  return drawn + np.searchsorted(taken - np.arange(len(taken)), drawn, 'right')


def pairs(users: np.ndarray, items: np.ndarray) -> np.ndarray:
  """int64, one integer for each pair."""
  return users * (int(items.max(initial=0)) + 1) + items


def ends(lengths: np.ndarray) -> np.ndarray:
  """int64, one more than lengths: 0, and where each part ends."""
  return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
