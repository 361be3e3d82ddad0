import csv
import functools
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxrec.data.config import DataConfig
from jaxrec.data.datasets import builder_class, interactions
from jaxrec.data.datasets.interactions import (
  read_interactions,
  read_items,
)
from jaxrec.data.datasets.source import Source
from jaxrec.data.prepare import load_dataset
from jaxrec.data.readers import tables
from jaxrec.data.readers import times as times_module
from jaxrec.data.readers.tally import Tally
from jaxrec.errors import UserError
from tests.conftest import SHARED

FORMATS = ('.tsv', '.csv', '.jsonl', '.parquet', '.tsv.gz')
ITEMS = [
  {'item_id': 'a', 'title': 'Amélie, or "Poulain"', 'país de origen': 'France'},
  {'item_id': 'b', 'title': '', 'país de origen': 'Italy'},
  {'item_id': 'c', 'title': '映画', 'país de origen': ''},
]
NAMES = ['user_id', 'item_id', 'timestamp', 'behaviour', 'rating']
ACTIONS = [
  dict(zip(NAMES, values, strict=True))
  for values in (
    ('u', 'a', '100', 'view', '4.5'),
    ('u', 'b', '200', 'buy', '2'),
    ('u', 'a', '100', 'view', '4.5'),  # Once more.
    ('u', 'a', '100', 'buy', '4.5'),
    ('v', 'a', '1970-01-01T00:05:00', 'view', 'nan'),
    ('v', 'a', '400', 'view', '5'),  # At another time.
    ('v', 'x', '500', 'view', '5'),  # Nobody knows x.
    ('', 'a', '500', 'view', '5'),
    ('v', 'b', '-1', 'view', '5'),
    ('v', 'b', 'NaN', 'view', '5'),
    ('w', 'c', '600', 'view', '3'),
  )
]
KEPT = [
  ('u', 0, 100, 'view'),
  ('u', 1, 200, 'buy'),
  ('u', 0, 100, 'buy'),
  ('v', 0, 300, 'view'),
  ('v', 0, 400, 'view'),
  ('w', 2, 600, 'view'),
]
MILLISECONDS = times_module.as_unit('milliseconds')
# Reasons that set nothing aside.
ASIDE = (
  tables.ROWS,
  tables.REPLACED,
  interactions.UNTITLED,
  times_module.EARLY,
  MILLISECONDS,
)


def encoded(records, suffix):
  """A table's bytes."""
  if suffix.endswith('.gz'):
    return gzip.compress(encoded(records, suffix[:-3]), mtime=0)
  names = list(records[0])
  if suffix == '.parquet':
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), out)
    return out.getvalue()
  if suffix in ('.jsonl', '.ndjson'):
    lines = [json.dumps(record) for record in records]
    return ('\n'.join(lines) + '\n').encode()
  if suffix == '.tsv':
    lines = ['\t'.join(names), *('\t'.join(r.values()) for r in records)]
    return ('\n'.join(lines) + '\n').encode()
  out = io.StringIO()
  writer = csv.DictWriter(out, names)
  writer.writeheader()
  writer.writerows(records)
  return out.getvalue().encode()


def read(path, what='interactions', **source):
  """What is kept, and the Tally."""
  tally = Tally()
  source = Source(**source)
  if what == 'items':
    return list(read_items(path, source, tally.note)), tally
  catalog = {'a': 0, 'b': 1, 'c': 2}
  return list(read_interactions(path, catalog, source, tally.note)), tally


def write(path, content):
  path.write_bytes(content if isinstance(content, bytes) else content.encode())
  return path


def set_aside(tally):
  return sum(n for why, n in tally.counts.items() if why not in ASIDE)


