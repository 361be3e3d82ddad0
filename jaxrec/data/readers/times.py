"""Times as files have them -> unix seconds.

`unix_seconds` reads one text. A `Clock` reads those of a file whose owner has
not said what they are: numbers in seconds, milliseconds, microseconds or
nanoseconds, dates written as numbers (20191101, 20191101123000), or dates as
text, the year first.
"""

import datetime
import email.utils
import math
import re
import statistics
from collections.abc import Sequence

from jaxrec.data.readers.tally import Note
from jaxrec.errors import UserError

MAX_SECONDS = 1e11  # In the year 5138.
WANTED = "unix seconds or ISO 8601, say '2019-11-30T18:05:00'"
_1990, _2100 = 631_152_000, 4_102_444_800

# How many of a unit are a second, and the size from which a number is of the
# next one.
UNITS = {
  'seconds': (1, MAX_SECONDS),
  'milliseconds': (10**3, 1e14),
  'microseconds': (10**6, 1e17),
  'nanoseconds': (10**9, math.inf),
}
# Digits of dates written as numbers, from the year down.
_DIGITS = {8: 'days', 10: 'hours', 12: 'minutes', 14: 'seconds'}
_ZONE = r'\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d|)'
_YEAR_FIRST = re.compile(
  r'(?P<year>\d{4})[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?)'
  r'(?:(?:T|\s+)(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)'
  rf'(?:[.,](?P<part>\d{{1,9}}))?)?{_ZONE})?',
  re.IGNORECASE,
)
_DAY_OR_MONTH_FIRST = re.compile(r'(\d\d?)([-/.])(\d\d?)\2(\d{4})\b(.*)')
_MONTH_BY_NAME = re.compile(r'(\w{3}, )?\d\d? [A-Z][a-z]{2} \d{4}\b')

AS_DATES = 'files whose times are dates written as numbers'
OTHER_UNIT = 'times of another unit than most of their file, read as such'
EARLY = 'files whose times are before 1990'
LATE = 'files whose times are after 2100'
WITHIN = 'times within one second of one user, whose order is not kept'


def as_unit(name: str) -> str:
  """The reason under which files with times of a unit are counted."""
  return f'files whose times are {name}'


def unix_seconds(text: str, per_second: int = 1) -> int | None:
  """A number (of which `per_second` are a second) or a date, else None.

  Dates have their year first, as ISO 8601 has them; without a zone they are
  UTC. None as well for times before 1970 and after the year 5138, where
  milliseconds begin to be taken for seconds.
  """
  try:
    seconds = float(text) / per_second
  except ValueError:
    date = _date(text)
    if date is None:
      return None
    seconds = date
  return int(seconds) if 0 <= seconds <= MAX_SECONDS else None


class Clock:
  """Reads the times of one file, by what its first ones look like.

  Numbers are of the unit that their median has by its size. One of another
  size is read by its own where that makes a time between 1990 and 2100, and
  counted. If nine of ten of the first numbers read as dates (20191101), all
  of the file's do.

  Args:
    name: of the file, for notes.
    rows: ('file:line', text) of its first times.
    note: called as `Tally.note`.

  Raises:
    UserError: there are times, and none can be read.
  """

  def __init__(self, name: str, rows: Sequence[tuple[str, str]], note: Note):
    self._note = note
    texts = [text.strip() for _, text in rows]
    numbers = [n for n in map(number, texts) if math.isfinite(n)]
    self.unit, self.dates, lowest = 'seconds', _are_dates(texts, numbers), 0.0
    if self.dates:
      note(AS_DATES, f'{name}: times such as {numbers[0]:.0f} are dates')
    elif numbers:
      self.unit = _unit_of(statistics.median(numbers))
      if self.unit != 'seconds':
        note(
          as_unit(self.unit),
          f'{name}: by their size the times are {self.unit} since 1970',
        )
      middle = statistics.median(numbers) / UNITS[self.unit][0]
      lowest = _1990 if middle >= _1990 else 0.0
      if len(numbers) * 2 > len(texts):
        self._remark(name, middle)
    self._per_second, self._below = UNITS[self.unit]
    self._above = lowest * self._per_second
    self._check(name, rows)

  def _remark(self, name: str, middle: float) -> None:
    """Notes numbers of which half make times that nobody would expect."""
    reason = EARLY if middle < _1990 else LATE if middle > _2100 else ''
    if reason and 0 <= middle <= MAX_SECONDS:
      self._note(
        reason,
        f'{name}: half of the times are {reason.split()[-2]} '
        f'{_iso(middle)[:10]}, read as unix {self.unit}: if they are something '
        'else, write them as ISO 8601',
      )

  def _check(self, name: str, rows: Sequence[tuple[str, str]]) -> None:
    given = [(where, text) for where, text in rows if text.strip()]
    if given and all(self._read(text)[0] is None for _, text in given):
      where, text = given[0]
      raise UserError(
        f'{name}: none of its first {len(given):,} times can be read; wanted: '
        f'{WANTED}; {where} has {text[:50]!r}{_rewritten(text)}'
      )

  def seconds(self, text: str, where: str) -> float | None:
    """Unix seconds with their fraction; None: it is no time.

    Args:
      text: of the file.
      where: 'file:line', for notes.
    """
    seconds, is_other = self._read(text)
    if seconds is None or not 0 <= seconds <= MAX_SECONDS:
      return None
    if is_other:
      self._note(OTHER_UNIT, f'{where}: {text[:50]!r} is {_iso(seconds)}')
    return seconds

  def _read(self, text: str) -> tuple[float | None, bool]:
    """Unix seconds, and whether they are of another unit than most."""
    try:
      value = float(text)
    except ValueError:
      return _date(text), False
    if not self.dates and self._above < value <= self._below:  # Nearly always.
      return value / self._per_second, False
    date = _digits(text)
    if self.dates and date is not None:
      return date, False
    if math.isfinite(value) and value > 0:
      unit = _unit_of(value)
      own = value / UNITS[unit][0]
      if (self.dates or unit != self.unit) and _1990 <= own <= _2100:
        return own, True
    if self.dates or (date is not None and self._above):
      return date, date is not None
    return value / self._per_second, False


