"""The lines of MIND's two files, read one by one; see `mind`."""

import codecs
import dataclasses
import datetime
import functools
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from jaxrec.data.readers.tally import Note, Tally
from jaxrec.errors import UserError

_TIME = re.compile(
  r'(\d\d?/\d\d?/\d{4}) (\d\d?):(\d\d?):(\d\d?) ([AP])M',
  re.ASCII | re.IGNORECASE,
)
_LABELS = {'-0': 0, '-1': 1}
# What columns are called where a header was added.
_NAMES = {
  *(b'newsid', b'category', b'subcategory', b'title', b'abstract', b'url'),
  *(b'titleentities', b'abstractentities', b'impressionid', b'userid'),
  *(b'time', b'history', b'impressions'),
}
_MIN_LINES = 10  # Fewer lines than this say little about the format.
_BLOCK = 16 << 10  # Of a file, in memory while its lines are counted.

T = TypeVar('T')


class News(NamedTuple):
  """A line of news.tsv."""

  item_id: str
  category: str
  subcategory: str
  title: str
  abstract: str


class Impression(NamedTuple):
  """A line of behaviors.tsv.

  Attributes:
    time: unix seconds, MIND's local time taken as UTC.
    history, candidates: ids of news.
    labels: 1 for clicked, one per candidate.
  """

  impression_id: str
  user_id: str
  time: int
  history: list[str]
  candidates: list[str]
  labels: list[int]


@dataclasses.dataclass(frozen=True)
class Shard:
  """Whole lines of a file: bytes begin..end, of which the first has a number.

  `end` None: all that is left.
  """

  path: pathlib.Path
  begin: int = 0
  end: int | None = None
  number: int = 1


class Malformed(ValueError):
  """A line to set aside: the reason it is counted under, and the detail."""

  def __init__(self, reason: str, detail: str):
    super().__init__(detail)
    self.reason = reason


def line_shards(path: pathlib.Path, size: int) -> list[Shard]:
  """A file cut at starts of lines, every `size` bytes or a line later."""
  shards, begin, number, lines = [], 0, 1, 0
  with open(path, 'rb') as f:
    while block := f.read(min(_BLOCK, begin + size - f.tell())):
      lines += block.count(b'\n')
      if f.tell() >= begin + size:
        # To the end of the line that the block ends in.
        lines += f.readline().count(b'\n')
        shards.append(Shard(path, begin, f.tell(), number))
        begin, number, lines = f.tell(), number + lines, 0
    if f.tell() > begin:
      shards.append(Shard(path, begin, f.tell(), number))
  return shards


def lines(
  shard: Shard, parse: Callable[[str], T], note: Note
) -> Iterator[tuple[int, int, T]]:
  """Yields (line number from 1, its byte, parsed line) of the usable lines."""
  place = shard.begin
  with open(shard.path, 'rb') as f:
    f.seek(place)
    for number, line in enumerate(f, shard.number):
      if shard.end is not None and place >= shard.end:
        return
      begin, place = place, place + len(line)
      if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
      if not line.strip():
        note('blank lines')
        continue
      if number == 1 and _is_header(line):
        note('header lines')
        continue
      try:
        row = parse(line.rstrip(b'\r\n').decode())
      except UnicodeDecodeError as e:
        reason, detail = 'not UTF-8', f'not UTF-8 from byte {e.start}'
      except Malformed as e:
        reason, detail = e.reason, str(e)
      else:
        yield number, begin, row
        continue
      where = place_of(shard.path, number)
      note(f'malformed: {reason}', f'{where}: {detail}')


def rows(
  path: pathlib.Path,
  parse: Callable[[str], T],
  note: Note,
) -> Iterator[tuple[int, T]]:
  """Yields (line number from 1, parsed line) of the usable lines of a file."""
  usable, tally = 0, Tally()

  def both(reason: str, where: str = '', times: int = 1) -> None:
    tally.note(reason, where, times)
    note(reason, where, times)

  for number, _, row in lines(Shard(path), parse, both):
    usable += 1
    yield number, row
  check_format(path, usable, tally)