@pytest.mark.parametrize('suffix', [*FORMATS, '.ndjson', '.csv.gz'])
def test_every_format_says_the_same(tmp_path, suffix):
  path = write(tmp_path / f'a{suffix}', encoded(ACTIONS, suffix))
  kept, tally = read(path)
  assert [tuple(action) for action in kept] == KEPT
  assert tally.counts == {
    tables.ROWS: len(ACTIONS),
    'repeated interactions': 1,
    'interactions with unknown items': 1,
    'malformed: no id': 1,
    'malformed: no time': 2,
    times_module.EARLY: 1,
  }
  # The file's line, or the row of Parquet and the line of JSON, with no header.
  line = 8 if suffix in ('.jsonl', '.ndjson', '.parquet') else 9
  assert any(n.startswith(f'{path.name}:{line}: user_id') for n in tally.notes)
  path = write(tmp_path / f'i{suffix}', encoded(ITEMS, suffix))
  kept, tally = read(path, 'items')
  assert kept == [
    {
      'item_id': i['item_id'],
      'title': title,
      'país_de_origen': i['país de origen'],
    }
    for i, title in zip(ITEMS, (ITEMS[0]['title'], 'b', '映画'), strict=True)
  ]
  assert tally.counts == {tables.ROWS: 3, interactions.UNTITLED: 1}


def test_ratings_are_a_threshold_if_one_is_given(tmp_path):
  path = write(tmp_path / 'a.tsv', encoded(ACTIONS, '.tsv'))
  kept, tally = read(path, min_rating=3.0)
  assert [tuple(k) for k in kept] == [KEPT[i] for i in (0, 2, 4, 5)]
  assert tally.counts['interactions rated lower'] == 1
  assert tally.counts['interactions without a rating'] == 1
  assert len(kept) + set_aside(tally) == len(ACTIONS)


@pytest.mark.parametrize(
  ('times', 'kept', 'milliseconds'),
  [
    (['1262304000000', '1262304001999'], [1262304000, 1262304001], True),
    (['1262304000.9', '2010-01-01 00:00:01'], [1262304000, 1262304001], False),
    # One number does not decide for the others.
    (['99999999999999', '5', '7'], [5, 7], False),
    (['2010-01-01T01:00:00+01:00', '2010-01-01T00:00:00Z'], [1262304000], 0),
  ],
)
def test_times(tmp_path, times, kept, milliseconds):
  lines = [f'u\ta\t{time}' for time in times]
  path = tmp_path / 'a.tsv'
  write(path, '\n'.join(['user_id\titem_id\ttimestamp', *lines]))
  actions, tally = read(path)
  assert [action.time for action in actions] == kept
  assert tally.counts[MILLISECONDS] == milliseconds
  assert len(actions) + set_aside(tally) == len(times)


def test_typed_columns_of_parquet(tmp_path):
  times = np.array(['2010-01-01T00:00:01.5', 'NaT'], 'datetime64[ns]')
  table = pa.table(
    {
      'Customer ID': [13085.0, 7.0],
      'item_id': pa.array(['a', 'b']).dictionary_encode(),
      'timestamp': times,
    }
  )
  pq.write_table(table, tmp_path / 'a.parquet')
  columns = (('user_id', 'Customer ID'),)
  kept, tally = read(tmp_path / 'a.parquet', columns=columns)
  assert [tuple(k) for k in kept] == [('13085', 0, 1262304001, '')]
  assert tally.counts['malformed: no time'] == 1


def test_a_stray_quote_costs_its_own_line(tmp_path):
  lines = [
    'item_id,title',
    'a,"never closed',
    'b,"two',
    'lines"',
    'c,"so"and',
    'd,12" single',
    'e,"one ""more"""',
  ]
  kept, tally = read(write(tmp_path / 'i.csv', '\n'.join(lines)), 'items')
  # What follows a quote that closes within another line is no record.
  titles = {item['item_id']: item['title'] for item in kept}
  assert titles == {'b': 'two\nlines', 'd': '12" single', 'e': 'one "more"'}
  assert tally.counts['malformed: quotes'] == 2


