"""Tables whose lines are fields with a sign between them: .tsv and .csv.

TSV knows no quotes; in CSV a quoted field may go over MAX_LINES lines. A file
whose first line has none of the sign that its name promises, but another one
of SEPARATORS, is read by that, with CSV's quotes.
"""

import collections
import csv
import functools
import itertools
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

from jaxrec.data.readers.lines import (
  BYTE_ORDER_MARK,
  MAX_BYTES,
  TOO_LONG,
  Row,
  numbered_lines,
  opened,
)
from jaxrec.errors import UserError

MAX_LINES = 100  # That a quoted field of CSV goes over.
SEPARATORS = (b',', b';', b'\t', b'|')
_UTF_16 = (b'\xff\xfe', b'\xfe\xff')


class _Lines:
  """A file's numbered lines, which can be put back."""

  def __init__(self, file: BinaryIO):
    self._lines = numbered_lines(file)
    self._put_back: list[tuple[int, bytes | None]] = []

  def __iter__(self) -> '_Lines':
    return self

  def __next__(self) -> tuple[int, bytes | None]:
    return self._put_back.pop() if self._put_back else next(self._lines)

  def put_back(self, lines: list[tuple[int, bytes | None]]) -> None:
    """Puts back the last ones that were taken, in the file's order."""
    self._put_back += reversed(lines)


class _Record(NamedTuple):
  """Fields, and the lines after the first that they go over."""

  fields: list[bytes]
  further: list[tuple[int, bytes | None]]


_Split = Callable[[bytes, _Lines], _Record | None]


def _split_plain(separator: bytes, line: bytes, lines: _Lines) -> _Record:
  """The record of a line, which knows no quotes."""
  del lines
  return _Record(line.split(separator), [])


def _split_quoted(
  separator: bytes, line: bytes, lines: _Lines
) -> _Record | None:
  """The record that begins with `line`, and may take more; None: it is none.

  Where it is none, none of `lines` is taken.
  """
  if b'"' not in line:
    return _Record(line.split(separator), [])
  further: list[tuple[int, bytes | None]] = []

  def decoded() -> Iterator[str]:
    yield line.decode('latin-1') + '\n'  # Latin-1 gives every byte back.
    for numbered in itertools.islice(lines, MAX_LINES - 1):
      further.append(numbered)
      if numbered[1] is None:
        return
      yield numbered[1].decode('latin-1') + '\n'

  csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
  sign = separator.decode()
  try:
    texts = next(csv.reader(decoded(), delimiter=sign, strict=True))
  except (csv.Error, StopIteration):
    lines.put_back(further)
    return None
  return _Record([text.encode('latin-1') for text in texts], further)


def _begun(path: pathlib.Path, usual: bytes) -> tuple[list[str], bytes]:
  """The names in a table's first line, and what separates them.

  Raises:
    UserError: the text is UTF-16.
  """
  with opened(path) as file:
    lines = _Lines(file)
    names, separator, _ = _header(lines, usual, path)
  return names, separator


def _header(
  lines: _Lines, usual: bytes, path: pathlib.Path
) -> tuple[list[str], bytes, _Split]:
  """Names of the columns, what separates them, and how records are split."""
  _, line = next(lines, (0, None))
  line = (line or b'').removeprefix(BYTE_ORDER_MARK)
  if line.startswith(_UTF_16):
    raise UserError(f'{path}: its text is UTF-16: save it as UTF-8')
  separator = usual
  if usual not in line:
    counts = collections.Counter({x: line.count(x) for x in SEPARATORS})
    other, count = counts.most_common(1)[0]
    separator = other if count else usual
  split: _Split = functools.partial(
    _split_plain if separator == usual == b'\t' else _split_quoted, separator
  )
  record = split(line, lines)
  fields = record.fields if record else []
  names = [field.decode(errors='replace').strip() for field in fields]
  return names, separator, split


def columns_of(usual: bytes, path: pathlib.Path) -> list[str]:
  """The names of the columns of a file whose fields `usual` separates."""
  return _begun(path, usual)[0]


def remark_of(usual: bytes, path: pathlib.Path) -> str:
  """What separates the fields, if it is not as usual; else ''."""
  separator = _begun(path, usual)[1]
  if separator == usual:
    return ''
  return (
    f'read as separated by {separator.decode()!r}: its first line has no '
    f'{usual.decode()!r}'
  )


def rows_of(
  usual: bytes, path: pathlib.Path, columns: Mapping[str, str]
) -> Iterator[Row]:
  """The rows, of the columns asked for: the file's names by ours."""
  with opened(path) as file:
    lines = _Lines(file)
    names, _, split = _header(lines, usual, path)
    places = [names.index(name) for name in columns.values()]
    for number, line in lines:
      if line is None:
        yield Row(number, None, TOO_LONG)
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
