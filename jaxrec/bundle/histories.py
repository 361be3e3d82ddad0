"""Histories as users give them -> arrays that the user encoder reads."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxrec.bundle.index import Index
from jaxrec.bundle.texts import Template, known, shown
from jaxrec.errors import UserError, choices

DAY = 86400.0  # Seconds.
UNKNOWN = ('error', 'skip')


class Entry(NamedTuple):
  """An item of a history, or a candidate.

  Attributes:
    row: of the index; below 0 for an item that is not in it.
    item: its columns, where it is not.
    text: its text, likewise.
  """

  row: int
  item: Mapping[str, str] | None = None
  text: str = ''


@dataclasses.dataclass(frozen=True)
class History:
  """One user's history.

  Attributes:
    entries: those that are read, oldest first.
    places: where these lie in the history as it was given.
    seen: rows of all of its items, those that are too old to be read too.
    unknown: ids that were skipped.
    events: int32, growing, the event of each entry.
    behaviours: int32, an index for each.
    days: float32, for each, since the first.
  """

  entries: list[Entry]
  places: list[int]
  seen: list[int]
  unknown: list[str]
  events: np.ndarray
  behaviours: np.ndarray
  days: np.ndarray

  def without(self, place: int) -> 'History':
    """Without its entry number `place`, as if it had never been there."""
    left = np.delete(np.arange(len(self.entries)), place)
    days = self.days[left]
    _, events = np.unique(self.events[left], return_inverse=True)
    return dataclasses.replace(
      self,
      entries=[self.entries[i] for i in left],
      places=[self.places[i] for i in left],
      events=events.astype(np.int32),
      behaviours=self.behaviours[left],
      days=days - days[:1],
    )

  def emptied(self) -> 'History':
    """Without any entry."""
    return dataclasses.replace(
      self,
      entries=[],
      places=[],
      events=self.events[:0],
      behaviours=self.behaviours[:0],
      days=self.days[:0],
    )


@dataclasses.dataclass(frozen=True)
class Reader:
  """Makes Histories.

  Attributes:
    template: of items' texts.
    length: entries that are read, the latest.
    behaviours: names of what users do; () where the data do not tell.
    usual: the behaviour of an entry that tells none.
  """

  template: Template
  length: int
  behaviours: tuple[str, ...] = ()
  usual: int = 0

  def read(
    self,
    index: Index,
    history: Sequence,
    *,
    behaviours: Sequence[str] | None = None,
    times: Sequence[float] | None = None,
    now: float | None = None,
    unknown: str = 'error',
  ) -> History:
    """One user's.

    Args:
      index: the items.
      history: ids, or items as dicts, oldest first.
      behaviours, times: one for each entry; unix seconds.
      now: what was done later is not read.
      unknown: one of UNKNOWN.

    Raises:
      UserError: what of it cannot be, and its place.
    """
    known('unknown', unknown, UNKNOWN)
    if isinstance(history, str | Mapping) or not isinstance(history, Sequence):
      raise UserError(
        f'history is {shown(history)}: want a list of item ids or items'
      )
    many = len(history)
    for name, given in (('behaviours', behaviours), ('times', times)):
      if given is not None and (
        isinstance(given, str)
        or not isinstance(given, Sequence)
        or len(given) != many
      ):
        raise UserError(f'{name}: want a list, one for each of {many} entries')
    seconds = None if times is None else _seconds(times)
    end = many
    if now is not None:
      if seconds is None:
        raise UserError('now: what is later is known by times: give these too')
      end = int(np.searchsorted(seconds, _second(now, 'now'), 'right'))
    ways = self._ways(behaviours, many)
    entries, places, seen, skipped = [], [], [], []
    # From the last: texts that are too old are not encoded.
    for place in range(end - 1, -1, -1):
      given = history[place]
      row = index.rows.get(given) if isinstance(given, str) else None
      if row is not None:  # Nearly always.
        entry = Entry(row)
      else:
        entry = self.entry(index, given, f'history[{place}]', unknown)
      if entry is None:
        skipped.append(given if isinstance(given, str) else given['item_id'])
        continue
      if entry.row >= 0:
        seen.append(entry.row)
      if len(entries) < self.length:
        entries.append(entry)
        places.append(place)
    entries.reverse()
    places.reverse()
    when = None if seconds is None else seconds[places]
    return History(
      entries=entries,
      places=places,
      seen=seen,
      unknown=skipped[::-1],
      events=_events(len(places), when),
      behaviours=ways[places],
      days=np.zeros(len(places), np.float32)
      if when is None
      else ((when - when[:1]) / DAY).astype(np.float32),
    )

  def entry(
    self, index: Index, given, where: str, unknown: str = 'error'
  ) -> Entry | None:
    """One entry or candidate; None for an unknown id that is skipped."""
    if isinstance(given, str):
      if given in index.rows or unknown == 'error':
        return Entry(self._row(index, given, where))
      return None
    if not isinstance(given, Mapping):
      raise UserError(
        f"{where} is {shown(given)}: want an id or {{'text': ..}}"
      )
    if set(given) == {'item_id'}:
      return self.entry(index, given['item_id'], where, unknown)
    return Entry(-1, given, self.template.text_of(given, where))

  def _row(self, index: Index, item_id: str, where: str) -> int:
    try:
      return index.row(item_id)
    except UserError as e:
      raise UserError(f'{where}: {e}') from None

  def _ways(self, behaviours, many: int) -> np.ndarray:
    if behaviours is None:
      return np.full(many, self.usual, np.int32)
    if not self.behaviours:
      raise UserError(
        'behaviours: the data of this bundle have one kind: leave them out'
      )
    numbers = {name: i for i, name in enumerate(self.behaviours)}
    for i, name in enumerate(behaviours):
      if not isinstance(name, str) or name not in numbers:
        raise UserError(f'behaviours[{i}]: {choices(name, self.behaviours)}')
    return np.array([numbers[name] for name in behaviours], np.int32)


def _second(time, where: str) -> float:
  is_number = isinstance(time, int | float) and not isinstance(time, bool)
  if not is_number or not math.isfinite(time):
    raise UserError(f'{where} is {shown(time)}: want unix seconds')
  return float(time)


def _seconds(times) -> np.ndarray:
  found = np.array(
    [_second(time, f'times[{i}]') for i, time in enumerate(times)]
  )
  fell = np.flatnonzero(np.diff(found) < 0)
  if len(fell):
    raise UserError(
      f'times[{fell[0] + 1}] is before times[{fell[0]}]: give the oldest first'
    )
  return found


def _events(count: int, seconds: np.ndarray | None) -> np.ndarray:
  """Numbers of events: items of one time are one."""
  if seconds is None or not count:
    return np.arange(count, dtype=np.int32)
  return np.cumsum(np.diff(seconds, prepend=seconds[0]) != 0).astype(np.int32)


def arrays(
  histories: Sequence[History],
  slots: Sequence[Sequence[int]],
  shape: tuple[int, int],
) -> dict[str, np.ndarray]:
  """Histories padded to `shape` [B, H]; `slots` are rows of their vectors."""
  found = {
    'slots': np.zeros(shape, np.int32),
    'mask': np.zeros(shape, bool),
    'events': np.zeros(shape, np.int32),
    'behaviours': np.zeros(shape, np.int32),
    'days': np.zeros(shape, np.float32),
  }
  for row, (history, mine) in enumerate(zip(histories, slots, strict=True)):
    here = row, slice(len(mine))
    found['slots'][here] = mine
    found['mask'][here] = True
    for name in ('events', 'behaviours', 'days'):
      found[name][here] = getattr(history, name)
  return found
