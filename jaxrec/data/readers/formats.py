"""The formats of tables: what one file's rows are, before they are strings.

`FORMATS` has one entry a format: how its columns are named, and how its rows
are read. Rows are read one by one; what cannot be read costs its own row.
"""

import contextlib
import csv
import gzip
import itertools
import json
import pathlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from jaxrec.errors import UserError

MAX_BYTES = 1 << 20  # Of a line.
MAX_LINES = 100  # That a quoted field of CSV goes over.
PEEK = 100  # JSON objects whose keys are the columns.

_BYTE_ORDER_MARK = b'\xef\xbb\xbf'
_TOO_LONG = 'too long: a line of more than 1 MB'


class Row(NamedTuple):
  """One row of a table.

  Attributes:
    line: its line, from 1; of Parquet its number.
    values: of the columns asked for, in their order; None where it is
      malformed.
    problem: 'reason: detail' of why it is; ''.
    replaced: whether bytes that are not UTF-8 were replaced.
  """

  line: int
  values: list | None
  problem: str = ''
  replaced: bool = False


class Format(NamedTuple):
  """How tables of one format are read.

  Attributes:
    columns: the names of a file's columns.
    rows: a file's rows, of the columns asked for: the file's names by ours.
  """

  columns: Callable[[pathlib.Path], list[str]]
  rows: Callable[[pathlib.Path, Mapping[str, str]], Iterator[Row]]


def format_of(path: pathlib.Path) -> Format:
  """The format of a file, by its name.

  Raises:
    UserError: the name tells none.
  """
  suffixes = [s.lower() for s in path.suffixes[-2:]]
  zipped = suffixes[-1:] == ['.gz']
  suffix = ''.join((suffixes[:-1] if zipped else suffixes)[-1:])
  if suffix not in FORMATS or (zipped and suffix == '.parquet'):
    raise UserError(
      f'{path}: of which format? give {", ".join(FORMATS)}, or one of text '
      'with .gz'
    )
  return FORMATS[suffix]


# What reading a damaged file raises; of Parquet not only Arrow's own errors.
_DAMAGE: dict[str, tuple[type[Exception], ...]] = {
  '.gz': (OSError, EOFError, zlib.error),
  '.parquet': (
    *(OSError, pa.ArrowException, ValueError, TypeError, KeyError),
    *(IndexError, OverflowError, MemoryError),
  ),
}


@contextlib.contextmanager
def reading(path: pathlib.Path):
  """Makes what a damaged file raises a UserError."""
  try:
    yield
  except _DAMAGE.get(path.suffix.lower(), (OSError,)) as e:
    raise damaged(path, e) from e


def damaged(path: pathlib.Path, error: Exception) -> UserError:
  """What a file is that cannot be read as what it should be."""
  detail = ' '.join(str(error).split())[:200]
  return UserError(
    f'{path}: missing, truncated or damaged ({type(error).__name__}: {detail})'
  )


def _open(path: pathlib.Path) -> BinaryIO:
  if path.suffix.lower() == '.gz':
    return cast(BinaryIO, gzip.open(path))
  return open(path, 'rb')


# ---------------------------------------------------------------------- lines
def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
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


class _Lines:
  """A file's numbered lines, which can be put back."""

  def __init__(self, file: BinaryIO):
    self._lines = _lines(file)
    self._put_back: list[tuple[int, bytes | None]] = []

  def __iter__(self) -> '_Lines':
    return self

  def __next__(self) -> tuple[int, bytes | None]:
    return self._put_back.pop() if self._put_back else next(self._lines)

  def put_back(self, lines: list[tuple[int, bytes | None]]) -> None:
    """Puts back the last ones that were taken, in the file's order."""
    self._put_back += reversed(lines)


# -------------------------------------------------------- separated by a sign
class _Record(NamedTuple):
  """Fields, and the lines after the first that they go over."""

  fields: list[bytes]
  further: list[tuple[int, bytes | None]]


def _split_tsv(line: bytes, lines: _Lines) -> _Record | None:
  """The record of a line; TSV knows no quotes."""
  del lines
  return _Record(line.split(b'\t'), [])


