"""Who acted on what, and when, as columns.

Items of one user that share a time are one event: their order in a file says
nothing.
"""

import dataclasses

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import ends, event_numbers, ragged_rows
from jaxrec.data.columns.texts import Texts, distinct


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
  names, users = distinct(ids)
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


def pairs(users: np.ndarray, items: np.ndarray) -> np.ndarray:
  """int64, one integer for each pair."""
  return users * (int(items.max(initial=0)) + 1) + items
