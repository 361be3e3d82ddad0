"""Ragged columns: lists of values end to end, cut by offsets.

List i of a column lies at offsets[i]..offsets[i + 1]; N lists have N + 1
offsets.
"""

from collections.abc import Iterator

import numpy as np

CHUNK = 1 << 16  # Examples, items or candidates held in memory at a time.


def ragged_rows(
  offsets: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Where the lists `rows` of a ragged column lie, and their own offsets.

  Args:
    offsets: int64 [N + 1]; list i is offsets[i]..offsets[i + 1].
    rows: int [M].

  Returns:
    int64 [V], places of all their values in turn; int64 [M + 1].
  """
  lengths = offsets[rows + 1] - offsets[rows]
  ends = np.cumsum(lengths, dtype=np.int64)
  return spans(offsets[rows], lengths), np.concatenate([[0], ends])


def spans(begin: np.ndarray, lengths: np.ndarray) -> np.ndarray:
  """The places of runs that begin at `begin`, in turn, int64 [V]."""
  ends = np.cumsum(lengths, dtype=np.int64)
  return np.arange(lengths.sum()) + np.repeat(begin - (ends - lengths), lengths)


def ends(lengths: np.ndarray) -> np.ndarray:
  """int64, one more than lengths: 0, and where each part ends."""
  return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def event_numbers(offsets: np.ndarray, times: np.ndarray) -> np.ndarray:
  """int64, one per value: grows by one with each new list and each new time."""
  starts = np.ones(len(times), np.int64)
  starts[1:] = times[1:] != times[:-1]
  begins = offsets[:-1]
  starts[begins[begins < len(times)]] = 1
  return np.cumsum(starts) - 1


def chunks_of(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
  """Runs begin..end of a ragged column's lists, of about CHUNK values each.

  At most CHUNK lists; a longer list makes a run of its own.
  """
  begin, count = 0, len(offsets) - 1
  while begin < count:
    ahead = offsets[begin : begin + CHUNK + 1]
    end = int(np.searchsorted(ahead, ahead[0] + CHUNK, 'right')) - 1
    yield begin, begin + max(end, 1)
    begin += max(end, 1)
