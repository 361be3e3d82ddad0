"""Small files of the publishers' forms, and tables of one's own.

What the defaults make is as little as spoilt files are read from often; what is
trained on has `TRAINED`, in which nobody acts on an item twice.
"""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

TRAINED = {'count': 200, 'users': 10, 'items': 37}
LASTFM = 'userid-timestamp-artid-artname-traid-traname.tsv'
RETAIL = (
  *('Invoice', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'Price'),
  *('Customer ID', 'Country'),
)


def lines(rows, separator: str = '\t') -> bytes:
  """Rows of a table without quotes."""
  return ''.join(separator.join(map(str, r)) + '\n' for r in rows).encode()


def json_lines(rows) -> bytes:
  """Likewise, of dicts."""
  return ''.join(json.dumps(row) + '\n' for row in rows).encode()


def retail(count=16, users=4, items=5) -> list[tuple]:
  """Lines of invoices, the columns' names first; some are no sales."""
  rows = [RETAIL]
  for i in range(count):
    time = f'2010-0{1 + i % 9}-01 07:45:00'
    sort = i % items
    rows.append(
      (
        *(489434 + i // 2, 85048 + sort, f'MUG  {sort}', 1 + i, time),
        *(2.5, 13085 + i % users, 'UK'),
      )
    )
  rows[3] = ('C489434', *rows[3][1:])
  rows[4] = (489434, 'POST', 'POSTAGE', *rows[4][3:])
  rows[5] = (*rows[5][:6], '', 'UK')
  return rows


def amazon(count=14, users=4, items=6) -> dict[str, list[dict]]:
  """Metadata and reviews of one category, by file, without the '.gz'."""
  meta = [
    {'main_category': 'Toys', 'title': f'Toy {i}', 'store': 'A', 'price': 1.5}
    | {'features': ['red', 'round'], 'categories': ['Toys', 'Balls']}
    | {'parent_asin': f'B{i}', 'average_rating': 4.5}
    for i in range(items)
  ]
  reviews = [
    {'rating': 5.0, 'user_id': f'U{i % users}', 'parent_asin': f'B{i % items}'}
    | {'timestamp': 1_600_000_000_123 + 1000 * i, 'text': 'good', 'asin': 'C'}
    for i in range(count)
  ]
  return {'meta_T.jsonl': meta, 'T.jsonl': reviews}


def lastfm(count=16, users=3, items=5) -> list[tuple]:
  """Plays; a third of the tracks have an id."""
  rows = []
  for i in range(count):
    track = ('' if i % 3 else f't{i % items}', f'Song "{i % items}')
    time = f'2009-05-0{1 + i % 9}T23:08:57Z'
    rows.append((f'user_{i % users}', time, f'a{i % 2}', 'Sigur Rós', *track))
  return rows


def tables(count=16, users=4, items=5) -> dict[str, list[tuple]]:
  """One's own items and interactions, the columns' names first, by table."""
  names = ('user_id', 'item_id', 'timestamp', 'behaviour', 'rating')
  actions = [
    (
      *(f'u{i % users}', f'i{i % items}', 10**9 + 60 * i),
      *(('view', 'buy')[i % 3 > 1], 1 + i % 5),
    )
    for i in range(count)
  ]
  things = [(f'i{i}', f'Thing {i}', 'café') for i in range(items)]
  return {
    'items': [('item_id', 'title', 'sold at'), *things],
    'interactions': [names, *actions],
  }


def lists(count=30, users=4, items=5) -> dict[str, list[dict]]:
  """One's own items and lists that were shown, by table; one click each."""
  things = [
    {'item_id': f'i{i}', 'title': f'Thing {i}', 'category': f'kind {i % 3}'}
    for i in range(items)
  ]
  shown = []
  for i in range(count):
    keys = [f'i{(i * 7 + k * k) % items}' for k in range(4)]
    candidates = list(dict.fromkeys(keys))
    labels = [int(k == i % len(candidates)) for k in range(len(candidates))]
    shown.append(
      {'user_id': f'u{i % users}', 'timestamp': 10**9 + 60 * i}
      | {'candidates': candidates, 'labels': labels}
    )
  return {'items': things, 'impressions': shown}


def write(directory: pathlib.Path) -> dict[str, pathlib.Path]:
  """Writes what can be trained on; directories by names of datasets."""
  found = {
    name: directory / name
    for name in (
      *('online_retail', 'amazon', 'lastfm_1k', 'interactions'),
      'impressions',
    )
  }
  for path in found.values():
    path.mkdir()
  names, *rows = retail(**TRAINED)
  columns = [list(map(str, column)) for column in zip(*rows, strict=True)]
  table = pa.table(dict(zip(names, columns, strict=True)))
  pq.write_table(table, found['online_retail'] / 'a.parquet')
  contents = {
    'amazon': {n: json_lines(r) for n, r in amazon(**TRAINED).items()},
    'lastfm_1k': {LASTFM: lines(lastfm(**TRAINED))},
    'interactions': {
      f'{n}.tsv': lines(r) for n, r in tables(**TRAINED).items()
    },
    'impressions': {
      f'{n}.jsonl': json_lines(r) for n, r in lists(**TRAINED).items()
    },
  }
  for name, files in contents.items():
    for file, content in files.items():
      (found[name] / file).write_bytes(content)
  return found