def test_lines_that_cannot_be_read(tmp_path):
  long = 'x' * (tables.MAX_BYTES + 5)
  content = [
    b'user_id\titem_id\ttimestamp',
    b'u\ta\t1',
    b'u\ta',
    long.encode() + b'\ta\t1',
    b'u\0\ta\t1',
    b'\xff\ta\t1',
    b'',
    b'u\tb\t1\r',
  ]
  kept, tally = read(write(tmp_path / 'a.tsv', b'\n'.join(content)))
  assert [k.user for k in kept] == ['u', '\ufffd', 'u']
  assert tally.counts == {
    tables.ROWS: 6,
    tables.REPLACED: 1,
    'malformed: columns': 1,
    'malformed: too long': 1,
    'malformed: NUL bytes': 1,
    times_module.EARLY: 1,
  }
  assert any(n.startswith('a.tsv:4: a line of more') for n in tally.notes)


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    (
      'a.tsv',
      'userid\titem_id\ttimestamp\n',
      r"'user_id': did you mean 'useri",
    ),
    ('a.tsv', 'user_id\titem_id\titem_id\ttimestamp', r"2 columns 'item_id'"),
    ('a.csv', 'user_id item_id timestamp\n', r'a\.csv: no column .user_id'),
    ('a.csv', 'User ID,MOVIEID,time\n', "'user_id': did you mean 'User ID'"),
    ('a.tsv', '', 'has no column'),
    ('a.jsonl', 'user_id\titem_id', 'has no column'),
    ('a.txt', 'user_id', 'of which format'),
    ('a.parquet', 'PAR1', r'a\.parquet: missing, truncated or damaged'),
    (
      'a.tsv.gz',
      gzip.compress(b'user_id', mtime=0)[:-9],
      'truncated or damaged',
    ),
  ],
)
def test_other_files_are_refused(tmp_path, name, content, message):
  with pytest.raises(UserError, match=message) as raised:
    read(write(tmp_path / name, content))
  assert '\n' not in str(raised.value)


# ------------------------------------------------------------------- the whole
def prepare(directory, cache, protocol='leave_one_out', **options):
  return load_dataset(
    DataConfig(
      name='interactions',
      dir=str(directory),
      interactions_file='a.tsv',
      cache_dir=str(cache),
      protocol=protocol,
      **({'items_file': 'i.csv'} | options),
    )
  )


def test_from_tables_to_what_is_held_out(tmp_path):
  write(tmp_path / 'a.tsv', encoded(ACTIONS, '.tsv'))
  write(tmp_path / 'i.csv', encoded(ITEMS, '.csv'))
  make = functools.partial(prepare, tmp_path, tmp_path / 'cache')
  dataset = make()
  assert dataset.behaviours == ('view', 'buy')
  assert list(dataset.items['país_de_origen']) == ['France', 'Italy', '']
  assert dataset.counts['sequences']['interactions'] == len(KEPT)
  # v: a, then a again; u: a seen and bought, then b.
  assert dataset.test.candidates.tolist() == [1, 0]
  assert dataset.test.history.tolist() == [0, 0, 0]
  assert dataset.test.history_behaviours.tolist() == [0, 1, 0]
  again = make(target_behaviour='buy')
  assert again.behaviours == dataset.behaviours
  assert again.fingerprint == dataset.fingerprint
  assert again.test.candidates.tolist() == [1]
  with pytest.raises(UserError, match="target_behaviour: 'bye' is unknown"):
    make(target_behaviour='bye')
  rated = make(min_rating=3.0)
  assert rated.counts['sequences']['interactions'] == 4


