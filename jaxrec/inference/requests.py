"""Histories as users pass them -> arrays that the user encoder reads."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxrec.batch import Context
from jaxrec.data.batches.context import Ragged, context_at, padded_context
from jaxrec.data.columns.ragged import event_numbers
from jaxrec.errors import UserError, choices
from jaxrec.inference.checks import check_choice, is_number, shortened
from jaxrec.inference.index import IndexedItems
from jaxrec.inference.item_texts import ItemTextReader

LATEST = 1e11  # Seconds: the year 5138, as in data; milliseconds are more.
UNKNOWN = ('error', 'skip')


class HistoryEntry(NamedTuple):
  """An item of a history, or a candidate.

  Attributes:
    row: of the index; below 0 for an item that is not in it.
    columns: its columns, where it is not.
    text: its text, likewise.
  """

  row: int
  columns: Mapping[str, str] | None = None
  text: str = ''


@dataclasses.dataclass(frozen=True)
class RequestedHistory:
  """One user's history.

  Attributes:
    entries: those that are read, oldest first.
    places: where these lie in the history as it was passed.
    seen: rows of all of its items, those that are too old to be read too.
    unknown: ids that were skipped.
    behaviours: int32, an index for each entry.
    seconds: float64, unix, likewise; None: unknown.
    now: when it is asked, unix seconds, at least 0.
  """

  entries: list[HistoryEntry]
  places: list[int]
  seen: list[int]
  unknown: list[str]
  behaviours: np.ndarray
  seconds: np.ndarray | None
  now: float

  def of(self, kept: Sequence[int]) -> 'RequestedHistory':
    """With the entries `kept` alone, as if there had never been others."""
    rows = np.array(kept, int)
    return dataclasses.replace(
      self,
      entries=[self.entries[i] for i in kept],
      places=[self.places[i] for i in kept],
      behaviours=self.behaviours[rows],
      seconds=None if self.seconds is None else self.seconds[rows],
    )


@dataclasses.dataclass(frozen=True)
class HistoryReader:
  """Makes RequestedHistories.

  Attributes:
    texts: makes items' texts.
    length: entries that are read, the latest.
    behaviours: names of what users do; () where the data do not say.
    usual: the behaviour of an entry that names none, an index.
  """

  texts: ItemTextReader
  length: int
  behaviours: tuple[str, ...] = ()
  usual: int = 0

  def read(
    self,
    index: IndexedItems,
    history: Sequence,
    *,
    behaviours: Sequence[str] | None = None,
    times: Sequence[float] | None = None,
    now: float | None = None,
    unknown: str = 'error',
  ) -> RequestedHistory:
    """One user's.

    Args:
      index: the items.
      history: ids, or items as dicts, oldest first.
      behaviours, times: one for each entry; unix seconds.
      now: when it is asked, unix seconds; what was done later is not read.
        None: by the clock, and all is read.
      unknown: one of UNKNOWN.

    Raises:
      UserError: an entry or an argument that does not do, and its place.
    """
    check_choice('unknown', unknown, UNKNOWN)
    history, behaviours, times = map(_listed, (history, behaviours, times))
    if isinstance(history, str | Mapping) or not isinstance(history, Sequence):
      raise UserError(
        f'history is {shortened(history)}: want a list of item ids or items'
      )
    count = len(history)
    columns: dict[str, Any] = {'behaviours': behaviours, 'times': times}
    for name, column in columns.items():
      if column is not None and (
        isinstance(column, str)
        or not isinstance(column, Sequence)
        or len(column) != count
      ):
        raise UserError(f'{name}: want a list, one for each of {count} entries')
    seconds = None if times is None else _seconds(times)
    end = count
    if now is not None:
      if seconds is None:
        raise UserError('now: what is later is known by times: give these too')
      end = int(np.searchsorted(seconds, _second(now, 'now'), 'right'))
    numbers = self._behaviour_numbers(behaviours, count)
    entries: list[HistoryEntry] = []
    places: list[int] = []
    seen: list[int] = []
    skipped: list[str] = []
    # From the last: texts that are too old are not encoded.
    for place in range(end - 1, -1, -1):
      value = history[place]
      row = index.rows.get(value) if isinstance(value, str) else None
      if row is not None:  # Nearly always.
        entry = HistoryEntry(row)
      elif unknown == 'skip' and (
        (item_id := self._unknown_id(index, value)) is not None
      ):
        skipped.append(item_id)
        continue
      else:
        entry = self.candidate(index, value, f'history[{place}]')
      if entry.row >= 0:
        seen.append(entry.row)
      if len(entries) < self.length:
        entries.append(entry)
        places.append(place)
    entries.reverse()
    places.reverse()
    return RequestedHistory(
      entries=entries,
      places=places,
      seen=seen,
      unknown=skipped[::-1],
      behaviours=numbers[places],
      seconds=None if seconds is None else seconds[places],
      now=max(time.time() if now is None else now, 0.0),
    )

  def candidate(
    self, index: IndexedItems, value: Any, where: str
  ) -> HistoryEntry:
    """The HistoryEntry of an id or of columns; `where` names it in errors."""
    if isinstance(value, str):
      return HistoryEntry(self._row(index, value, where))
    if not isinstance(value, Mapping):
      raise UserError(
        f"{where} is {shortened(value)}: want an id or {{'text': ..}}"
      )
    value = self.texts.named(value, where)
    if set(value) == {'item_id'}:
      return self.candidate(index, value['item_id'], where)
    return HistoryEntry(-1, value, self.texts.readable(value, where))

  def _unknown_id(self, index: IndexedItems, value: Any) -> str | None:
    """The id that an entry is, or is made of, if no item is called so."""
    if isinstance(value, Mapping) and len(value) == 1:
      value = self.texts.named(value, '').get('item_id')
    if isinstance(value, str) and value not in index.rows:
      return value
    return None

  def _row(self, index: IndexedItems, item_id: str, where: str) -> int:
    try:
      return index.row(item_id)
    except UserError as e:
      raise UserError(f'{where}: {e}') from None

  def _behaviour_numbers(
    self, behaviours: Sequence[str] | None, count: int
  ) -> np.ndarray:
    """int32 [count], their indices."""
    if behaviours is None:
      return np.full(count, self.usual, np.int32)
    if not self.behaviours:
      raise UserError(
        'behaviours: the data of this bundle have one kind: leave them out'
      )
    numbers = {name: i for i, name in enumerate(self.behaviours)}
    for i, name in enumerate(behaviours):
      if not isinstance(name, str) or name not in numbers:
        raise UserError(f'behaviours[{i}]: {choices(name, self.behaviours)}')
    return np.array([numbers[name] for name in behaviours], np.int32)


def _listed(value: Any) -> Any:
  """A list of an array of one axis; whatever else as it is."""
  is_row = isinstance(value, np.ndarray) and value.ndim == 1
  return value.tolist() if is_row else value


def _second(value: Any, where: str) -> float:
  if not is_number(value) or not abs(value) < LATEST:
    raise UserError(f'{where} is {shortened(value)}: want unix seconds')
  return float(value)


def _seconds(times: Sequence[float]) -> np.ndarray:
  """float64 [H]; UserError unless they never fall."""
  seconds = np.array([_second(x, f'times[{i}]') for i, x in enumerate(times)])
  fell = np.flatnonzero(np.diff(seconds) < 0)
  if len(fell):
    raise UserError(
      f'times[{fell[0] + 1}] is before times[{fell[0]}]: give the oldest first'
    )
  return seconds


def user_inputs(
  histories: Sequence[RequestedHistory],
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
    'slots', and of 'mask' and the columns of `batch.Context` those in `inputs`.
  """
  count, width = shape
  lengths, now = np.zeros(count, np.int64), np.zeros(count)
  lengths[: len(histories)] = [len(rows) for rows in slots]
  now[: len(histories)] = [history.now for history in histories]
  context = padded_context(_context(histories, lengths, now), width)
  values = np.array([row for rows in slots for row in rows], np.int64)
  padded, mask = Ragged(values, lengths).padded(width)
  columns = {'mask': mask, **context._asdict()}
  return {'slots': padded} | {
    name: columns[name].astype(dtype)
    for name, (_, dtype) in inputs.items()
    if name in columns
  }


