"""Files line by line, before they are rows of a format."""

import gzip
import itertools
import pathlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

MAX_BYTES = 1 << 20  # Of a line.
BYTE_ORDER_MARK = b'\xef\xbb\xbf'
TOO_LONG = 'too long: a line of more than 1 MB'


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


def opened(path: pathlib.Path) -> BinaryIO:
  """The bytes of a file, unpacked where its name ends with .gz."""
  if path.suffix.lower() == '.gz':
    return cast(BinaryIO, gzip.open(path))
  return open(path, 'rb')


def numbered_lines(
  file: BinaryIO,
) -> Iterator[tuple[int, bytes | None]]:
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
