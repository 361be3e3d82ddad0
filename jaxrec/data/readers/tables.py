"""Tables of texts: .tsv, .csv, .jsonl or .ndjson, also as .gz, and .parquet.

Every value comes as a string, '' where there is none:

- text is UTF-8; other bytes are read as U+FFFD and their lines counted. A line
  has at most `MAX_BYTES`, and so has a value of a Parquet file.
- TSV knows no quotes. In CSV a quoted field may go over `MAX_LINES` lines; a
  quote that is not closed by then costs its own line, not those after it.
- JSON lines have the columns of the first `PEEK` objects.
- whole floats lose their '.0', NaN and null are '', what is nested is JSON.
- Parquet's times and dates come as unix seconds, UTC where they name no zone.

What cannot be read is noted as `Tally.note` does, 'malformed: <reason>', and
the rows after it are read; every row is counted under `ROWS`. A file that is
damaged as a whole (gzip, Parquet) is a UserError.
"""

import contextlib
import csv
import datetime
import difflib
import gzip
import itertools
import json
import pathlib
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from jaxrec.errors import UserError

MAX_BYTES = 1 << 20
MAX_LINES = 100
PEEK = 100
MAX_SECONDS = 1e11  # In the year 5138.
SUFFIXES = ('.tsv', '.csv', '.jsonl', '.ndjson', '.parquet')
ROWS = 'rows'
REPLACED = 'rows with bytes that are not UTF-8, read as U+FFFD'
Note = Callable[..., None]


def columns_of(path: pathlib.Path) -> list[str]:
  """The names of a table's columns.

  Raises:
    UserError: the file is missing, damaged, of another format, or empty.
  """
  kind = _kind(path)
  with _reading(path):
    if kind == '.parquet':
      found = pq.ParquetFile(path).schema_arrow.names
    else:
      with _open(path) as file:
        if kind in ('.tsv', '.csv'):
          _, found = _header(file, kind)
        else:
          found = list(_json_columns(file))
  if not any(found):
    raise UserError(
      f'{path}: has no column; expected .tsv or .csv with a '
      'header, JSON lines or Parquet'
    )
  return found


def pick(
  path: pathlib.Path,
  wanted: Mapping[str, str],
  optional: Collection[str] = (),
  option: str = 'data.columns',
) -> dict[str, str]:
  """Of the columns asked for, those that are there.

  Args:
    path: of the table.
    wanted: the file's name of each column, by ours.
    optional: our names of those that may be absent.
    option: the config's key of these names; '': they are fixed.

  Raises:
    UserError: a column is missing, or is there twice.
  """
  found = columns_of(path)
  for ours, theirs in wanted.items():
    if found.count(theirs) > 1:
      raise UserError(f'{path}: {found.count(theirs)} columns {theirs!r}')
    if theirs not in found and ours not in optional:
      plain = {_plain_name(name): name for name in found}
      near = [
        plain[name]
        for name in difflib.get_close_matches(_plain_name(theirs), plain)
      ]
      hint = f': did you mean {" or ".join(map(repr, near))}?' if near else ''
      maps = f'; --config.{option}.{ours}=NAME maps one' if option else ''
      raise UserError(
        f'{path}: no column {theirs!r}{hint} (found: '
        f'{", ".join(found)[:200]!r}, expected: '
        f'{", ".join(t for o, t in wanted.items() if o not in optional)}{maps})'
      )
  return {ours: name for ours, name in wanted.items() if name in found}


def rows(
  path: pathlib.Path, columns: Mapping[str, str], note: Note
) -> Iterator[tuple[str, dict[str, str]]]:
  """Yields ('file:line', {our name: value}) of each row that can be read.

  Args:
    path: of the table; of Parquet the row's number stands for the line's.
    columns: the file's name of each column, by ours; see `pick`.
    note: called as `Tally.note`.
  """
  kind = _kind(path)
  reader = {'.parquet': _parquet, '.tsv': _delimited, '.csv': _delimited}
  read = 0
  with _reading(path):
    for line, values, replaced, wrong in reader.get(kind, _json)(path, columns):
      read += 1
      where = f'{path.name}:{line}'
      if values is not None:
        values, more, wrong = _texts(values)
        if replaced or more:
          note(REPLACED, f'{where}: bytes that are not UTF-8')
      if wrong:
        reason, _, more = wrong.partition(': ')
        note(f'malformed: {reason}', f'{where}: {more or reason}')
      else:
        yield where, dict(zip(columns, values, strict=True))
  note(ROWS, times=read)


