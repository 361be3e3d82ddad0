"""Tables of texts: .tsv, .csv, .jsonl or .ndjson, also as .gz, and .parquet.

Every value comes as a string, '' where there is none:

- text is UTF-8; other bytes are read as U+FFFD and their lines counted. A line
  has at most `MAX_BYTES`, and so has a value of a Parquet file.
- TSV knows no quotes. In CSV a quoted field may go over `formats.MAX_LINES`
  lines; a quote that is not closed by then costs its own line, not those after
  it.
- JSON lines have the columns of the first `formats.PEEK` objects.
- whole floats lose their '.0', NaN and null are '', what is nested is JSON.
- Parquet's times and dates come as unix seconds, UTC where they name no zone.

What cannot be read is noted as `Tally.note` does, 'malformed: <reason>', and
the rows after it are read; every row is counted under `ROWS`. A file that is
damaged as a whole (gzip, Parquet) is a UserError.
"""

import difflib
import json
import pathlib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jaxrec.data.readers import formats
from jaxrec.data.readers.formats import MAX_BYTES
from jaxrec.data.readers.tally import Note
from jaxrec.errors import UserError

ROWS = 'rows'
REPLACED = 'rows with bytes that are not UTF-8, read as U+FFFD'


def columns_of(path: pathlib.Path) -> list[str]:
  """The names of a table's columns.

  Raises:
    UserError: the file is missing, damaged, of another format, or empty.
  """
  with formats.reading(path):
    names = formats.format_of(path).columns(path)
  if not any(names):
    raise UserError(
      f'{path}: has no column; expected .tsv or .csv with a '
      'header, JSON lines or Parquet'
    )
  return names


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
  present = columns_of(path)
  for our_name, file_name in wanted.items():
    if present.count(file_name) > 1:
      raise UserError(
        f'{path}: {present.count(file_name)} columns {file_name!r}'
      )
    if file_name not in present and our_name not in optional:
      plain = {_plain_name(name): name for name in present}
      near = [
        plain[name]
        for name in difflib.get_close_matches(_plain_name(file_name), plain)
      ]
      hint = f': did you mean {" or ".join(map(repr, near))}?' if near else ''
      maps = f'; --config.{option}.{our_name}=NAME maps one' if option else ''
      needed = [name for key, name in wanted.items() if key not in optional]
      raise UserError(
        f'{path}: no column {file_name!r}{hint} (found: '
        f'{", ".join(present)[:200]!r}, expected: '
        f'{", ".join(needed)}{maps})'
      )
  return {key: name for key, name in wanted.items() if name in present}


def rows(
  path: pathlib.Path, columns: Mapping[str, str], note: Note
) -> Iterator[tuple[str, dict[str, str]]]:
  """Yields ('file:line', {our name: value}) of each row that can be read.

  Args:
    path: of the table; of Parquet the row's number stands for the line's.
    columns: the file's name of each column, by ours; see `pick`.
    note: called as `Tally.note`.
  """
  count = 0
  with formats.reading(path):
    for row in formats.format_of(path).rows(path, columns):
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
    if not key.strip():
      note(f'malformed: no {name}', f'{where}: no {name}')
    elif key in seen:
      note('repeated items', f'{where}: item {key[:50]!r} again')
    else:
      seen.add(key)
      yield where, row


def identifier(name: str) -> str:
  """A column's name as `str.format` and file systems take it."""
  name = re.sub(r'\W', '_', name.strip())
  return f'_{name}' if name[:1].isdigit() else name


def _plain_name(name: str) -> str:
  """'userId', 'User ID' and 'user_id' are near each other."""
  return re.sub(r'[\W_]', '', name).lower()


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
