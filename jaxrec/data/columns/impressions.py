"""What was shown to whom, and clicked: a split's impressions as columns."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxrec.data.columns.files import ColumnWriter, read_columns, with_texts
from jaxrec.data.columns.ragged import (
  CHUNK,
  chunks_of,
  event_numbers,
  ragged_rows,
)
from jaxrec.data.columns.texts import Texts


@dataclasses.dataclass(frozen=True)
class Impressions:
  """One split's impressions; ragged columns are flat values with offsets.

  Attributes:
    impression_ids, user_ids: E strings.
    times: int64 [E], unix seconds.
    history, history_offsets: int32 item indices, oldest first; int64 [E + 1].
    candidates, candidate_offsets: likewise.
    labels: uint8, one per candidate, 1 for clicked.
    probabilities: float32, one per candidate: the true click probability
      where the world is known (the demo), else None.
    history_times: int64, one per item of a history, where they are known.
    history_behaviours: uint8, likewise: indices into `Dataset.behaviours`.
    directory: where exactly these columns lie; None: in memory alone.
  """

  impression_ids: Texts | np.ndarray
  user_ids: Texts | np.ndarray
  times: np.ndarray
  history: np.ndarray
  history_offsets: np.ndarray
  candidates: np.ndarray
  candidate_offsets: np.ndarray
  labels: np.ndarray
  probabilities: np.ndarray | None = None
  history_times: np.ndarray | None = None
  history_behaviours: np.ndarray | None = None
  directory: pathlib.Path | None = None

  def __len__(self) -> int:
    return len(self.times)

  def history_of(self, i: int, length: int) -> np.ndarray:
    """The last `length` items of example i's history, oldest first."""
    end = self.history_offsets[i + 1]
    return self.history[max(self.history_offsets[i], end - length) : end]

  def history_events(self) -> np.ndarray:
    """int64, one per item of a history, growing along all of them.

    Items of one time are one event; where times are unknown each item is one.
    """
    if self.history_times is None:
      return np.arange(len(self.history))
    return event_numbers(self.history_offsets, self.history_times)

  def history_columns(
    self,
  ) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Events, times and behaviours, see `batches.context.context_at`."""
    times = self.history_times
    events = None if times is None else self.history_events()
    return events, times, self.history_behaviours

  def shown(self, i: int) -> slice:
    """Where example i's candidates and labels lie."""
    return slice(self.candidate_offsets[i], self.candidate_offsets[i + 1])

  def take(self, rows: np.ndarray) -> 'Impressions':
    """The examples `rows`, in that order, in memory."""
    columns: dict[str, Any] = {}
    for name, values in (
      ('history', ('history', 'history_times', 'history_behaviours')),
      ('candidate', ('candidates', 'labels', 'probabilities')),
    ):
      offsets = getattr(self, f'{name}_offsets')
      flat, columns[f'{name}_offsets'] = ragged_rows(offsets, rows)
      for value in values:
        column = getattr(self, value)
        columns[value] = None if column is None else column[flat]
    for name in ('impression_ids', 'user_ids', 'times'):
      columns[name] = getattr(self, name)[rows]
    return Impressions(**columns)

  def trainable_clicks(self) -> tuple[np.ndarray, np.ndarray]:
    """The clicks of impressions that have a non-click as well, in order.

    Found once and kept beside the columns, where there is such a place;
    memory-mapped then.

    Returns:
      int64 [K] each: places among the candidates, and their examples.
    """
    if self.directory is None:
      chunks = list(self._trainable_clicks())
      join = lambda name: np.concatenate([chunk[name] for chunk in chunks])
      return join('clicks'), join('owners')
    # Not a column: one folder deeper than the fingerprint looks.
    index = self.directory / 'index'
    if not index.is_dir():
      with ColumnWriter(index) as writer:
        for chunk in self._trainable_clicks():
          writer.append(chunk)
    columns = read_columns(index)
    return columns['clicks'], columns['owners']

  def _trainable_clicks(self) -> Iterator[dict[str, np.ndarray]]:
    offsets = self.candidate_offsets
    for begin, end in chunks_of(offsets):
      labels = self.labels[offsets[begin] : offsets[end]]
      clicked = np.asarray(labels, bool)
      counts = np.diff(offsets[begin : end + 1])
      owner = np.repeat(np.arange(end - begin), counts)
      others = np.bincount(owner, ~clicked, minlength=end - begin)
      at = np.flatnonzero(clicked & (others[owner] > 0))
      yield {'clicks': at + offsets[begin], 'owners': owner[at] + begin}


def append_impressions(writer: ColumnWriter, impressions: Impressions) -> None:
  """Writes more impressions into the columns of `writer`."""
  for name in ('impression_ids', 'user_ids'):
    writer.append_texts(name, getattr(impressions, name))
  for name in ('history_offsets', 'candidate_offsets'):
    writer.append_offsets(name, np.diff(getattr(impressions, name)))
  for name in (
    *('times', 'history', 'history_times', 'history_behaviours'),
    *('candidates', 'labels', 'probabilities'),
  ):
    values = getattr(impressions, name)
    if values is not None:
      writer.append({name: values})


def read_impressions(directory: pathlib.Path) -> Impressions:
  """Impressions that a ColumnWriter wrote, memory-mapped."""
  return Impressions(**with_texts(read_columns(directory)), directory=directory)


def write_taken(
  impressions: Impressions, rows: np.ndarray, directory: pathlib.Path
) -> None:
  """Writes what `impressions.take(rows)` holds, chunk by chunk."""
  with ColumnWriter(directory) as writer:
    for begin in range(0, len(rows), CHUNK):
      append_impressions(writer, impressions.take(rows[begin : begin + CHUNK]))
