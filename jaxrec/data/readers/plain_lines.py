"""Lines without a header or quotes, as several publishers have them.

Text is UTF-8; a line that is not is read in the encoding given, or, without
one, with U+FFFD for what is wrong, and counted. A line has at most
`lines.MAX_BYTES`. What cannot be read is noted as 'malformed: <reason>';
every line but the empty ones is counted under `tables.ROWS`.
"""

import pathlib
from collections.abc import Iterator

from jaxrec.data.readers import tables
from jaxrec.data.readers.lines import MAX_BYTES
from jaxrec.data.readers.tally import Note
from jaxrec.errors import UserError


def rows(
  path: pathlib.Path,
  separator: str,
  width: int,
  note: Note,
  encoding: str | None = None,
) -> Iterator[tuple[str, list[str]]]:
  """Yields ('file:line', fields) of each line with `width` fields.

  Args:
    path: of the file.
    separator: between fields.
    width: how many fields a line has.
    note: called as `Tally.note`.
    encoding: of lines that are not UTF-8, one that takes every byte.

  Raises:
    UserError: the file cannot be read.
  """
  read = 0
  for number, line in _lines(path):
    read += 1
    where = f'{path.name}:{number}'
    if len(line) > MAX_BYTES:
      note('malformed: too long', f'{where}: a line of more than 1 MB')
      continue
    if b'\0' in line:
      note('malformed: NUL bytes', f'{where}: NUL bytes')
      continue
    try:
      text = line.decode()
    except UnicodeDecodeError:
      text = line.decode(encoding or 'utf8', 'replace')
      if encoding is None:
        note(tables.REPLACED, f'{where}: bytes that are not UTF-8')
    fields = text.split(separator)
    if len(fields) == width:
      yield where, fields
    else:
      why = f'{len(fields)} columns, expected {width} by {separator!r}'
      note('malformed: columns', f'{where}: {why}')
  note(tables.ROWS, times=read)


def _lines(path: pathlib.Path) -> Iterator[tuple[int, bytes]]:
  """Yields (number, line without its end), empty ones left out.

  Of a line that is too long, its beginning, a byte more than is allowed.
  """
  most, number = MAX_BYTES + 1, 0
  try:
    with open(path, 'rb') as f:
      while line := f.readline(most):
        number += 1
        rest = line
        while len(rest) == most and not rest.endswith(b'\n'):
          rest = f.readline(most)
        if number == 1:
          line = line.removeprefix(b'\xef\xbb\xbf')
        if len(line) < most:
          line = line.rstrip(b'\r\n')
        if line:
          yield number, line
  except OSError as e:
    raise UserError(f'{path}: cannot be read: {e}') from e