def test_one_table_one_future_line_and_one_item(tmp_path):
  rows = [
    (f'u{u}', f'i{(u + k) % 7}', f'2020-01-{k + 1:02} 10:{u:02}:00 UTC', 'Mug')
    for u in range(10)
    for k in range(4)
  ]
  rows.append(('bot', 'i3', '2099-12-31', 'Mug'))
  names = ('user_id', 'item_id', 'timestamp', 'title')
  make = lambda rows: write(
    tmp_path / 'a.tsv',
    encoded([dict(zip(names, row, strict=True)) for row in rows], '.tsv'),
  )
  make(rows)
  dataset = prepare(tmp_path, tmp_path / 'cache', items_file='')
  assert sorted(dataset.items) == ['item_id', 'title']
  assert len(dataset.items['item_id']) == 7
  (note,) = dataset.notes
  assert note.startswith('of 41 actions 1 is dated after 2020-01-04, far from')
  make(rows[:1] * 4)
  with pytest.raises(UserError, match='one item alone: there is nothing to'):
    prepare(tmp_path, tmp_path / 'cache', items_file='')


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'items_file': ''}, r'data\.items_file is empty'),
    ({'items_file': 'none.csv'}, r'none\.csv: there is no such file'),
    ({'columns': (('userid', 'x'),)}, "did you mean 'user_id'"),
    ({'columns': (('title', 'nom'),)}, r"no column 'nom'"),
    ({'min_rating': float('nan')}, r'data\.min_rating=nan'),
  ],
)
def test_options_that_cannot_be(tmp_path, options, message):
  write(tmp_path / 'a.tsv', encoded(ACTIONS, '.tsv'))
  write(tmp_path / 'i.csv', encoded(ITEMS, '.csv'))
  given = {'interactions_file': 'a.tsv', 'items_file': 'i.csv'} | options
  with pytest.raises(UserError, match=message):
    interactions.Interactions.bound(str(tmp_path), Source(**given))


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    ({'min_rating': 4}, r'data\.min_rating=4: is of data\.name=interactions'),
    ({'item_columns': ('a', 'b')}, r'data\.item_columns=a,b: is of'),
  ],
)
def test_options_of_another_dataset(given, message):
  with pytest.raises(UserError, match=message):
    builder_class('movielens').bound('x', Source(**given))


def test_the_real_one(tmp_path):
  directory = SHARED / 'lastfm'
  if not directory.is_dir():
    pytest.skip(f'{directory} is absent')
  given = Source('interactions.tsv', 'items.tsv')
  bound = interactions.Interactions.bound(str(directory), given)
  items, actions = bound.files(directory)
  tally = Tally()
  catalog = {
    item['item_id']: i
    for i, item in enumerate(read_items(items, given, tally.note))
  }
  assert len(catalog) == 4404
  kept = list(read_interactions(actions, catalog, given, tally.note))
  assert len(kept) == 24_691 and set_aside(tally) == 0


def test_sessions_of_a_parquet_file(tmp_path):
  """A row for each, with lists of items, and of their times or not."""
  sessions = [
    {'user_id': 'u', 'item_id': ['a', 'b'], 'timestamp': [100, 200]},
    {'user_id': 'v', 'item_id': ['c'], 'timestamp': [300]},
  ]
  pq.write_table(pa.Table.from_pylist(sessions), tmp_path / 'log.parquet')
  tally = Tally()
  catalog = {'a': 0, 'b': 1, 'c': 2}
  found = read_interactions(
    tmp_path / 'log.parquet', catalog, Source(), tally.note
  )
  assert [tuple(one)[:3] for one in found] == [
    ('u', 0, 100),
    ('u', 1, 200),
    ('v', 2, 300),
  ]


def test_the_catalog_may_call_its_ids_otherwise(tmp_path):
  (tmp_path / 'items.csv').write_text('track,name\na,First\n')
  columns = (('item_id', 'tracks'), ('catalog_id', 'track'), ('title', 'name'))
  (item,) = read_items(
    tmp_path / 'items.csv',
    Source('log.csv', 'items.csv', columns=columns),
    Tally().note,
  )
  assert item == {'item_id': 'a', 'title': 'First'}
