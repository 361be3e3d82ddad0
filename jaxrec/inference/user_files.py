"""Files of users: who they are and what they did, in any of two forms.

A row for each user:

    {"user_id": "U1", "history": ["N1", {"text": "Rain on the coast"}]}

with `times` and `behaviours` as well, one for each entry, if they are known.
Or a row for each thing that was done, as logs have it: `user_id`, `item_id`,
and `timestamp` and `behaviour` where there are such columns; a row may list
several items, as orders and sessions do. What a user did is put together then,
the oldest first, and the whole file is in memory.

Files are JSON lines (.jsonl, .ndjson), .csv or .tsv with a header, each also as
.gz, or .parquet. In CSV and TSV a history is a list in JSON or ids with spaces
between them. Ids may be whole numbers; times are unix seconds (thousandths,
millionths and billionths are known by their size) or ISO 8601.
"""

import difflib
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jaxrec.errors import UserError, choices
from jaxrec.inference.user_tables import (
  JSON,
  SUFFIXES,
  TEXT,
  ZIPPED,
  Note,
  Row,
  suffix_of,
  table,
)
from jaxrec.inference.user_values import MANY, as_id, id_problem, seconds_of

KEYS = ('user_id', 'history', 'times', 'behaviours')  # A row for each user.
EVENT_KEYS = (
  'user_id',
  'item_id',
  'timestamp',
  'behaviour',
)  # Of what is done.


class User(NamedTuple):
  """What a file says of a user.

  Attributes:
    line: the row, from 1; of several the first one.
    rows: how many they were.
    user_id, history, times, behaviours: see the module.
  """

  line: int
  rows: int
  user_id: str
  history: list[Any]
  times: Any
  behaviours: Any


def check_name(path: pathlib.Path, flag: str = 'users') -> None:
  """UserError unless a file is there, of a format that can be read."""
  name = path.name.lower()
  if not name.endswith((*SUFFIXES, *ZIPPED)):
    known = (*SUFFIXES, *ZIPPED)
    raise UserError(f'--{flag}={path}: {choices(path.suffix, known)}')
  if not path.is_file():
    raise UserError(f'--{flag}={path}: no such file')


def read(
  path: pathlib.Path, note: Note, names: Mapping[str, str] | None = None
) -> Iterator[User]:
  """The users of a file, in the order they come.

  Args:
    path: of the file.
    note: called with what cannot be read.
    names: what columns are called that are not called as in KEYS and
      EVENT_KEYS, as `data.columns` has them.

  Raises:
    UserError: it cannot be read, or has no such columns.
  """
  suffix = suffix_of(path)
  columns, rows_of = table(path, note)
  given = _given_names(columns, names or {})
  if suffix in JSON and not _suffices(given):  # Each line tells its own.
    given |= {name: name for name in KEYS}
  if not _suffices(given):
    missing = [name for name in KEYS[:2] if name not in given]
    raise UserError(f'{path} has {_no_column(missing, columns)}')
  ours = {column: name for name, column in given.items()}
  rows = (
    (line, {ours.get(name, name): value for name, value in row.items()})
    for line, row in rows_of(list(ours))
  )
  if 'history' not in given:
    yield from _grouped(_one_by_one(rows), note)
    return
  for line, row in rows:
    if (user := _user(line, row, note, suffix)) is not None:
      yield user


def _suffices(given: Mapping[str, str]) -> bool:
  return 'user_id' in given and bool({'history', 'item_id'} & given.keys())


def _given_names(
  columns: list[str], names: Mapping[str, str]
) -> dict[str, str]:
  """A file's columns by what they are."""
  given: dict[str, str] = {}
  for name in dict.fromkeys((*KEYS, *EVENT_KEYS)):
    for called in (name, names.get(name, name)):
      if called in columns:
        given.setdefault(name, called)
  return given


