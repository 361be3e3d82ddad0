"""MIND, the Microsoft News dataset (Wu et al., ACL 2020, msnews.github.io).

`config.data.dir` holds MINDsmall_train/ and MINDsmall_dev/ (or MINDlarge_*),
unzipped, each with the publisher's two files, tab-separated, no header:

  news.tsv       id, category, subcategory, title, abstract, url, entities (2)
  behaviors.tsv  impression id, user id, time, history, impressions

The published dev set is the split 'test'. MIND's times are local and name no
zone; they are read as if they were UTC.
"""

import codecs
import dataclasses
import datetime
import functools
import pathlib
import re
from collections.abc import Callable, Iterator

from jaxrec.data.datasets.builder import Builder, Item, Tally
from jaxrec.errors import UserError

_TIME = re.compile(
  r'(\d\d?/\d\d?/\d{4}) (\d\d?):(\d\d?):(\d\d?) ([AP])M',
  re.ASCII | re.IGNORECASE,
)
_LABELS = {'-0': 0, '-1': 1}
_MIN_LINES = 10  # Fewer lines than this say little about the format.
SHARD_BYTES = 64 << 20  # Of behaviors.tsv, read by one worker.
_BLOCK = 16 << 10  # Of a file, in memory while its lines are counted.


@dataclasses.dataclass(frozen=True)
class Shard:
  """Whole lines of a file: bytes begin..end, of which the first has a number.

  `end` None: all that is left.
  """

  path: pathlib.Path
  begin: int = 0
  end: int | None = None
  number: int = 1


