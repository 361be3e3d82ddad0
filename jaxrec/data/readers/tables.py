"""Tables of texts: .tsv, .csv, .jsonl or .ndjson, also as .gz, and .parquet.

Every value comes as a string, '' where there is none:

- text is UTF-8; other bytes are read as U+FFFD and their lines counted. A line
  has at most `MAX_BYTES`, and so has a value of a Parquet file.
- TSV knows no quotes. In CSV a quoted field may go over `separated.MAX_LINES`
  lines; a quote that is not closed by then costs its own line, not those after
  it. Another separator is taken where the first line has none of the usual,
  and noted.
- JSON lines have the columns that any of their objects has.
- whole floats and decimals lose their '.0', NaN and null are '', what is nested
  is JSON.
- Parquet's times and dates come as unix seconds, UTC where they name no zone.

What cannot be read is noted as `Tally.note` does, 'malformed: <reason>', and
the rows after it are read; every row is counted under `ROWS`. A file that is
damaged as a whole (gzip, Parquet) is a UserError.
"""

import decimal
import json
import pathlib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jaxrec.data.readers import formats, names
from jaxrec.data.readers.lines import MAX_BYTES
from jaxrec.data.readers.tally import Note
from jaxrec.errors import UserError

_SURROGATES = re.compile('[\ud800-\udfff]')

MAX_ID = 512  # Characters of an id.
# How programs write a value that is missing.
NO_ID = frozenset(
  ('nan', 'NaN', 'NaT', 'None', 'null', 'NULL', '<NA>', '#N/A', '\\N')
)

ROWS = 'rows'
SEPARATED = 'files that are separated by another sign'
REPLACED = 'rows with bytes that are not UTF-8, read as U+FFFD'


def columns_of(path: pathlib.Path) -> list[str]:
  """The names of a table's columns.

  Raises:
    UserError: the file is missing, damaged, of another format, or empty.
  """
  with formats.reading(path):
    columns = formats.format_of(path).columns(path)
  if not any(columns):
    raise UserError(
      f'{path}: has no column; expected .tsv or .csv with a '
      'header, JSON lines or Parquet'
    )
  return columns


def all_columns_of(path: pathlib.Path) -> list[str]:
  """Likewise, if it takes reading the whole file."""
  further = formats.format_of(path).further
  if further is None:
    return columns_of(path)
  columns_of(path)  # UserError of a file that has none.
  with formats.reading(path):
    return further(path)


def pick(
  path: pathlib.Path,
  wanted: Mapping[str, str],
  optional: Collection[str] = (),
  option: str = 'data.columns',
) -> dict[str, str]:
  """Of the columns asked for, those that are there, or may come up.

  Args:
    path: of the table.
    wanted: the file's name of each column, by ours.
    optional: our names of those that may be absent.
    option: the config's key of these names; '': they are fixed.

  Raises:
    UserError: columns are missing, all of which are named, or one is there
      twice.
  """
  present = columns_of(path)
  needed = {ours: n for ours, n in wanted.items() if ours not in optional}
  may_come_up = formats.format_of(path).further is not None
  if may_come_up and not set(needed.values()) <= set(present):
    present = all_columns_of(path)
  for file_name in wanted.values():
    if present.count(file_name) > 1:
      raise UserError(
        f'{path}: {present.count(file_name)} columns {file_name!r}'
      )
  missing = {ours: n for ours, n in needed.items() if n not in present}
  if missing:
    raise UserError(
      f'{path}: {names.missing(missing, present, needed, option)}'
    )
  return {
    ours: name
    for ours, name in wanted.items()
    if name in present or may_come_up
  }


def rows(
  path: pathlib.Path, columns: Mapping[str, str], note: Note
) -> Iterator[tuple[str, dict[str, str]]]:
  """Yields ('file:line', {our name: value}) of each row that can be read.

  Args:
    path: of the table; of Parquet the row's number stands for the line's.
    columns: the file's name of each column, by ours; see `pick`.
    note: called as `Tally.note`.
  """
  count, file_format = 0, formats.format_of(path)
  with formats.reading(path):
    if remark := file_format.remark(path):
      note(SEPARATED, f'{path.name}: {remark}')
    for row in file_format.rows(path, columns):
      count += 1
      where, problem = f'{path.name}:{row.line}', row.problem
      texts: list[str] = []
      if row.values is not None:
        texts, replaced, problem = _texts(row.values)
        if replaced or row.replaced:
          note(REPLACED, f'{where}: bytes that are not UTF-8')
      if problem:
        reason, _, detail = problem.partition(': ')
        note(f'malformed: {reason}', f'{where}: {detail or reason}')
      else:
        yield where, dict(zip(columns, texts, strict=True))
  note(ROWS, times=count)


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
    if problem := id_problem(key):
      note(f'malformed: {problem} {name}', f'{where}: {name} {key[:50]!r}')
    elif key in seen:
      note('repeated items', f'{where}: item {key[:50]!r} again')
    else:
      seen.add(key)
      yield where, row


def id_problem(text: str) -> str:
  """'' of an id; else 'no' (empty, or how programs write none), 'too long'."""
  if len(text) > MAX_ID:
    return 'too long'
  return 'no' if not text.strip() or text in NO_ID else ''


def identifier(name: str) -> str:
  """A column's name as `str.format` and file systems take it."""
  name = re.sub(r'\W', '_', name.strip())
  return f'_{name}' if name[:1].isdigit() else name


def _plain_decimal(value: decimal.Decimal) -> str:
  """'12' of 12.00, '1.5' of 1.50; as it is where that would be endless."""
  if not value.is_finite() or abs(value.adjusted()) > 100:
    return str(value)
  text = f'{value:f}'
  return text.rstrip('0').rstrip('.') if '.' in text else text


def _plain(value: Any) -> str:
  """What JSON has no form for, within a list."""
  if isinstance(value, bytes):
    return value.decode(errors='replace')
  return str(value)


def _texts(values: list[Any]) -> tuple[list[str], bool, str]:
  """Values as strings, were bytes replaced, and what is wrong with them."""
  texts: list[str] = []
  replaced = False
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
    elif isinstance(value, decimal.Decimal):
      value = '' if value.is_nan() else _plain_decimal(value)
    elif isinstance(value, (list, dict)):
      value = json.dumps(value, ensure_ascii=False, default=_plain)
    text = str(value)
    if not text.isascii():
      try:
        text.encode()
      except UnicodeEncodeError:  # Half of a pair, which JSON can spell.
        text, replaced = _SURROGATES.sub('\ufffd', text), True
    if '\0' in text:
      return texts, replaced, 'NUL bytes'
    if len(text) > MAX_BYTES:
      return texts, replaced, 'too long: a value of more than 1 MB'
    texts.append(text)
  return texts, replaced, ''
