"""Rows that hold several things at once, such as orders and sessions, each
thing a row of its own.

A value of the deciding column that is a list in square brackets (in braces are
identifiers) is taken apart. Lists of the same length in the row's other columns
go with it, one for one; any other value is of all.
"""

from collections.abc import Container, Iterator

from jaxrec.data.readers.lists import elements
from jaxrec.data.readers.tally import Note

FURTHER = 'further items of rows that list several'
_EMPTY = 'malformed: an empty list'


def taken_apart(
  rows: Iterator[tuple[str, dict[str, str]]],
  name: str,
  note: Note,
  whole: Container[str] = (),
) -> Iterator[tuple[str, dict[str, str]]]:
  """Yields ('file:line', row), of every row that lists items several.

  Args:
    rows: as `tables.rows` yields them.
    name: of the column that decides.
    note: called as `Tally.note`.
    whole: values that are ids, though they look like lists.
  """
  for where, row in rows:
    listed = None if row[name] in whole else _list(row[name])
    if listed is None:
      yield where, row
      continue
    if not listed:
      note(_EMPTY, f'{where}: {name} {row[name][:50]!r}')
      continue
    more = len(listed) - 1
    note(FURTHER, f'{where}: {len(listed):,} items in one row', times=more)
    columns = {key: _list(value) for key, value in row.items()}
    for i in range(len(listed)):
      yield (
        where,
        {
          key: column[i] if column and len(column) == len(listed) else row[key]
          for key, column in columns.items()
        },
      )


def _list(text: str) -> list[str] | None:
  """The elements of a list in square brackets; None of what is none."""
  plain = text.strip()
  is_list = plain.startswith('[') and plain.endswith(']')
  return elements(plain) if is_list else None
