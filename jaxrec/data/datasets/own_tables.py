"""Tables of one's own: what their columns are, and the items in them.

Items have a table, or are what the interactions say of them:

    --config.data.items_file=FILE        a table, every column of it a text
    --config.data.item_columns=a,b       of the table these columns alone
    no items_file                        the interactions, which have a title;
                                         of them only the title and what
                                         data.item_columns names

An item's columns have the names of the file, with '_' for what is no letter or
digit, but for those that `data.columns` maps. This module imports no
TensorFlow: what is wrong with a table's columns is told at once.
"""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import tables
from jaxrec.data.readers.baskets import taken_apart
from jaxrec.data.readers.tally import Note
from jaxrec.errors import UserError, choices
from jaxrec.preflight import check_tables

KEYS = ('item_id', 'title')
MOST_COLUMNS = 500
MOST_NAME = 100  # Characters.
UNTITLED = 'items without a title, called by their ids'
RENAMED = 'columns called otherwise, for their names are taken'
WHOLE = 'items that are whole numbers, 12.0 in one table and 12 in the other'
NOT_READ = 'columns of the interactions that are not read'
RETITLED = 'items with several titles, of which the first stays'


def check(data: Any) -> None:
  """UserError of what is wrong with tables of one's own, of none of others.

  Args:
    data: the section `data` of a config.
  """
  if data.name == 'interactions':
    source, directory = Source.of(data), pathlib.Path(data.dir).expanduser()
    items, interactions = check_tables(directory, source)
    columns_of_tables(items, interactions, source)


def file_names(source: Source, *names: str) -> tuple[dict[str, str], set[str]]:
  """The file's names of columns, by ours, and which of ours were mapped."""
  mapping = dict(source.columns)
  columns = {name: mapping.get(name, name) for name in names}
  return columns, {name for name in names if columns[name] != name}


def columns_of_tables(
  items: pathlib.Path, interactions: pathlib.Path, source: Source
) -> tuple[dict[str, str], dict[str, str]]:
  """The columns of both tables, the file's names by ours.

  Args:
    items, interactions: the tables; the same where there is one.
    source: what is called how.

  Raises:
    UserError: names all columns that are missing.
  """
  problems: list[str] = []
  columns: list[dict[str, str]] = []
  for read, path in (
    (item_columns, items),
    (interaction_columns, interactions),
  ):
    try:
      columns.append(read(path, source))
    except UserError as e:
      problems.append(str(e))
      if source.is_one_table:  # It has named those of the other as well.
        break
  if problems:
    raise UserError('; '.join(problems))
  of_items, of_interactions = columns
  return of_items, of_interactions


def interaction_columns(path: pathlib.Path, source: Source) -> dict[str, str]:
  """The columns of interactions that are read: the file's names, by ours.

  Raises:
    UserError: names all columns that are missing.
  """
  wanted, mapped = _wanted_of_interactions(source)
  return tables.pick(path, wanted, optional={'behaviour'} - mapped)


def _wanted_of_interactions(source: Source) -> tuple[dict[str, str], set[str]]:
  names = ['user_id', 'item_id', 'timestamp', 'behaviour']
  if source.min_rating:
    names.append('rating')
  return file_names(source, *names)


def item_columns(path: pathlib.Path, source: Source) -> dict[str, str]:
  """The columns of what items are read from: the file's names, by ours.

  Args:
    path: of the table of items; of the interactions where the source names no
      other.
    source: what is called how.

  Raises:
    UserError: no ids, no titles where the interactions should have them, or
      columns that are not there.
  """
  wanted, mapped = file_names(source, *KEYS)
  if source.is_one_table:
    columns, present = _columns_of_one_table(path, source, wanted), []
  else:
    in_catalog = dict(source.columns).get('catalog_id') or wanted['item_id']
    picked = tables.pick(
      path,
      {'catalog_id': in_catalog, 'title': wanted['title']},
      optional={'title'} - mapped,
    )
    columns = {
      'item_id' if name == 'catalog_id' else name: file_name
      for name, file_name in picked.items()
    }
    present = tables.all_columns_of(path)
  if source.item_columns:
    present = _chosen(path, source.item_columns)
  for file_name in present:
    if file_name in columns.values() or not tables.identifier(file_name):
      continue
    columns[_free_name(path, file_name, {*columns, *KEYS})] = file_name
  if len(columns) > MOST_COLUMNS:
    raise UserError(
      f'{path}: has {len(columns):,} columns, where at most {MOST_COLUMNS} are '
      'read: name those that say something of an item, '
      '--config.data.item_columns=NAME,NAME'
    )
  return columns


def _columns_of_one_table(
  path: pathlib.Path, source: Source, wanted: dict[str, str]
) -> dict[str, str]:
  """Ids and titles of a table that has the interactions too.

  Raises:
    UserError: names all that is missing of either.
  """
  others, mapped = _wanted_of_interactions(source)
  try:
    tables.pick(path, {**others, **wanted}, optional={'behaviour'} - mapped)
  except UserError as e:
    if wanted['title'] in tables.all_columns_of(path):
      raise
    raise UserError(
      f'{e}; data.items_file is empty, so items are read from the '
      'interactions: name the column of their titles, or give '
      '--config.data.items_file=FILE'
    ) from e
  return dict(wanted)