def first_of_each(
  rows: Iterator[tuple[str, dict[str, str]]], name: str, note: Note
) -> Iterator[tuple[str, dict[str, str]]]:
  """Yields the rows that are the first of an item.

  Args:
    rows: as `rows` yields them.
    name: of the column of ids. Rows without one, and further rows of one, are
      left out and noted.
    note: called as `Tally.note`.
  """
  seen = set()
  for where, row in rows:
    key = row[name]
    if not key.strip():
      note(f'malformed: no {name}', f'{where}: no {name}')
    elif key in seen:
      note('repeated items', f'{where}: item {key[:50]!r} again')
    else:
      seen.add(key)
      yield where, row


def damaged(path: pathlib.Path, error: Exception) -> UserError:
  """What a file is that cannot be read as what it should be."""
  told = ' '.join(str(error).split())[:200]
  return UserError(
    f'{path}: missing, truncated or damaged ({type(error).__name__}: {told})'
  )


def identifier(name: str) -> str:
  """A column's name as `str.format` and file systems take it."""
  name = re.sub(r'\W', '_', name.strip())
  return f'_{name}' if name[:1].isdigit() else name


# ------------------------------------------------------------------- whatever
def _plain_name(name: str) -> str:
  """'userId', 'User ID' and 'user_id' are near each other."""
  return re.sub(r'[\W_]', '', name).lower()


def _kind(path: pathlib.Path) -> str:
  suffixes = [s.lower() for s in path.suffixes[-2:]]
  zipped = suffixes[-1:] == ['.gz']
  kind = (suffixes[:-1] if zipped else suffixes)[-1:]
  if not kind or kind[0] not in SUFFIXES or (zipped and kind == ['.parquet']):
    raise UserError(
      f'{path}: of which format? give {", ".join(SUFFIXES)}, or one of text '
      'with .gz'
    )
  return kind[0]


# What reading a damaged file raises; of Parquet not only Arrow's own errors.
_DAMAGE = {
  '.gz': (OSError, EOFError, zlib.error),
  '.parquet': (
    *(OSError, pa.ArrowException, ValueError, TypeError, KeyError),
    *(IndexError, OverflowError, MemoryError),
  ),
}


@contextlib.contextmanager
def _reading(path: pathlib.Path):
  """Makes what a damaged file raises a UserError."""
  try:
    yield
  except _DAMAGE.get(path.suffix.lower(), OSError) as e:
    raise damaged(path, e) from e


def _open(path: pathlib.Path):
  zipped = path.suffix.lower() == '.gz'
  return gzip.open(path) if zipped else open(path, 'rb')


def _texts(values: list) -> tuple[list[str], bool, str]:
  """Values as strings, were bytes replaced, and what is wrong with them."""
  texts, replaced = [], False
  for value in values:
    if isinstance(value, bytes):
      try:
        value = value.decode()
      except UnicodeDecodeError:
        value, replaced = value.decode(errors='replace'), True
    elif value is None:
      value = ''
    elif isinstance(value, float):
      if value != value:
        value = ''
      elif value.is_integer():
        value = int(value)
    elif isinstance(value, (list, dict)):
      value = json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    if not text.isascii():
      try:
        text.encode()
      except UnicodeEncodeError:  # Half of a pair, which JSON can spell.
        text = text.encode('utf-8', 'replace').decode()
        replaced = True
    if '\0' in text:
      return texts, replaced, 'NUL bytes'
    if len(text) > MAX_BYTES:
      return texts, replaced, 'too long: a value of more than 1 MB'
    texts.append(text)
  return texts, replaced, ''


# ---------------------------------------------------------------------- lines
_TOO_LONG = 'too long: a line of more than 1 MB'


def _lines(file) -> Iterator[tuple[int, bytes | None]]:
  """Yields (number, line without its end); None for one that is too long."""
  for number in itertools.count(1):
    line = file.readline(MAX_BYTES + 1)
    if not line:
      return
    if len(line) > MAX_BYTES:
      while line and not line.endswith(b'\n'):
        line = file.readline(MAX_BYTES)
      yield number, None
    else:
      yield number, line.rstrip(b'\r\n')


class _Ahead:
  """Lines one can put back."""

  def __init__(self, file):
    self._lines, self._back = _lines(file), []

  def __iter__(self):
    return self

  def __next__(self) -> tuple[int, bytes | None]:
    return self._back.pop() if self._back else next(self._lines)

  def put_back(self, lines: list) -> None:
    self._back += reversed(lines)