class Mind(Builder):
  """Items and impressions of MIND; `SIZE` None takes the size that is there.

  Items are the training news, then the news only dev has, both in file order,
  then candidates that have no line in either news file, with empty texts, so
  that no impression loses a candidate. Impressions keep the file's order.

  A malformed line is set aside, named in `notes` and counted in `counts`
  under 'malformed: <reason>'. Counted as well, and kept: 'empty titles',
  'candidates without news'. Counted and dropped: 'blank lines', 'duplicate
  news ids' (within one file), 'dev news already in train', of these those
  with 'another title in dev', 'unknown history ids', 'repeated candidates'.
  In each of these the first occurrence stays.
  """

  ITEM_TEXTS = ('title', 'abstract', 'category', 'subcategory')
  HOMEPAGE = 'https://msnews.github.io'
  LICENSE = 'Microsoft Research License Terms: non-commercial research only'
  SIZE: str | None = None  # 'small', 'large', or None: small before large.
  _indexed: tuple[pathlib.Path, dict[str, int]] | None = None

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """Train news and behaviors, dev news and behaviors, in this order.

    Raises:
      UserError: where the directory or one of the files is missing.
    """
    directory = pathlib.Path(directory)
    sizes = [cls.SIZE] if cls.SIZE else ['small', 'large']
    missing = {}
    for size in sizes:
      paths = [
        directory / f'MIND{size}_{part}' / name
        for part in ('train', 'dev')
        for name in ('news.tsv', 'behaviors.tsv')
      ]
      missing[size] = [path for path in paths if not path.is_file()]
      if not missing[size]:
        return paths
    size = min(sizes, key=lambda size: len(missing[size]))
    raise UserError(_what_is_missing(directory, sizes, missing[size][0]))

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the catalog; see `Builder.items`.

    Raises:
      UserError: a file is missing, has no usable line, or is mostly malformed.
    """
    return self._catalog(pathlib.Path(directory), self.note)

  @classmethod
  def _behaviors(cls, directory: pathlib.Path, split: str) -> pathlib.Path:
    return cls.files(directory)[{'train': 1, 'test': 3}[split]]

  def impression_shards(
    self, directory: pathlib.Path, split: str
  ) -> list[Shard]:
    """Runs of lines of 'train' or 'test'; see `Builder.impression_shards`."""
    return line_shards(self._behaviors(directory, split), SHARD_BYTES)

  @staticmethod
  def read_shard(
    shard: Shard, shared: dict[str, int], note: Callable[..., None]
  ) -> Iterator[tuple[int, dict]]:
    """Yields impressions by the place of their line; see `Builder.read_shard`.

    Times are unix seconds, MIND's local time taken as UTC. Impressions whose
    labels are all 0 or all 1, or whose history is empty, are kept.
    """
    for _, place, row in _lines(shard, _parse_impression, note):
      impression_id, user_id, time, history, candidates, labels = row
      known = [shared[item_id] for item_id in history if item_id in shared]
      if len(known) < len(history):
        note('unknown history ids', times=len(history) - len(known))
      first = {}
      for item_id, label in zip(candidates, labels, strict=True):
        first.setdefault(shared[item_id], label)
      if len(first) < len(candidates):
        note('repeated candidates', times=len(candidates) - len(first))
      yield (
        place,
        {
          'impression_id': impression_id,
          'user_id': user_id,
          'time': time,
          'history': known,
          'candidates': list(first),
          'labels': list(first.values()),
        },
      )

  @classmethod
  def check(
    cls, directory: pathlib.Path, split: str, read: int, tally: Tally
  ) -> None:
    """UserError where behaviors.tsv has no usable line or is mostly bad."""
    _check(cls._behaviors(directory, split), read, tally)

  def shared(self, directory: pathlib.Path) -> dict[str, int]:
    """item_id -> index; kept for the next split: it reads all four files."""
    if self._indexed is None or self._indexed[0] != directory:
      items = self._catalog(directory, _silent)
      index = {item['item_id']: i for i, item in enumerate(items)}
      self._indexed = directory, index
    return self._indexed[1]

  def _catalog(
    self, directory: pathlib.Path, note: Callable[..., None]
  ) -> Iterator[Item]:
    """Yields every item in the order that both configs index them."""
    files = self.files(directory)
    titles: dict[str, str] = {}
    for news in files[0::2]:
      seen = set()
      for number, row in _rows(news, _parse_news, note):
        item_id, category, subcategory, title, abstract = row
        if item_id in seen:
          note(
            'duplicate news ids',
            f'{_place(news, number)}: {_short(item_id)} again',
          )
        elif item_id in titles:
          note('dev news already in train')
          if title != titles[item_id]:
            why = f'{_short(item_id)} has another title in train'
            note('another title in dev', f'{_place(news, number)}: {why}')
        else:
          titles[item_id] = title
          if not title.strip():
            note('empty titles')
          yield {
            'item_id': item_id,
            'title': title,
            'abstract': abstract,
            'category': category,
            'subcategory': subcategory,
          }
        seen.add(item_id)
    for behaviors in files[1::2]:
      # Only usable lines add items; the impressions config counts the others.
      for number, row in _rows(behaviors, _parse_impression, _silent):
        for item_id in row[4]:
          if item_id not in titles:
            titles[item_id] = ''
            why = f'candidate {_short(item_id)} has no news'
            note(
              'candidates without news', f'{_place(behaviors, number)}: {why}'
            )
            yield {'item_id': item_id, **dict.fromkeys(self.ITEM_TEXTS, '')}


class MindSmall(Mind):
  """MIND-small, also where MIND-large lies beside it."""

  SIZE = 'small'


class MindLarge(Mind):
  """MIND-large, also where MIND-small lies beside it."""

  SIZE = 'large'


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
  hour, minute, second = int(hour), int(minute), int(second)
  if not (1 <= hour <= 12 and minute < 60 and second < 60):
    raise ValueError('no such time of day')
  hour = hour % 12 + 12 * (half in 'Pp')
  return _midnight(date) + hour * 3600 + minute * 60 + second


@functools.lru_cache(1024)  # A set spans few days.
def _midnight(date: str) -> int:
  month, day, year = map(int, date.split('/'))
  epoch = datetime.date(1970, 1, 1)
  return (datetime.date(year, month, day) - epoch).days * 86400


# ------------------------------------------------------------------- lines
class _Malformed(ValueError):
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


def _lines(
  shard: Shard, parse: Callable[[str], tuple], note: Callable[..., None]
) -> Iterator[tuple[int, int, tuple]]:
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
      try:
        row = parse(line.rstrip(b'\r\n').decode())
      except UnicodeDecodeError as e:
        reason, why = 'not UTF-8', f'not UTF-8 from byte {e.start}'
      except _Malformed as e:
        reason, why = e.reason, str(e)
      else:
        yield number, begin, row
        continue
      where = f'{_place(shard.path, number)}: {why}'
      note(f'malformed: {reason}', where)


def _rows(
  path: pathlib.Path,
  parse: Callable[[str], tuple],
  note: Callable[..., None],
) -> Iterator[tuple[int, tuple]]:
  """Yields (line number from 1, parsed line) of the usable lines of a file."""
  usable, tally = 0, Tally()

  def both(*args, **kwargs):
    tally.note(*args, **kwargs)
    note(*args, **kwargs)

  for number, _, row in _lines(Shard(path), parse, both):
    usable += 1
    yield number, row
  _check(path, usable, tally)


def _check(path: pathlib.Path, usable: int, tally: Tally) -> None:
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


def _columns(line: str, expected: int) -> list[str]:
  columns = line.split('\t')  # Quotes are plain characters in MIND.
  if len(columns) != expected:
    raise _Malformed('columns', f'{len(columns)} columns, expected {expected}')
  return columns


def _parse_news(line: str) -> tuple[str, str, str, str, str]:
  """item_id, category, subcategory, title, abstract."""
  item_id, category, subcategory, title, abstract, *_ = _columns(line, 8)
  if item_id.split() != [item_id]:  # Behaviors separate ids by spaces.
    raise _Malformed('news id', f'news id {_short(item_id)} empty or spaced')
  return item_id, category, subcategory, title, abstract


def _parse_impression(
  line: str,
) -> tuple[str, str, int, list[str], list[str], list[int]]:
  """impression_id, user_id, time, history, candidates, labels."""
  impression_id, user_id, time, history, shown = _columns(line, 5)
  try:
    seconds = unix_seconds(time)
  except ValueError as e:
    raise _Malformed('time', f'time {_short(time)}: {e}') from None
  shown = shown.split()
  if not shown:
    raise _Malformed('no candidates', 'the impression has no candidates')
  bad = [word for word in shown if word[-2:] not in _LABELS or len(word) < 3]
  if bad:
    why = f'candidate {_short(bad[0])}, expected <news id>-0 or <news id>-1'
    raise _Malformed('candidate', why)
  candidates = [word[:-2] for word in shown]
  labels = [_LABELS[word[-2:]] for word in shown]
  return impression_id, user_id, seconds, history.split(), candidates, labels


def _silent(reason: str, where: str = '', times: int = 1) -> None:
  """A `note` for what another pass counts."""


def _place(path: pathlib.Path, number: int) -> str:
  return f'{path.parent.name}/{path.name}:{number}'


def _short(text: str) -> str:
  """Quoted and cut: a mangled field can be megabytes of anything."""
  return repr(text if len(text) <= 40 else text[:40] + '...')


def _what_is_missing(
  directory: pathlib.Path, sizes: list[str], path: pathlib.Path
) -> str:
  """What was found in place of MIND, what was expected and what would do."""
  each = [f'MIND{size}_train/ and MIND{size}_dev/' for size in sizes]
  wanted = f'{" or ".join(each)}, each with news.tsv and behaviors.tsv'
  to_do = f'point config.data.dir at the directory that holds {wanted}'
  if not directory.is_dir():
    what = 'is not a directory' if directory.exists() else 'does not exist'
    return f'{directory} {what}: {to_do}'
  here = directory.resolve()
  if path.parent.is_dir():
    found = f'{_found(path.parent)} in {path.parent.name}/'
    return f'{path} is missing: found {found}; {to_do}'
  if re.fullmatch(r'MIND(small|large)_(train|dev)', here.name):
    found = f'found {_found(directory)}'
    return (
      f'{directory} is one part of MIND ({found}): point config.data.dir at '
      f'its parent, {here.parent}, expected to hold {wanted}'
    )
  return (
    f'{directory} does not hold {path.parent.name}/: found '
    f'{_found(directory)}; unzip it there or {to_do}'
  )


def _found(directory: pathlib.Path, most: int = 5) -> str:
  """'a', 'b' and 3 more: a few of the entries of a directory."""
  names = sorted(path.name for path in directory.iterdir())
  if not names:
    return 'nothing'
  more = f' and {len(names) - most} more' if len(names) > most else ''
  return ', '.join(map(repr, names[:most])) + more