def _chosen(path: pathlib.Path, names: tuple[str, ...]) -> list[str]:
  """The columns that data.item_columns names."""
  present = tables.all_columns_of(path)
  by_ours = {tables.identifier(name): name for name in reversed(present)}
  for name in names:
    if name not in present and name not in by_ours:
      raise UserError(f'data.item_columns: {path}: {choices(name, present)}')
  return [name if name in present else by_ours[name] for name in names]


def _free_name(path: pathlib.Path, file_name: str, taken: set[str]) -> str:
  """What a column is called: its name, with a number where that is taken."""
  plain = tables.identifier(file_name)
  if len(plain) > MOST_NAME:
    raise UserError(
      f'{path}: the column {file_name[:120]!r} has a name of more than '
      f'{MOST_NAME} characters: rename it, or leave it out by '
      '--config.data.item_columns=NAME,NAME'
    )
  name, number = plain, 2
  while name in taken:
    name, number = f'{plain}_{number}', number + 1
  return name


def own_names(columns: dict[str, str]) -> dict[str, str]:
  """Our names by a file's, where they differ; see `item_columns`."""
  return {in_file: ours for ours, in_file in columns.items() if ours != in_file}


def read_items(
  path: pathlib.Path, source: Source, note: Note
) -> Iterator[dict[str, str]]:
  """Yields the items of a table: their texts by our names of columns.

  Args:
    path: as `item_columns` takes it.
    source: what is called how.
    note: called as `Tally.note`.
  """
  columns = item_columns(path, source)
  for ours, file_name in columns.items():
    # A mapped name is its owner's; one that was numbered he has not seen.
    if ours not in (*KEYS, tables.identifier(file_name)):
      note(RENAMED, f'{path.name}: the column {file_name!r} is called {ours!r}')
  if source.is_one_table:
    if others := _columns_not_read(path, columns, source):
      read = ', '.join(('title', *source.item_columns))
      more = ','.join((*source.item_columns, *others))[:200]
      note(
        NOT_READ,
        f'{path.name}: of items {read} alone is read; '
        f'--config.data.item_columns={more} would read more',
      )
    items = _of_interactions(path, columns, note)
  else:
    rows = tables.rows(path, columns, note)
    items = tables.first_of_each(rows, 'item_id', note)
  for where, item in items:
    if not item.get('title', '').strip():
      key = item['item_id']
      note(UNTITLED, f'{where}: item {key[:50]!r} has no title')
      item['title'] = key
    yield item


def _columns_not_read(
  path: pathlib.Path, columns: dict[str, str], source: Source
) -> list[str]:
  """The columns of interactions that say nothing of anything yet."""
  read = {*columns.values(), *_wanted_of_interactions(source)[0].values()}
  return [name for name in tables.columns_of(path) if name not in read]


def _of_interactions(
  path: pathlib.Path, columns: dict[str, str], note: Note
) -> Iterator[tuple[str, dict[str, str]]]:
  """Yields ('file:line', item), in the order in which items come up first.

  Of each column the first value counts that is not blank. What is wrong with a
  row is noted by whoever reads the interactions.
  """
  items: dict[str, tuple[str, dict[str, str]]] = {}
  retitled: set[str] = set()
  heard = _only_replaced(note)
  rows = tables.rows(path, columns, heard)
  for where, row in taken_apart(rows, 'item_id', heard):
    key = row['item_id']
    if tables.id_problem(key):
      continue
    if key not in items:
      items[key] = where, row
      continue
    item = items[key][1]
    title = row['title']
    differs = title != item['title'] and title.strip() and item['title'].strip()
    if differs and key not in retitled:
      retitled.add(key)
      note(RETITLED, f'{where}: item {key[:50]!r} is {title[:80]!r} too')
    for name, value in row.items():
      if value and not item[name].strip():
        item[name] = value
  yield from items.values()


def by_whole_number(catalog: Mapping[str, int]) -> dict[str, int]:
  """The items whose ids are whole numbers, by these without a '.0'.

  None of those that are both 12 and 12.0: they are two items.
  """
  numbers: dict[str, int] = {}
  twice: set[str] = set()
  for key, index in catalog.items():
    if (plain := whole_number(key)) in numbers:
      twice.add(plain)
    elif plain:
      numbers[plain] = index
  return {plain: i for plain, i in numbers.items() if plain not in twice}


def whole_number(text: str) -> str:
  """'12' of '12', '12.0' and '12.00'; '' of what is no whole number."""
  plain, _, zeros = text.partition('.')
  return plain if plain.isdigit() and not zeros.strip('0') else ''


def _only_replaced(note: Note) -> Note:
  """A Note that passes on which rows have texts that were mended."""

  def passed_on(reason: str, where: str = '', times: int = 1) -> None:
    if reason == tables.REPLACED:
      note(reason, where, times)

  return passed_on