def _context(
  histories: Sequence[RequestedHistory],
  lengths: np.ndarray,
  now: np.ndarray,
) -> Context:
  """The Context of histories, ragged, as a training step's is made.

  Args:
    histories: at most B.
    lengths: int [B].
    now: float [B], when it is asked, unix seconds.
  """
  # Where times are unknown each entry is an event, and all are of one time.
  times, moments = [np.zeros(0)], [np.zeros(0)]
  behaviours = [np.zeros(0, np.int32)]
  items: list[int] = []
  new_items: dict[str, int] = {}
  for history in histories:
    count, seconds = len(history.entries), history.seconds
    times.append(np.zeros(count) if seconds is None else seconds)
    moments.append(np.arange(float(count)) if seconds is None else seconds)
    behaviours.append(history.behaviours)
    items += [
      # Below 0 for those in no index: by their text they are the same.
      entry.row
      if entry.row >= 0
      else -1 - new_items.setdefault(entry.text, len(new_items))
      for entry in history.entries
    ]
  return context_at(
    np.arange(len(items)),
    lengths,
    event_numbers(
      np.concatenate([[0], np.cumsum(lengths)]), np.concatenate(moments)
    ),
    np.concatenate(times),
    np.concatenate(behaviours),
    items=np.array(items, np.int64),
    asked_at=now,
  )