def _fields(line: bytes, ahead: _Ahead, kind: str) -> list | None:
  """One record's fields, with further lines if quoted; None: no record."""
  if kind == '.tsv':
    return line.split(b'\t')
  if b'"' not in line:
    return line.split(b',')
  # Latin-1 gives every byte back.
  taken = []

  def lines():
    yield line.decode('latin-1') + '\n'
    for numbered in itertools.islice(ahead, MAX_LINES - 1):
      taken.append(numbered)
      if numbered[1] is None:
        return
      yield numbered[1].decode('latin-1') + '\n'

  csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
  try:
    fields = next(csv.reader(lines(), strict=True))
  except (csv.Error, StopIteration):
    ahead.put_back(taken)
    return None
  return _Spanning((f.encode('latin-1') for f in fields), taken)


class _Spanning(list):
  """Fields, and the lines after the first that they took."""

  def __init__(self, fields, taken: list):
    super().__init__(fields)
    self.taken = taken


def _header(file, kind: str) -> tuple[_Ahead, list[str]]:
  ahead = _Ahead(file)
  _, line = next(ahead, (0, b''))
  fields = _fields((line or b'').removeprefix(b'\xef\xbb\xbf'), ahead, kind)
  return ahead, [f.decode(errors='replace').strip() for f in fields or ()]


def _delimited(path: pathlib.Path, columns: Mapping[str, str]):
  """Yields (line, values or None, replaced already, what is wrong)."""
  kind = _kind(path)
  with _open(path) as file:
    ahead, names = _header(file, kind)
    at = [names.index(name) for name in columns.values()]
    for number, line in ahead:
      if line is None:
        yield number, None, False, _TOO_LONG
        continue
      if not line:
        continue
      fields = _fields(line, ahead, kind)
      if fields is not None and len(fields) == len(names):
        yield number, [fields[i] for i in at], False, ''
        continue
      if fields is None:
        wrong = 'quotes: a quote is not closed, or not the end of its field'
      else:
        wrong = f'columns: {len(fields)} columns, expected {len(names)}'
        ahead.put_back(getattr(fields, 'taken', []))
      yield number, None, False, wrong


def _objects(file) -> Iterator[tuple[int, dict | None, bool, str]]:
  for number, line in _lines(file):
    if line is None:
      yield number, None, False, _TOO_LONG
      continue
    if number == 1:
      line = line.removeprefix(b'\xef\xbb\xbf')
    if not line:
      continue
    try:
      text, replaced = line.decode(), False
    except UnicodeDecodeError:
      text, replaced = line.decode(errors='replace'), True
    try:
      found = json.loads(text)
    except (ValueError, RecursionError):
      found = None
    if isinstance(found, dict):
      yield number, found, replaced, ''
    else:
      yield number, None, False, 'not a JSON object'


def _json_columns(file) -> dict[str, None]:
  found = (item for _, item, _, _ in _objects(file) if item is not None)
  return dict.fromkeys(
    key for item in itertools.islice(found, PEEK) for key in item
  )


def _json(path: pathlib.Path, columns: Mapping[str, str]):
  """Likewise."""
  with _open(path) as file:
    for number, found, replaced, wrong in _objects(file):
      values = None
      if found is not None:
        values = [found.get(name) for name in columns.values()]
      yield number, values, replaced, wrong


# -------------------------------------------------------------------- Parquet
def _parquet(path: pathlib.Path, columns: Mapping[str, str]):
  """Likewise, by the number of the row."""
  number = 0
  with pq.ParquetFile(path) as file:
    for batch in file.iter_batches(columns=list(columns.values())):
      lists = [_plain(batch.column(name)) for name in columns.values()]
      for values in zip(*lists, strict=True):
        number += 1
        yield number, list(values), False, ''


def _plain(column: pa.Array) -> list:
  """An Arrow column as Python's values, strings as bytes."""
  if pa.types.is_dictionary(column.type):
    column = column.dictionary_decode()
  if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
    seconds = column.cast(pa.timestamp('s'), safe=False)
    column = seconds.cast(pa.int64())
  elif pa.types.is_large_string(column.type):
    column = column.cast(pa.large_binary())
  elif pa.types.is_string(column.type):
    column = column.cast(pa.binary())
  return column.to_pylist()


# ---------------------------------------------------------------------- times
def unix_seconds(text: str, per_second: int = 1) -> int | None:
  """A number (of which `per_second` are a second) or ISO 8601, else None.

  ISO times without a zone are UTC. None as well for times before 1970 and
  after the year 5138, where milliseconds begin to be taken for seconds.
  """
  try:
    seconds = float(text) / per_second
  except ValueError:
    try:
      when = datetime.datetime.fromisoformat(text.strip())
      seconds = when.replace(tzinfo=when.tzinfo or datetime.UTC).timestamp()
    except (ValueError, OverflowError):
      return None
  return int(seconds) if 0 <= seconds <= MAX_SECONDS else None
