"""The formats of tables: what one file's rows are, before they are strings.

`FORMATS` has one entry a format: how its columns are named, and how its rows
are read. Rows are read one by one; what cannot be read costs its own row.
"""

import contextlib
import functools
import itertools
import json
import pathlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from jaxrec.data.readers import separated
from jaxrec.data.readers.lines import (
  BYTE_ORDER_MARK,
  TOO_LONG,
  Row,
  numbered_lines,
  opened,
)
from jaxrec.errors import UserError

PEEK = 100  # JSON objects whose keys are looked at first.


class Format(NamedTuple):
  """How tables of one format are read.

  Attributes:
    columns: the names of a file's columns; where they are not in one place,
      those that come up first.
    rows: a file's rows, of the columns asked for: the file's names by ours. A
      column that the file does not have may be asked for where there are
      `further` ones, and has None.
    further: the names of all columns, from the whole file; None: `columns` has
      all.
    remark: what one should know of how a file is read; ''.
  """

  columns: Callable[[pathlib.Path], list[str]]
  rows: Callable[[pathlib.Path, Mapping[str, str]], Iterator[Row]]
  further: Callable[[pathlib.Path], list[str]] | None = None
  remark: Callable[[pathlib.Path], str] = lambda path: ''


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


# ----------------------------------------------------------------- JSON lines
def _json_objects(file: BinaryIO) -> Iterator[tuple[Row, dict]]:
  """Yields each line's Row without values, and its object, {} for none."""
  for number, line in numbered_lines(file):
    if line is None:
      yield Row(number, None, TOO_LONG), {}
      continue
    if number == 1:
      line = line.removeprefix(BYTE_ORDER_MARK)
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
  with opened(path) as file:
    objects = (value for row, value in _json_objects(file) if not row.problem)
    first = itertools.islice(objects, PEEK)
    return list(dict.fromkeys(key for value in first for key in value))


def _all_json_columns(path: pathlib.Path) -> list[str]:
  state = path.stat()
  return list(_json_keys(path, state.st_size, state.st_mtime_ns))


@functools.lru_cache(maxsize=8)
def _json_keys(path: pathlib.Path, size: int, changed: int) -> tuple[str, ...]:
  """All keys of a file, which is told from its earlier states by the rest."""
  del size, changed
  keys: dict[str, None] = {}
  with opened(path) as file:
    for _, value in _json_objects(file):
      keys.update(dict.fromkeys(value))
  return tuple(keys)


def _json_rows(path: pathlib.Path, columns: Mapping[str, str]) -> Iterator[Row]:
  with opened(path) as file:
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


_PER_SECOND = {'ms': 10**3, 'us': 10**6, 'ns': 10**9}


def _python_values(column: pa.Array) -> list:
  """An Arrow column as Python's values: strings as bytes, times as seconds."""
  if pa.types.is_dictionary(column.type):
    column = column.dictionary_decode()
  if pa.types.is_timestamp(column.type) and column.type.unit != 's':
    second = _PER_SECOND[column.type.unit]
    parts = column.cast(pa.int64()).to_pylist()
    return [None if part is None else part / second for part in parts]
  if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
    seconds = column.cast(pa.timestamp('s'), safe=False)
    column = seconds.cast(pa.int64())
  elif pa.types.is_large_string(column.type):
    column = column.cast(pa.large_binary())
  elif pa.types.is_string(column.type):
    column = column.cast(pa.binary())
  return column.to_pylist()


def _separated(usual: bytes) -> Format:
  """The format of lines whose fields `usual` separates."""
  return Format(
    functools.partial(separated.columns_of, usual),
    functools.partial(separated.rows_of, usual),
    remark=functools.partial(separated.remark_of, usual),
  )


_JSON_LINES = Format(_json_columns, _json_rows, _all_json_columns)
# By how a file's name ends.
FORMATS = {
  '.tsv': _separated(b'\t'),
  '.csv': _separated(b','),
  '.jsonl': _JSON_LINES,
  '.ndjson': _JSON_LINES,
  '.parquet': Format(_parquet_columns, _parquet_rows),
}
