"""Amazon Reviews 2023 (Hou et al., 2024; amazon-reviews-2023.github.io).

`config.data.dir` holds one category as published, gzipped or not:

  <Category>.jsonl[.gz]       user_id, parent_asin, timestamp (milliseconds)
  meta_<Category>.jsonl[.gz]  parent_asin, title, main_category, categories,
                              store, price, features

The item is the parent_asin, the product whatever its colour or size. Every
review is an interaction, whatever its stars. Files are read line by line.
"""

import json
import pathlib
from collections.abc import Iterator

from jaxrec.data.datasets.builder import Item
from jaxrec.data.datasets.sequence_builder import (
  Interaction,
  SequenceBuilder,
)
from jaxrec.data.readers import tables
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.data.readers.times import unix_seconds
from jaxrec.errors import UserError

SUFFIXES = ('.jsonl', '.jsonl.gz')
REVIEW = ('user_id', 'parent_asin', 'timestamp')
META = (
  *('parent_asin', 'title', 'main_category', 'categories', 'store'),
  *('price', 'features'),
)
FEATURES_LENGTH = 300  # Characters of an item's features that are kept.
UNTITLED = 'items without a title'


class Amazon(SequenceBuilder):
  """Products in the order of the metadata, and who reviewed them when.

  Texts are the title, the category ('A > B', else the main category), the
  store, the price ('' where there is none) and the beginning of the features.
  Counted and dropped: 'malformed: <reason>', 'repeated items' (the first
  stays), 'reviews of unknown items'.
  """

  ITEM_TEXTS = ('title', 'category', 'store', 'price', 'features')
  HOMEPAGE = 'https://amazon-reviews-2023.github.io'
  LICENSE = 'As its publisher, the McAuley Lab, says.'

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """Metadata and reviews; UserError where not of exactly one category."""
    names = {path.name for path in directory.glob('*.jsonl*') if path.is_file()}
    categories: dict[str, dict[bool, list[str]]] = {}
    for name in sorted(names):
      category = name.removeprefix('meta_').partition('.jsonl')[0]
      if name.endswith(SUFFIXES):
        kinds = categories.setdefault(category, {False: [], True: []})
        kinds[name.startswith('meta_')].append(name)
    if len(categories) == 1:
      reviews, meta = next(iter(categories.values())).values()
      if len(reviews) == len(meta) == 1:
        return [directory / meta[0], directory / reviews[0]]
    present = ', '.join(sorted(names))[:300]
    raise UserError(
      f'data.dir={directory}: found {present or "no .jsonl"}: give a '
      'directory with exactly one category: <Category>.jsonl and '
      'meta_<Category>.jsonl, each once, as .gz or not'
    )

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the products."""
    return _products(self.files(directory)[0], self.note)

  def interactions(self, directory: pathlib.Path) -> Iterator[Interaction]:
    """Yields every review of a known product."""
    meta, path = self.files(directory)
    tally = Tally()  # Of products, which the items config counts.
    products = {
      item['item_id']: i for i, item in enumerate(_products(meta, tally.note))
    }
    columns = tables.pick(path, {name: name for name in REVIEW}, option='')
    for where, row in tables.rows(path, columns, self.note):
      user, item = row['user_id'], row['parent_asin']
      seconds = unix_seconds(row['timestamp'], per_second=1000)
      if not user.strip() or seconds is None:
        detail = f'user_id {user[:50]!r}, timestamp {row["timestamp"][:50]!r}'
        self.note('malformed: not a review', f'{where}: {detail}')
      elif item not in products:
        self.note('reviews of unknown items', f'{where}: item {item[:50]!r}')
      else:
        yield Interaction(user, products[item], seconds)


def _products(path: pathlib.Path, note: Note) -> Iterator[Item]:
  columns = tables.pick(path, {name: name for name in META}, option='')
  rows = tables.rows(path, columns, note)
  for where, row in tables.first_of_each(rows, 'parent_asin', note):
    key, title = row['parent_asin'], ' '.join(row['title'].split())
    if not title:
      note(UNTITLED, f'{where}: item {key[:50]!r} has no title')
    yield {
      'item_id': key,
      'title': title,
      'category': ' > '.join(_texts(row['categories'])) or row['main_category'],
      'store': row['store'],
      'price': '' if row['price'] == 'None' else row['price'],
      'features': ' '.join(_texts(row['features']))[:FEATURES_LENGTH],
    }


def _texts(text: str) -> list[str]:
  """What a JSON list holds, without nulls; of another text, that alone."""
  try:
    values = json.loads(text) if text.startswith('[') else [text]
  except (ValueError, RecursionError):
    values = [text]
  return [
    ' '.join(str(v).encode('utf-8', 'replace').decode().split())
    for v in values
    if v is not None and v != ''
  ]
