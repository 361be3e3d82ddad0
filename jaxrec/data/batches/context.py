"""Ragged lists, and what is known of the items of histories."""

from typing import NamedTuple

import numpy as np

from jaxrec.batch import NEVER, Context

DAY = 86400.0


class Ragged(NamedTuple):
  """Lists of numbers, one for each of B examples.

  Attributes:
    values: [V], end to end.
    lengths: int [B].
  """

  values: np.ndarray
  lengths: np.ndarray

  @classmethod
  def of(cls, rows: list[np.ndarray]) -> 'Ragged':
    """From one array per example."""
    values = np.concatenate(rows) if rows else np.zeros(0)
    return cls(values, np.array([len(row) for row in rows], int))

  def rows(self) -> list[np.ndarray]:
    """One array per example."""
    return np.split(self.values, np.cumsum(self.lengths)[:-1])

  def padded(self, width: int, dtype=np.int32):
    """[B, width] padded with 0, and the bool mask."""
    mask = np.arange(width)[None] < self.lengths[:, None]
    padded = np.zeros(mask.shape, dtype)
    padded[mask] = self.values
    return padded, mask


def context_at(
  places: np.ndarray,
  lengths: np.ndarray,
  events: np.ndarray | None = None,
  times: np.ndarray | None = None,
  behaviours: np.ndarray | None = None,
  *,
  items: np.ndarray | None = None,
  asked_at: np.ndarray | None = None,
) -> Context:
  """The Context of histories that lie in longer columns, ragged.

  Args:
    places: int64 [V], where the histories' items are, in turn.
    lengths: int [B], of the histories.
    events, times, behaviours: the columns, one entry per item; numbers that
      grow from event to event, unix seconds, indices. None: each item is an
      event, nothing happened at another time, or in another way.
    items: the column of item indices; None: none comes again.
    asked_at: int [B], when something is asked for, unix seconds; None: unknown.
  """
  begins = np.cumsum(lengths) - lengths
  some = lengths > 0
  first = np.repeat(begins[some], lengths[some])
  since = lambda x: x - x[first]
  numbers = np.arange(len(places)) if events is None else events[places]
  days = np.zeros(len(places))
  if times is not None:
    days = since(times[places]) / DAY
  kinds = np.zeros(len(places)) if behaviours is None else behaviours[places]
  events = since(numbers).astype(np.int32)
  again = np.full(len(places), NEVER, np.int32)
  if items is not None:
    owners = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((items[places], owners))  # Stable: oldest first.
    same = (np.diff(items[places][order]) == 0) & (np.diff(owners[order]) == 0)
    again[order[:-1][same]] = events[order[1:][same]]
  dates = np.zeros(len(places)) if times is None else times[places] // DAY
  today = np.zeros(len(lengths)) if asked_at is None else asked_at // DAY
  ragged = lambda values, dtype: Ragged(values.astype(dtype), lengths)
  return Context(
    events=ragged(events, np.int32),
    behaviours=ragged(kinds, np.int32),
    days=ragged(days, np.float32),
    again=ragged(again, np.int32),
    dates=ragged(dates, np.int32),
    today=today.astype(np.int32),
  )


def padded_context(context: Context, width: int) -> Context:
  """Ragged -> [B, width] padded with 0."""
  return context._replace(
    **{
      name: column.padded(width, column.values.dtype)[0]
      for name, column in context._asdict().items()
      if name != 'today' and column is not None
    }
  )
