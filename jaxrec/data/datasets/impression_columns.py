"""The columns of tables of lists, and their values; see `impressions`."""

import pathlib
from typing import NamedTuple

from jaxrec.data.datasets.mind_lines import Malformed, short
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import tables
from jaxrec.data.readers.lists import elements
from jaxrec.data.readers.times import WANTED
from jaxrec.errors import UserError

AGAIN = 'repeated candidates'
_BY_ROWS = 'user_id, timestamp, item_id, label'

# 'file:line' of a row, its values by our names, its time in unix seconds.
Row = tuple[str, dict[str, str], int | None]


class Shown(NamedTuple):
  """A list that was shown to a user.

  Attributes:
    where: 'file:line' of it, or of its first row.
    impression_id, user_id: as the table has them.
    time: when it was shown, unix seconds.
    candidates: when each was clicked, unix seconds, by its id, in the order
      they were shown; None: never.
    history: ids, oldest first; None: the table has no histories.
  """

  where: str
  impression_id: str
  user_id: str
  time: int
  candidates: dict[str, int | None]
  history: list[str] | None


class Layout(NamedTuple):
  """What the columns of a table of lists are.

  Attributes:
    columns: the file's names, by ours.
    is_list: whether a row is a list; else it is a candidate.
    label: our name of the column that tells what was clicked; '': the
      candidates tell it themselves, 'N1-1 N2-0'.
  """

  columns: dict[str, str]
  is_list: bool
  label: str


def layout_of(path: pathlib.Path, source: Source) -> Layout:
  """What the columns of a table are.

  Raises:
    UserError: a column is missing, or is there twice.
  """
  mapping, present = dict(source.columns), set(tables.all_columns_of(path))

  def file_name(name: str) -> str:
    return mapping.get(name, name)

  mapped = lambda name: file_name(name) != name
  there = lambda name: mapped(name) or file_name(name) in present
  is_list = file_name('candidates') in present
  is_unknown = not is_list and file_name('item_id') not in present
  if is_list or is_unknown:
    names = ['user_id', 'timestamp', 'candidates']
    marks = [name for name in ('labels', 'label', 'clicked') if there(name)]
    label = marks[0] if marks else ''
    names += marks[:1]
  else:
    names = ['user_id', 'timestamp', 'item_id']
    marks = [name for name in ('label', 'labels', 'clicked') if there(name)]
    label = marks[0] if marks else 'label'
    names.append(label)
  further = ('impression_id', 'history')
  names += [name for name in further if there(name)]
  try:
    columns = tables.pick(path, {name: file_name(name) for name in names})
  except UserError as e:
    hint = f'with a row a candidate: {_BY_ROWS}' if is_unknown else ''
    if not (is_list or is_unknown or marks):
      hint = 'for a log of clicks alone: data.name=interactions'
    raise UserError(f'{e}; or, {hint}') if hint else e from e
  return Layout(columns, is_list or is_unknown, label)


def check_head(row: dict[str, str], time: int | None, *ids: str) -> int:
  """The time of a row; Malformed without one, or without one of its ids."""
  problem = ''
  for name in ids:
    problem = problem or tables.id_problem(row[name])
  if not problem and time is not None:
    return time
  texts = [f'{name} {row[name][:50]!r}' for name in (*ids, 'timestamp')]
  if problem:
    raise Malformed(f'{problem} id', ', '.join(texts))
  raise Malformed('no time', f'{", ".join(texts)}; want {WANTED}')


def list_of(text: str, name: str) -> list[str]:
  """The elements of a column's value; Malformed where it is no list."""
  parts = elements(text)
  if parts is None:
    raise Malformed(name, f'{name} {short(text)}: not a list')
  return parts


def history_of(text: str | None) -> list[str] | None:
  """The ids of a history; None where the table has none."""
  return None if text is None else list_of(text, 'history')
