"""Rows of a file by its columns: JSON lines, CSV, TSV and Parquet.

For machines that serve: it needs nothing but Python, and pyarrow for Parquet
alone. What cannot be read is noted by its line, and costs that line alone.
"""

import csv
import gzip
import itertools
import json
import pathlib
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from jaxrec.errors import UserError

JSON = ('.jsonl', '.ndjson')
TEXT = {'.csv': ',', '.tsv': '\t'}  # What stands between fields.
ZIPPED = tuple(f'{suffix}.gz' for suffix in (*JSON, *TEXT))
SUFFIXES = (*JSON, *TEXT, '.parquet')
LONGEST = 1 << 24  # Bytes of a line.
QUOTED_LINES = 100  # That a quoted field may go over.
BATCH = 1024  # Rows of a Parquet file that are read at once.

Note = Callable[[int, str], None]  # Of a bad row: its line, and why.
Row = tuple[int, dict]  # Its line, and its values by column.
RowsOf = Callable[[list[str]], Iterator[Row]]  # Of columns.


def suffix_of(path: pathlib.Path) -> str:
  """How a file's name ends, but for the '.gz'."""
  name = path.name.lower().removesuffix('.gz')
  return name[name.rfind('.') :]


def table(path: pathlib.Path, note: Note) -> tuple[list[str], RowsOf]:
  """A file's columns, and what gives its rows as dicts with their lines.

  Of JSON lines, the keys of the first object are the columns.

  Args:
    path: of the file.
    note: called with lines that are no rows.

  Raises:
    UserError: it cannot be read; while rows are read, too.
  """
  suffix = suffix_of(path)
  if suffix not in (*TEXT, *JSON):
    return _parquet(path)
  lines = _Lines(path, note)
  if suffix in TEXT:
    return _separated(lines, note, TEXT[suffix])
  rows = _objects(lines, note)
  first = list(itertools.islice(rows, 1))
  columns = [name for _, row in first for name in row]
  return columns, lambda names: itertools.chain(first, rows)


class _Lines:
  """A file's numbered lines without their ends, which can be put back.

  Empty ones are left out, those that are too long noted. Bytes that are not
  UTF-8 come as halves of surrogates: whoever uses them tells.
  """

  def __init__(self, path: pathlib.Path, note: Note):
    self._lines = _lines(path, note)
    self._put_back: list[tuple[int, str]] = []

  def __iter__(self) -> '_Lines':
    return self

  def __next__(self) -> tuple[int, str]:
    return self._put_back.pop() if self._put_back else next(self._lines)

  def put_back(self, lines: list[tuple[int, str]]) -> None:
    """Puts back the last ones that were taken, in the file's order."""
    self._put_back += reversed(lines)


def _lines(path: pathlib.Path, note: Note) -> Iterator[tuple[int, str]]:
  """Numbered lines without their ends; those that are too long are noted."""
  try:
    with _opened(path) as file:
      number = 0
      while line := file.readline(LONGEST):
        number += 1
        if len(line) == LONGEST and not line.endswith(b'\n'):
          while (rest := file.readline(LONGEST)) and not rest.endswith(b'\n'):
            pass
          note(number, f'over {LONGEST:,} bytes')
          continue
        if number == 1:
          line = line.removeprefix(b'\xef\xbb\xbf')
        if line.strip():
          yield number, line.rstrip(b'\r\n').decode('utf8', 'surrogateescape')
  except (OSError, EOFError, zlib.error) as e:
    raise UserError(f'--users={path}: cannot be read: {e}') from e


def _opened(path: pathlib.Path) -> BinaryIO:
  if path.name.lower().endswith('.gz'):
    return cast(BinaryIO, gzip.open(path))
  return open(path, 'rb')


def _objects(lines: _Lines, note: Note) -> Iterator[Row]:
  for number, line in lines:
    try:
      value = json.loads(line)
    except (ValueError, RecursionError) as e:
      note(number, f'no JSON: {e}')
      continue
    if isinstance(value, dict):
      yield number, value
    else:
      note(number, 'want {"user_id": ..., "history": [...]}')


def _separated(
  lines: _Lines, note: Note, sign: str
) -> tuple[list[str], RowsOf]:
  """CSV or TSV; a .csv whose header has no comma may have ';' or tabs."""
  _, header = next(lines, (0, ''))
  if sign == ',' and sign not in header:
    sign = next((other for other in ';\t' if other in header), sign)
  fields, _ = _record(header, lines, sign)
  columns = [name.strip() for name in fields or []] if header else []

  def rows(names: list[str]) -> Iterator[Row]:
    for number, line in lines:
      fields, taken = _record(line, lines, sign)
      if fields is None or len(fields) != len(columns):
        lines.put_back(taken)  # It costs its own line alone.
        what = 'a quote is not closed'
        if fields is not None:
          what = f'{len(fields)} columns'
        note(number, f'{what}: want {len(columns)} columns by {sign!r}')
        continue
      values = dict(zip(columns, fields, strict=True))
      yield number, {name: values[name] for name in names}

  return columns, rows


def _record(
  line: str, lines: _Lines, sign: str
) -> tuple[list[str] | None, list[tuple[int, str]]]:
  """The fields of a line, None of none; lines that a quote goes over."""
  if '"' not in line or sign == '\t':  # TSV knows no quotes.
    return line.split(sign), []
  taken: list[tuple[int, str]] = []

  def texts() -> Iterator[str]:
    yield f'{line}\n'
    for numbered in itertools.islice(lines, QUOTED_LINES):
      taken.append(numbered)
      yield f'{numbered[1]}\n'

  csv.field_size_limit(LONGEST)
  try:
    return next(csv.reader(texts(), delimiter=sign, strict=True)), taken
  except (csv.Error, StopIteration):
    return None, taken


def _parquet(path: pathlib.Path) -> tuple[list[str], RowsOf]:
  try:
    import pyarrow as pa
    import pyarrow.parquet as pq
  except ModuleNotFoundError as e:
    raise UserError(
      f'--users={path}: Parquet needs pyarrow, which is not installed: '
      'pip install pyarrow, or give JSON lines, CSV or TSV'
    ) from e
  damage = (pa.ArrowException, OSError, ValueError)

  def rows(names: list[str]) -> Iterator[Row]:
    number = 0
    try:
      with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=names):
          for value in batch.to_pylist():
            number += 1
            yield number, value
    except damage as e:
      raise UserError(f'{path}: no readable Parquet: {e}') from e

  try:
    with pq.ParquetFile(path) as file:
      return file.schema_arrow.names, rows
  except damage as e:
    raise UserError(f'{path}: no readable Parquet: {e}') from e