def number(text: str) -> float:
  """A number; NaN where the text is none."""
  try:
    return float(text)
  except ValueError:
    return math.nan


def _unit_of(value: float) -> str:
  return next(unit for unit, (_, below) in UNITS.items() if value <= below)


def _are_dates(texts: Sequence[str], numbers: Sequence[float]) -> bool:
  """Whether numbers are dates, from the year down to as little as a second."""
  read = [text for text in texts if _digits(text) is not None]
  # Seconds of 2032 and later look like hours: all must, and be some.
  hours = sum(len(text.partition('.')[0]) == 10 for text in read)
  if hours and (hours < len(numbers) or hours < 3):
    return False
  return bool(read) and len(read) >= 0.9 * len(numbers)


def _digits(text: str) -> float | None:
  """'20191101', '201911011230.0' -> unix seconds; None: it is no date."""
  digits, _, fraction = text.strip().partition('.')
  if len(digits) not in _DIGITS or fraction.strip('0'):
    return None
  if not (digits.isascii() and digits.isdigit()):
    return None
  parts = [int(digits[:4])]
  parts += [int(digits[i : i + 2]) for i in range(4, len(digits), 2)]
  if not 1970 <= parts[0] < 2100:
    return None
  try:
    return datetime.datetime(*parts, tzinfo=datetime.UTC).timestamp()  # type: ignore[arg-type, misc]
  except ValueError:
    return None


def _date(text: str) -> float | None:
  """A date as text, the year first or the month by its name; None: none."""
  text = text.strip()
  if not text[:1].isascii() or len(text) > 60:
    return None
  try:
    when = datetime.datetime.fromisoformat(text)
  except ValueError:
    if match := _YEAR_FIRST.fullmatch(text):
      return _of_parts(**match.groupdict(default=''))
    if not _MONTH_BY_NAME.match(text):
      return None
    try:
      when = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
      return None
  return _timestamp(when)


def _of_parts(
  year: str,
  month: str,
  day: str,
  hour: str,
  minute: str,
  second: str,
  part: str,
  zone: str,
) -> float | None:
  """Unix seconds of the groups of _YEAR_FIRST."""
  zone = zone.upper().replace(':', '')
  offset = datetime.timedelta()
  if zone[:1] in ('+', '-'):
    offset = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    offset = -offset if zone[0] == '-' else offset
  numbers = [int(x or 0) for x in (year, month, day, hour, minute, second)]
  numbers.append(int(part[:6].ljust(6, '0')) if part else 0)
  try:
    zoned = datetime.timezone(offset)
    return _timestamp(datetime.datetime(*numbers, tzinfo=zoned))  # type: ignore[arg-type, misc]
  except ValueError:
    return None


def _timestamp(when: datetime.datetime) -> float | None:
  try:
    return when.replace(tzinfo=when.tzinfo or datetime.UTC).timestamp()
  except (ValueError, OverflowError):
    return None


def _iso(seconds: float) -> str:
  """'2019-11-30T18:05:00'."""
  moment = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
  return moment.replace(tzinfo=None).isoformat()


def _rewritten(text: str) -> str:
  """How a date should be written whose day or month comes first; ''."""
  match = _DAY_OR_MONTH_FIRST.match(text.strip())
  if not match:
    return ''
  first, sign, second, year, rest = match.groups()
  ways = []
  for day, month, name in (
    (first, second, 'the day'),
    (second, first, 'the month'),
  ):
    if 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
      if name == 'the month' and sign == '.':
        continue  # Dots have the day first.
      written = f'{year}-{int(month):02}-{int(day):02}{rest.rstrip()}'
      ways.append(f'{written[:40]!r} if {name} is first')
  return f': write {" or ".join(ways)}' if ways else ''
