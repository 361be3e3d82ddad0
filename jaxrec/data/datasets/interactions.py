"""Bring your own: a table of interactions and a table of items.

    --config.data.name=interactions
    --config.data.interactions_file=FILE  --config.data.items_file=FILE

Both are .tsv, .csv, .jsonl, .ndjson (or these as .gz) or .parquet, see
`tables`; data.dir, where given, is where relative names are looked up. The
columns, which `data.columns` maps to other names:

  interactions  user_id, item_id, timestamp; behaviour if there is one; rating,
                read only where data.min_rating asks for it
  items         item_id; title if there is one; every other column is a text as
                well, for data.text_template, by its name with '_' for what is
                no letter or digit.

Times are unix seconds or ISO 8601, UTC where they name no zone. If the median
of a file's first `PEEK` numbers is above 1e11, all its numbers are
milliseconds, and a note says so.

What is done with them:

- the same user, item, time and behaviour again: dropped and counted; the same
  user and item at another time: kept;
- items that the catalog lacks: dropped and counted;
- a rating below data.min_rating, or none where that is given: dropped and
  counted;
- an item without a title is called by its id, and counted; the first of several
  lines of one item stays;
- an empty or blank id, a time that is none, before 1970 or after 5138:
  malformed, named as file:line and counted;
- no behaviour, or no such column: the behaviour ''.
- Interactions of one time are one event; otherwise the file's order is nothing.
"""

import itertools
import math
import pathlib
import statistics
import types
from collections.abc import Iterator, Mapping

from jaxrec.data.datasets.builder import Builder, Item
from jaxrec.data.datasets.sequence_builder import (
  Interaction,
  SequenceBuilder,
)
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import tables
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.data.readers.times import MAX_SECONDS, unix_seconds
from jaxrec.errors import UserError, choices
from jaxrec.preflight import check_tables

PEEK = 1000
_ITEM = ('item_id', 'title')
COLUMNS = ('user_id', 'item_id', 'timestamp', 'behaviour', 'rating', 'title')
UNTITLED = 'items without a title, called by their ids'
MILLISECONDS = 'files whose times are milliseconds'


class Interactions(SequenceBuilder):
  """Items in their table's order, and who did what with them when.

  Set aside and counted: 'malformed: <reason>', 'repeated items', 'repeated
  interactions', 'interactions with unknown items', 'interactions rated lower',
  'interactions without a rating'.
  """

  LICENSE = 'As its owner says.'
  SOURCE = Source()

  @classmethod
  def bound(cls, directory: str, source: Source) -> type[Builder]:
    """See `Builder.bound`; the columns of the items are read."""
    items, _ = check_tables(pathlib.Path(directory).expanduser(), source)
    for name, _ in source.columns:
      if name not in COLUMNS:
        raise UserError(f'data.columns: {choices(name, COLUMNS)}')
    if not math.isfinite(source.min_rating):
      raise UserError(f'data.min_rating={source.min_rating}: give a number')
    texts = item_columns(items, source)
    attributes = {
      '__module__': cls.__module__,
      '__doc__': cls.__doc__,
      'SOURCE': source,
      'ITEM_TEXTS': ('title', *(n for n in texts if n not in _ITEM)),
    }
    return types.new_class(
      cls.__name__,
      (cls,),
      {'skip_registration': True},
      lambda namespace: namespace.update(attributes),
    )

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """Items and interactions; UserError where one is missing."""
    return check_tables(directory, cls.SOURCE)

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the items."""
    return read_items(self.files(directory)[0], self.SOURCE, self.note)

  def interactions(self, directory: pathlib.Path) -> Iterator[Interaction]:
    """Yields the interactions, in the order of their table."""
    items, path = self.files(directory)
    tally = Tally()  # Of items, which the items config counts.
    catalog = {
      item['item_id']: i
      for i, item in enumerate(read_items(items, self.SOURCE, tally.note))
    }
    return read_interactions(path, catalog, self.SOURCE, self.note)


def _file_names(source: Source, *names: str) -> tuple[dict[str, str], set[str]]:
  """The file's names of columns, by ours, and which of ours were mapped."""
  mapping = dict(source.columns)
  columns = {name: mapping.get(name, name) for name in names}
  return columns, {name for name in names if columns[name] != name}