def check_format(path: pathlib.Path, usable: int, tally: Tally) -> None:
  """Raises UserError where a file, read whole, is empty or mostly malformed."""
  bad = sum(
    n for reason, n in tally.counts.items() if reason.startswith('malformed: ')
  )
  first = tally.notes[:3]
  if not usable + bad:
    raise UserError(f'{path} is empty: fetch it again from the publisher')
  if not usable or (usable + bad >= _MIN_LINES and bad > usable):
    raise UserError(
      f'{path} does not look like MIND: {bad} of {usable + bad} lines are '
      f'malformed; first: {"; ".join(first)}: fetch it again or point '
      "config.data.dir at the publisher's files"
    )


def _is_header(line: bytes) -> bool:
  """Whether a first line names columns, which the publisher's files do not."""
  words = re.sub(rb'[^a-z\t]', b'', line.lower()).split(b'\t')
  return len(_NAMES.intersection(words)) > 2


def parse_news(line: str) -> News:
  """A line of news.tsv."""
  item_id, category, subcategory, title, abstract, *_ = _columns(line, 8)
  if item_id.split() != [item_id]:  # Behaviors separate ids by spaces.
    raise Malformed('news id', f'news id {short(item_id)} empty or spaced')
  return News(item_id, category, subcategory, title, abstract)


def parse_impression(line: str) -> Impression:
  """A line of behaviors.tsv."""
  impression_id, user_id, time, history, impressions = _columns(line, 5)
  try:
    seconds = unix_seconds(time)
  except ValueError as e:
    raise Malformed('time', f'time {short(time)}: {e}') from None
  candidates, labels = parse_pairs(impressions.split())
  return Impression(
    impression_id,
    user_id,
    time=seconds,
    history=history.split(),
    candidates=candidates,
    labels=labels,
  )


def parse_pairs(words: list[str]) -> tuple[list[str], list[int]]:
  """The ids and the labels of ['N1-1', 'N2-0'].

  Raises:
    Malformed: there are none, or one has no label.
  """
  if not words:
    raise Malformed('no candidates', 'the impression has no candidates')
  bad = [word for word in words if word[-2:] not in _LABELS or len(word) < 3]
  if bad:
    raise Malformed(
      'candidate', f'candidate {short(bad[0])}, expected <id>-0 or <id>-1'
    )
  return [word[:-2] for word in words], [_LABELS[word[-2:]] for word in words]


def unix_seconds(text: str) -> int:
  """'11/9/2019 12:01:13 AM' -> seconds since 1970, taking the time as UTC.

  As `strptime` with '%m/%d/%Y %I:%M:%S %p' in ASCII, but several times faster.

  Raises:
    ValueError: the text is no such time.
  """
  match = _TIME.fullmatch(text)
  if match is None:
    raise ValueError('expected month/day/year hour:minute:second AM|PM')
  date, hour, minute, second, half = match.groups()
  hours, minutes, seconds = int(hour), int(minute), int(second)
  if not (1 <= hours <= 12 and minutes < 60 and seconds < 60):
    raise ValueError('no such time of day')
  hours = hours % 12 + 12 * (half in 'Pp')
  return _midnight(date) + hours * 3600 + minutes * 60 + seconds


@functools.lru_cache(1024)  # A set spans few days.
def _midnight(date: str) -> int:
  month, day, year = map(int, date.split('/'))
  epoch = datetime.date(1970, 1, 1)
  return (datetime.date(year, month, day) - epoch).days * 86400


def place_of(path: pathlib.Path, number: int) -> str:
  """'MINDsmall_dev/news.tsv:17'."""
  return f'{path.parent.name}/{path.name}:{number}'


def short(text: str) -> str:
  """Quoted and cut: a mangled field can be megabytes of anything."""
  return repr(text if len(text) <= 40 else text[:40] + '...')


def _columns(line: str, expected: int) -> list[str]:
  columns = line.split('\t')  # Quotes are plain characters in MIND.
  if len(columns) != expected:
    raise Malformed('columns', f'{len(columns)} columns, expected {expected}')
  return columns
