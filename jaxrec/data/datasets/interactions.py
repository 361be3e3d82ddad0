"""Bring your own: a table of interactions and a table of items, or one of both.

    --config.data.name=interactions
    --config.data.interactions_file=FILE  --config.data.items_file=FILE

Both are .tsv, .csv, .jsonl, .ndjson (or these as .gz) or .parquet, see
`tables`; data.dir, where given, is where relative names are looked up. The
columns, which `data.columns` maps to other names:

  interactions  user_id, item_id, timestamp; behaviour if there is one; rating,
                read only where data.min_rating asks for it
  items         item_id; title if there is one; every other column is a text as
                well, for data.text_template, by its name with '_' for what is
                no letter or digit; data.item_columns may name some alone

Without data.items_file the interactions have a title too, and items are made of
them: see `own_tables`.

A row may list several items, as orders and sessions do: each is an interaction
of the row's user and time, or of its own time, where that column lists as many.

Times are unix seconds, or another unit by their size, or dates: see
`times.Clock`.

What is done with them:

- the same user, item, time and behaviour again: dropped and counted; the same
  user and item at another time: kept;
- items that the catalog lacks: dropped and counted; 12.0 in one table and 12 in
  the other are one item, and counted;
- a rating below data.min_rating, or none where that is given: dropped and
  counted;
- an item without a title is called by its id, and counted; the first of several
  lines of one item stays;
- an id that is empty, blank, 'nan', 'NULL' or the like, or of more than 512
  characters; a time that is none, before 1970 or after 5138: malformed, named
  as file:line and counted;
- no behaviour, or no such column: the behaviour ''.
- Interactions of one second are one event; otherwise the file's order is
  nothing. If the file has parts of a second, those that lie in one second of a
  user are counted.
"""

import itertools
import math
import pathlib
import types
from collections.abc import Iterator, Mapping

from jaxrec.data.config import OWN_COLUMNS
from jaxrec.data.datasets import own_tables
from jaxrec.data.datasets.builder import Builder, Item
from jaxrec.data.datasets.own_tables import (
  UNTITLED,
  WHOLE,
  by_whole_number,
  item_columns,
  read_items,
  whole_number,
)
from jaxrec.data.datasets.sequence_builder import (
  Interaction,
  SequenceBuilder,
)
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import tables
from jaxrec.data.readers.baskets import taken_apart
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.data.readers.times import WANTED, WITHIN, Clock, number
from jaxrec.errors import UserError, choices
from jaxrec.preflight import check_tables

__all__ = ['UNTITLED', 'Interactions', 'item_columns', 'read_items']

PEEK = 1000


class Interactions(SequenceBuilder):
  """Items in their table's order, and who did what with them when.

  Set aside and counted: 'malformed: <reason>', 'repeated items', 'repeated
  interactions', 'interactions with unknown items', 'interactions rated lower',
  'interactions without a rating'.
  """

  LICENSE = 'As its owner says.'
  SOURCE = Source()
  USES = (own_tables,)

  @classmethod
  def bound(cls, directory: str, source: Source) -> type[Builder]:
    """See `Builder.bound`; the columns of the items are read."""
    source.check(cls.name)
    where = pathlib.Path(directory).expanduser()
    items, interactions = check_tables(where, source)
    for name, _ in source.columns:
      if name not in OWN_COLUMNS[cls.name]:
        known = OWN_COLUMNS[cls.name]
        raise UserError(f'data.columns: {choices(name, known)}')
    if not math.isfinite(source.min_rating):
      raise UserError(f'data.min_rating={source.min_rating}: give a number')
    texts, _ = own_tables.columns_of_tables(items, interactions, source)
    attributes = {
      '__module__': cls.__module__,
      '__doc__': cls.__doc__,
      'SOURCE': source,
      'ITEM_TEXTS': ('title', *(n for n in texts if n not in own_tables.KEYS)),
      'OWN_NAMES': own_tables.own_names(texts),
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
  columns = own_tables.interaction_columns(path, source)
  rows = taken_apart(tables.rows(path, columns, note), 'item_id', note, catalog)
  first = list(itertools.islice(rows, PEEK))
  clock = Clock(
    path.name, [(where, row['timestamp']) for where, row in first], note
  )
  by_number = by_whole_number(catalog)
  users: dict[str, int] = {}
  kinds: dict[str, int] = {}
  seen: set[int] = set()
  latest: dict[int, float] = {}  # Of each user, the time of the last line.
  for where, row in itertools.chain(first, rows):
    user, item = row['user_id'], row['item_id']
    behaviour = row.get('behaviour', '')
    seconds = clock.seconds(row['timestamp'], where)
    rating = math.inf
    if source.min_rating:  # With ';' between columns, 3,5 is three and a half.
      rating = number(row['rating'].replace(',', '.'))
    problem = tables.id_problem(user) or tables.id_problem(item)
    if problem or seconds is None:
      problem = f'{problem} id' if problem else 'no time'
      note(f'malformed: {problem}', f'{where}: {_shown(row, problem)}')
      continue
    index = catalog.get(item)
    if index is None:
      index = by_number.get(whole_number(item))
      if index is not None:
        note(WHOLE, f'{where}: item {item[:50]!r}')
    if index is None:
      note('interactions with unknown items', f'{where}: item {item[:50]!r}')
    elif math.isnan(rating):
      note(
        'interactions without a rating',
        f'{where}: rating {row["rating"][:50]!r}',
      )
    elif rating < source.min_rating:
      note('interactions rated lower')
    else:
      time, user_index = int(seconds), users.setdefault(user, len(users))
      # One integer takes a third of a tuple's memory.
      key = user_index * len(catalog) + index
      key = (key << 37 | time) << 32 | kinds.setdefault(behaviour, len(kinds))
      before = latest.get(user_index, -1.0)
      latest[user_index] = seconds
      if key in seen:
        again = f'user {user[:50]!r}, item {item[:50]!r} at the same time again'
        note('repeated interactions', f'{where}: {again}: dropped')
        continue
      if before != seconds and int(before) == time:
        note(WITHIN, f'{where}: user {user[:50]!r}, {row["timestamp"][:50]}')
      seen.add(key)
      yield Interaction(user, index, time, behaviour)


def _shown(row: Mapping[str, str], problem: str) -> str:
  """What a malformed row has, and what it should have."""
  texts = ', '.join(
    f'{name} {row[name][:50]!r}' for name in ('user_id', 'item_id', 'timestamp')
  )
  return f'{texts}; want {WANTED}' if problem == 'no time' else texts