def item_columns(path: pathlib.Path, source: Source) -> dict[str, str]:
  """The columns of a table of items: the file's names, by ours.

  Raises:
    UserError: no ids, or names that cannot be told apart.
  """
  wanted, mapped = _file_names(source, *_ITEM)
  columns = tables.pick(path, wanted, optional={'title'} - mapped)
  for file_name in tables.columns_of(path):
    name = tables.identifier(file_name)
    if file_name in columns.values() or not name:
      continue
    if name in columns or name in wanted or len(name) > 100:
      raise UserError(
        f'{path}: the column {file_name[:120]!r} cannot be called '
        f'{name[:120]!r}: the name is taken or too long; rename it'
      )
    columns[name] = file_name
  return columns


def read_items(
  path: pathlib.Path, source: Source, note: Note
) -> Iterator[Item]:
  """Yields the items of a table; see the module's docstring.

  Args:
    path: of the table.
    source: which column is what.
    note: called as `Tally.note`.
  """
  rows = tables.rows(path, item_columns(path, source), note)
  for where, item in tables.first_of_each(rows, 'item_id', note):
    if not item.get('title', '').strip():
      key = item['item_id']
      note(UNTITLED, f'{where}: item {key[:50]!r} has no title')
      item['title'] = key
    yield item


def read_interactions(
  path: pathlib.Path,
  catalog: Mapping[str, int],
  source: Source,
  note: Note,
) -> Iterator[Interaction]:
  """Yields the interactions of a table; see the module's docstring.

  Args:
    path: of the table.
    catalog: indices of the items, by id.
    source: which column is what.
    note: called as `Tally.note`.
  """
  names = ['user_id', 'item_id', 'timestamp', 'behaviour']
  if source.min_rating:
    names.append('rating')
  wanted, mapped = _file_names(source, *names)
  columns = tables.pick(path, wanted, optional={'behaviour'} - mapped)
  rows = tables.rows(path, columns, note)
  first = list(itertools.islice(rows, PEEK))
  per_second = 1
  numbers = [_number(row['timestamp']) for _, row in first]
  numbers = [n for n in numbers if math.isfinite(n)]
  if numbers and statistics.median(numbers) > MAX_SECONDS:
    per_second = 1000
    note(
      MILLISECONDS,
      f'{path.name}: times above 1e11 are milliseconds, as all in this file',
    )
  users: dict[str, int] = {}
  kinds: dict[str, int] = {}
  seen: set[int] = set()
  for where, row in itertools.chain(first, rows):
    user, item, behaviour = (
      row['user_id'],
      row['item_id'],
      row.get('behaviour', ''),
    )
    time = unix_seconds(row['timestamp'], per_second)
    rating = _number(row['rating']) if source.min_rating else math.inf
    if not user.strip() or not item.strip() or time is None:
      texts = ', '.join(
        f'{name} {row[name][:50]!r}'
        for name in ('user_id', 'item_id', 'timestamp')
      )
      reason = 'time' if user.strip() and item.strip() else 'id'
      note(f'malformed: no {reason}', f'{where}: {texts}')
    elif item not in catalog:
      note('interactions with unknown items', f'{where}: item {item[:50]!r}')
    elif math.isnan(rating):
      note(
        'interactions without a rating',
        f'{where}: rating {row["rating"][:50]!r}',
      )
    elif rating < source.min_rating:
      note('interactions rated lower')
    else:
      # One integer takes a third of a tuple's memory.
      key = users.setdefault(user, len(users)) * len(catalog) + catalog[item]
      key = (key << 37 | time) << 32 | kinds.setdefault(behaviour, len(kinds))
      if key in seen:
        note('repeated interactions', f'{where}: user {user[:50]!r} again')
      else:
        seen.add(key)
        yield Interaction(user, catalog[item], time, behaviour)


def _number(text: str) -> float:
  """A number; NaN where the text is none."""
  try:
    return float(text)
  except ValueError:
    return math.nan