def _no_column(missing: list[str], columns: list[str]) -> str:
  """What to say of columns that are not there."""
  near = [
    near_name
    for name in (*missing, 'item_id')
    for near_name in difflib.get_close_matches(name, columns, n=1, cutoff=0.6)
  ]
  hint = f': did you mean {" and ".join(map(repr, near))}?' if near else ''
  return (
    f'no column {" and ".join(missing)}{hint} (it has: '
    f'{", ".join(columns) or "none"}): give user_id and history, a row for '
    'each user, or user_id, item_id and timestamp, a row for each thing done'
  )


# --------------------------------------------------------------------- a user
def _user(
  line: int, row: Mapping[str, Any], note: Note, suffix: str
) -> User | None:
  """A User; None: it cannot be read, and why was noted."""
  user_id = as_id(row.get('user_id'))
  if problem := id_problem('user_id', user_id):
    note(line, problem)
    return None
  lists = {name: row.get(name) for name in KEYS[1:]}
  if suffix in TEXT:
    lists = {name: _listed(text) for name, text in lists.items()}
  elif suffix in JSON and (misspelt := _misspelt(row)):
    note(line, choices(misspelt, KEYS))
    return None
  history, times, behaviours = lists.values()
  if not isinstance(history, list):
    note(line, f'history is {history!r:.60}: want a list')
    return None
  if isinstance(times, list):
    times = [seconds_of(time) for time in times]
  history = [as_id(entry) for entry in history]
  return User(line, 1, user_id, history, times or None, behaviours or None)


def _misspelt(row: Mapping[str, Any]) -> str:
  """A key that is nearly one of KEYS; '' of none.

  Any other key is something that a log says beside.
  """
  for name in sorted(row.keys() - set(KEYS)):
    if difflib.get_close_matches(name[:40], KEYS, cutoff=0.8):
      return name
  return ''


def _one_by_one(rows: Iterable[Row]) -> Iterator[Row]:
  """Rows of one thing done each, of rows that list several, as sessions do.

  Lists of the same length go with the items, one for one.
  """
  for line, row in rows:
    items = row.get('item_id')
    if isinstance(items, str) and items.lstrip().startswith('['):
      items = _listed(items)
    if not isinstance(items, list):
      yield line, row
      continue
    for place, item in enumerate(items):
      yield (
        line,
        {
          name: value[place]
          if isinstance(value, list) and len(value) == len(items)
          else value
          for name, value in row.items()
        }
        | {'item_id': item},
      )


def _listed(text: Any) -> Any:
  """The list that a field of text holds, in JSON or with spaces."""
  if text is None:
    return None
  if text.lstrip().startswith('['):
    try:
      return json.loads(text)
    except (ValueError, RecursionError):
      return text
  return text.split()


def _grouped(rows: Iterable[Row], note: Note) -> Iterator[User]:
  """Users of rows that are of one thing done each."""
  done: dict[str, list[tuple[float, str, str | None]]] = {}
  first: dict[str, int] = {}
  for line, row in rows:
    user_id, item_id = as_id(row.get('user_id')), as_id(row.get('item_id'))
    time = seconds_of(row.get('timestamp', 0))
    for name, value in (('user_id', user_id), ('item_id', item_id)):
      if problem := id_problem(name, value):
        note(line, problem)
        break
    else:
      if not isinstance(time, float) or not 0 <= time < MANY:
        note(line, f'timestamp is {row["timestamp"]!r:.60}: want a time')
        continue
      first.setdefault(user_id, line)
      acts = done.setdefault(user_id, [])
      acts.append((time, item_id, row.get('behaviour') or None))
  for user_id, acts in done.items():
    acts.sort(key=lambda act: act[0])  # At one time as the file has them.
    times = [act[0] for act in acts]
    behaviours = [act[2] for act in acts]
    yield User(
      first[user_id],
      len(acts),
      user_id,
      [act[1] for act in acts],
      times if times[-1] else None,
      None if None in behaviours else behaviours,
    )