def _split_csv(line: bytes, lines: _Lines) -> _Record | None:
  """The record that begins with `line`, and may take more; None: it is none.

  Where it is none, none of `lines` is taken.
  """
  if b'"' not in line:
    return _Record(line.split(b','), [])
  further: list[tuple[int, bytes | None]] = []

  def decoded() -> Iterator[str]:
    yield line.decode('latin-1') + '\n'  # Latin-1 gives every byte back.
    for numbered in itertools.islice(lines, MAX_LINES - 1):
      further.append(numbered)
      if numbered[1] is None:
        return
      yield numbered[1].decode('latin-1') + '\n'

  csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
  try:
    texts = next(csv.reader(decoded(), strict=True))
  except (csv.Error, StopIteration):
    lines.put_back(further)
    return None
  return _Record([text.encode('latin-1') for text in texts], further)


_Split = Callable[[bytes, _Lines], _Record | None]


def _header(lines: _Lines, split: _Split) -> list[str]:
  """The names in a table's first line."""
  _, line = next(lines, (0, None))
  record = split((line or b'').removeprefix(_BYTE_ORDER_MARK), lines)
  fields = record.fields if record else []
  return [field.decode(errors='replace').strip() for field in fields]


def _separated(split: _Split) -> Format:
  """The format whose records `split` splits."""

  def columns(path: pathlib.Path) -> list[str]:
    with _open(path) as file:
      return _header(_Lines(file), split)

  def rows(path: pathlib.Path, columns: Mapping[str, str]) -> Iterator[Row]:
    with _open(path) as file:
      lines = _Lines(file)
      names = _header(lines, split)
      places = [names.index(name) for name in columns.values()]
      for number, line in lines:
        if line is None:
          yield Row(number, None, _TOO_LONG)
          continue
        if not line:
          continue
        record = split(line, lines)
        if record is None:
          problem = 'quotes: a quote is not closed, or not the end of its field'
          yield Row(number, None, problem)
        elif len(record.fields) != len(names):
          lines.put_back(record.further)
          count = len(record.fields)
          problem = f'columns: {count} columns, expected {len(names)}'
          yield Row(number, None, problem)
        else:
          yield Row(number, [record.fields[place] for place in places])

  return Format(columns, rows)


# ----------------------------------------------------------------- JSON lines
def _json_objects(file: BinaryIO) -> Iterator[tuple[Row, dict]]:
  """Yields each line's Row without values, and its object, {} for none."""
  for number, line in _lines(file):
    if line is None:
      yield Row(number, None, _TOO_LONG), {}
      continue
    if number == 1:
      line = line.removeprefix(_BYTE_ORDER_MARK)
    if not line:
      continue
    try:
      text, replaced = line.decode(), False
    except UnicodeDecodeError:
      text, replaced = line.decode(errors='replace'), True
    try:
      value = json.loads(text)
    except (ValueError, RecursionError):
      value = None
    if isinstance(value, dict):
      yield Row(number, [], replaced=replaced), value
    else:
      yield Row(number, None, 'not a JSON object'), {}


def _json_columns(path: pathlib.Path) -> list[str]:
  with _open(path) as file:
    objects = (value for row, value in _json_objects(file) if not row.problem)
    first = itertools.islice(objects, PEEK)
    return list(dict.fromkeys(key for value in first for key in value))


def _json_rows(path: pathlib.Path, columns: Mapping[str, str]) -> Iterator[Row]:
  with _open(path) as file:
    for row, value in _json_objects(file):
      if not row.problem:
        row = row._replace(values=[value.get(n) for n in columns.values()])
      yield row


# -------------------------------------------------------------------- Parquet
def _parquet_columns(path: pathlib.Path) -> list[str]:
  return pq.ParquetFile(path).schema_arrow.names


def _parquet_rows(
  path: pathlib.Path, columns: Mapping[str, str]
) -> Iterator[Row]:
  number = 0
  with pq.ParquetFile(path) as file:
    for batch in file.iter_batches(columns=list(columns.values())):
      lists = [_python_values(batch.column(name)) for name in columns.values()]
      for values in zip(*lists, strict=True):
        number += 1
        yield Row(number, list(values))


def _python_values(column: pa.Array) -> list:
  """An Arrow column as Python's values: strings as bytes, times as seconds."""
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


# By how a file's name ends.
FORMATS = {
  '.tsv': _separated(_split_tsv),
  '.csv': _separated(_split_csv),
  '.jsonl': Format(_json_columns, _json_rows),
  '.ndjson': Format(_json_columns, _json_rows),
  '.parquet': Format(_parquet_columns, _parquet_rows),
}
