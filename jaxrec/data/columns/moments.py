"""The first and the last moment of a log, whatever single lines say.

A line from the year 2099, or a time of 0 where none was known, must not be what
"lately" is counted from. So the newest time is the latest one that stands near
the others: at most one in STRAYS may lie beyond it, apart from it by more than
the newer half of the log takes, and by more than a month.
"""

import datetime

import numpy as np

FEWEST = 20  # Times of which some can be told to be astray.
STRAYS = 100  # Of so many times, one may be astray.
MONTH = 30 * 86400  # Seconds.


def newest(times: np.ndarray) -> int:
  """The latest time that stands near the others; of few, simply the latest.

  Args:
    times: int64 [T], T > 0, in any order; unix seconds.
  """
  count = len(times)
  if count < FEWEST:
    return int(times.max())
  most = max(count // STRAYS, 1)
  middle, edge = count // 2, count - 1 - most
  times = np.partition(times, (middle, edge))
  apart = max(int(times[edge]) - int(times[middle]), MONTH)
  last = np.sort(times[edge:])
  gaps = np.flatnonzero(np.diff(last) > apart)
  return int(last[gaps[0]] if len(gaps) else last[-1])


def oldest(times: np.ndarray) -> int:
  """The earliest time that stands near the others; see `newest`."""
  return -newest(-np.asarray(times))


def remark(times: np.ndarray) -> str:
  """What to say of times that stand apart from all others; '' of none.

  Args:
    times: int64 [T], unix seconds; below 0 where they are unknown.
  """
  times = np.asarray(times)
  times = times[times >= 0]
  if not len(times):
    return ''
  first, last = oldest(times), newest(times)
  parts = []
  for astray, side, edge, furthest in (
    (times < first, 'before', first, times.min()),
    (times > last, 'after', last, times.max()),
  ):
    if count := int(astray.sum()):
      parts.append(
        f'{count:,} {"is" if count == 1 else "are"} dated {side} '
        f'{_day(edge)}, far from all others (e.g. {_day(furthest)})'
      )
  if not parts:
    return ''
  return (
    f'of {len(times):,} actions {" and ".join(parts)}: popularity, half-lives, '
    f'trend and fading count from {_day(last)}; mend or remove them if they '
    'are wrong'
  )


def _day(seconds: int) -> str:
  moment = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
  return moment.date().isoformat()
