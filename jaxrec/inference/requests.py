"""Histories as users give them -> arrays that the user encoder reads."""

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxrec.batch import NEVER
from jaxrec.errors import UserError, choices
from jaxrec.inference.index import Index
from jaxrec.inference.texts import Template, known, shown

DAY = 86400.0  # Seconds.
LATEST = 1e11  # Seconds: the year 5138, as in data; milliseconds are more.
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
    behaviours: int32, an index for each entry.
    seconds: float64, unix, likewise; None: unknown.
    today: the date of asking, in days since 1970.
  """

  entries: list[Entry]
  places: list[int]
  seen: list[int]
  unknown: list[str]
  behaviours: np.ndarray
  seconds: np.ndarray | None
  today: int

  def of(self, kept: Sequence[int]) -> 'History':
    """With the entries `kept` alone, as if there had never been others."""
    kept = np.array(kept, int)
    return dataclasses.replace(
      self,
      entries=[self.entries[i] for i in kept],
      places=[self.places[i] for i in kept],
      behaviours=self.behaviours[kept],
      seconds=None if self.seconds is None else self.seconds[kept],
    )

  def context(self, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Arrays [H] of those of `types.Context`'s columns that are wanted."""
    count, seconds = len(self.entries), self.seconds
    events = np.arange(count, dtype=np.int32)
    days, dates = np.zeros((2, count))
    if seconds is not None and count:
      # Items of one time are one event.
      events = np.cumsum(np.diff(seconds, prepend=seconds[0]) != 0)
      days, dates = (seconds - seconds[0]) / DAY, seconds // DAY
    found = {'events': events, 'days': days, 'dates': dates}
    found['behaviours'] = self.behaviours
    if 'again' in names:
      found['again'] = self._again(events)
    return {name: x for name, x in found.items() if name in names}

  def _again(self, events: np.ndarray) -> np.ndarray:
    """The event in which each entry's item comes next; NEVER."""
    found, following = np.full(len(events), NEVER), {}
    for i in range(len(events) - 1, -1, -1):
      entry = self.entries[i]
      key = entry.row if entry.row >= 0 else entry.text
      found[i] = following.get(key, NEVER)
      following[key] = events[i]
    return found


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
      now: when it is asked, unix seconds; what was done later is not read.
        None: by the clock, and all is read.
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
    asked = time.time() if now is None else now
    return History(
      entries=entries,
      places=places,
      seen=seen,
      unknown=skipped[::-1],
      behaviours=ways[places],
      seconds=None if seconds is None else seconds[places],
      today=int(min(max(asked // DAY, 0), NEVER)),
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
    return Entry(-1, given, self.template.readable(given, where))

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


def _second(given, where: str) -> float:
  is_number = isinstance(given, int | float) and not isinstance(given, bool)
  if not is_number or not abs(given) < LATEST:
    raise UserError(f'{where} is {shown(given)}: want unix seconds')
  return float(given)


def _seconds(times) -> np.ndarray:
  found = np.array([_second(x, f'times[{i}]') for i, x in enumerate(times)])
  fell = np.flatnonzero(np.diff(found) < 0)
  if len(fell):
    raise UserError(
      f'times[{fell[0] + 1}] is before times[{fell[0]}]: give the oldest first'
    )
  return found


def arrays(
  histories: Sequence[History],
  slots: Sequence[Sequence[int]],
  shape: tuple[int, int],
  inputs: Mapping[str, tuple[tuple, str]],
) -> dict[str, np.ndarray]:
  """Histories as the user encoder takes them.

  Args:
    histories: at most B.
    slots: of each, rows of its entries' vectors.
    shape: [B, H], to which they are padded with 0.
    inputs: shapes and dtypes by name, see `functions.Function`.

  Returns:
    'slots', and of 'mask' and the columns of `types.Context` those in `inputs`.
  """
  found = {
    name: np.zeros(shape[: len(dims)], dtype)
    for name, (dims, dtype) in inputs.items()
    if name != 'vectors'
  }
  found['slots'] = np.zeros(shape, np.int32)
  for row, (history, mine) in enumerate(zip(histories, slots, strict=True)):
    here = row, slice(len(mine))
    columns = {'slots': mine, 'mask': True} | history.context(found)
    for name in columns.keys() & found.keys():
      found[name][here] = columns[name]
    if 'today' in found:
      found['today'][row] = history.today
  return found
