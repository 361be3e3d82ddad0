"""Columns of tables of one's own: found, named, missing, or none's."""

import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxrec.data.config import DataConfig
from jaxrec.data.datasets import own_tables
from jaxrec.data.datasets.interactions import (
  WHOLE,
  Interactions,
  read_interactions,
)
from jaxrec.data.datasets.own_tables import read_items
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import tables
from jaxrec.data.readers.tally import Tally
from jaxrec.errors import UserError
from tests.test_layers import reached

TIME = 1_577_836_800
LOG = 'user_id,item_id,timestamp\n' + ''.join(
  f'u{i % 3},{i % 2},{TIME + i}\n' for i in range(6)
)
ONE = 'user_id,item_id,timestamp,title,brand,price\n' + ''.join(
  f'u{i % 3},{i % 2},{TIME + i},{title},{brand},1\n'
  for i, (title, brand) in enumerate(
    [('', 'Ω'), ('Red mug', ''), ('Blue cup', 'Ψ'), ('Red jug', 'Φ')]
  )
)


def write(path, content):
  if isinstance(content, dict):
    pq.write_table(pa.table(content), path)
  elif isinstance(content, list):
    path.write_text(''.join(f'{json.dumps(row)}\n' for row in content))
  else:
    path.write_bytes(
      content if isinstance(content, bytes) else content.encode()
    )


def read(directory, log, items=None, name='a.csv', items_name='i.csv', **given):
  """The class, items, interactions, and both Tallies."""
  write(directory / name, log)
  if items is not None:
    write(directory / items_name, items)
  given['columns'] = tuple(given.get('columns', {}).items())
  source = Source(name, '' if items is None else items_name, **given)
  cls = Interactions.bound(str(directory), source)
  tallies = Tally(), Tally()
  files = cls.files(directory)
  read_in = list(read_items(files[0], source, tallies[0].note))
  catalog = {item['item_id']: i for i, item in enumerate(read_in)}
  kept = list(read_interactions(files[1], catalog, source, tallies[1].note))
  return cls, read_in, kept, *tallies


def refusal(directory, *args, **given):
  with pytest.raises(UserError) as raised:
    read(directory, *args, **given)
  assert '\n' not in str(raised.value)
  return str(raised.value).replace(f'{directory}/', '')


# -------------------------------------------------------------- one table
def test_one_table_has_the_items_too(tmp_path):
  cls, items, kept, of_items, of_log = read(tmp_path, ONE)
  assert cls.ITEM_TEXTS == ('title',) and len(kept) == 4
  assert items == [
    {'item_id': '0', 'title': 'Blue cup'},  # The first that is not blank.
    {'item_id': '1', 'title': 'Red mug'},
  ]
  assert of_items.counts == {own_tables.RETITLED: 1, own_tables.NOT_READ: 1}
  assert of_items.notes == [
    'a.csv: of items title alone is read; '
    '--config.data.item_columns=brand,price would read more',
    "a.csv:5: item '1' is 'Red jug' too",
  ]
  assert of_log.counts == {tables.ROWS: 4}


def test_columns_of_it_say_something_of_items_if_asked_to(tmp_path):
  cls, items, *_ = read(tmp_path, ONE, item_columns=('brand',))
  assert cls.ITEM_TEXTS == ('title', 'brand')
  assert [item['brand'] for item in items] == ['Ω', 'Φ']
  said = refusal(tmp_path, ONE, item_columns=('brnd',))
  assert said.startswith("data.item_columns: a.csv: 'brnd' is unknown: did you")


def test_bytes_that_are_no_text_are_counted_in_titles_too(tmp_path):
  *_, of_items, of_log = read(tmp_path, ONE.encode().replace(b'mug', b'\xe9'))
  assert of_items.counts[tables.REPLACED] == 1
  assert tables.REPLACED not in of_log.counts


# ------------------------------------------------------- names of columns
@pytest.mark.parametrize(
  ('columns', 'missing'),
  [
    (
      {},
      "no column 'user_id': did you mean 'Customer'?; no column 'item_id': did "
      "you mean 'SKU'?; no column 'timestamp': did you mean 'Order Date'?; no "
      "column 'title': did you mean 'Product Name'? (found: ",
    ),
    (
      {'user_id': 'Customer', 'timestamp': 'Ordered'},
      "no column 'item_id': did you mean 'SKU'?; no column 'Ordered': did you "
      "mean 'Order Date'?; no column 'title': did you ",
    ),
  ],
)
def test_all_that_is_missing_is_told_at_once(tmp_path, columns, missing):
  log = f'Customer,SKU,Order Date,Product Name\nu,i,{TIME},A mug\n'
  said = refusal(tmp_path, log, columns=columns)
  assert said.startswith(f'a.csv: {missing}')
  assert '--config.data.columns.' in said
  assert said.endswith('give --config.data.items_file=FILE')


def test_of_both_tables(tmp_path):
  said = refusal(tmp_path, 'user,item,when\n', 'id,name\n1,A\n')
  assert said.startswith("i.csv: no column 'item_id': did you mean 'id'?")
  assert "; a.csv: no column 'user_id': did you mean 'user'?" in said
  assert "no column 'timestamp': did you mean 'when'?" in said


@pytest.mark.parametrize(
  ('header', 'hint'),
  [
    ('u0,i0,1577836800,A mug', 'does the file lack its first line'),
    ('user_id;item_id;timestamp;title, long', "has 3 ';': does that separate"),
    ('user_id,item_id\ru,i', 'lines end with CR alone'),
  ],
)
def test_what_may_be_wrong_with_a_first_line(tmp_path, header, hint):
  assert hint in refusal(tmp_path, f'{header}\n')


@pytest.mark.parametrize('name', ['a.csv', 'a.tsv', 'a.csv.gz'])
@pytest.mark.parametrize('sign', [';', '\t', '|', ','])
def test_another_separator_is_read_and_told(tmp_path, name, sign):
  text = ONE.replace(',', sign).encode()
  if name.endswith('.gz'):
    import gzip

    text = gzip.compress(text)
  _, items, kept, _, of_log = read(tmp_path, text, name=name)
  assert len(items) == 2 and len(kept) == 4
  usual = sign == {'a.tsv': '\t'}.get(name, ',')
  assert of_log.counts[tables.SEPARATED] == (not usual)
  assert usual or repr(sign) in of_log.notes[0]


def test_utf_16_is_named(tmp_path):
  assert 'UTF-16: save it as UTF-8' in refusal(tmp_path, ONE.encode('utf-16'))


def test_a_name_that_is_taken_costs_no_column(tmp_path):
  items = 'sku,name,title,Art-No\n0,A mug,Mr,7\n1,A cup,Ms,8\n'
  columns = {'item_id': 'sku', 'title': 'name'}
  log = LOG.replace('item_id', 'sku')
  cls, read_in, kept, of_items, _ = read(tmp_path, log, items, columns=columns)
  assert read_in[0] == {
    **{'item_id': '0', 'title': 'A mug', 'title_2': 'Mr', 'Art_No': '7'}
  }
  assert dict(cls.OWN_NAMES) == {
    **{'sku': 'item_id', 'name': 'title', 'title': 'title_2'},
    'Art-No': 'Art_No',
  }
  assert of_items.counts[own_tables.RENAMED] == 1 and len(kept) == 6
  _, few, *_ = read(
    tmp_path, log, items, columns=columns, item_columns=('Art_No',)
  )
  assert set(few[0]) == {'item_id', 'title', 'Art_No'}


# --------------------------------------------------------- late JSON keys
def test_keys_that_come_late_count(tmp_path):
  log = [
    {'user_id': f'u{i % 9}', 'item_id': i % 5, 'timestamp': TIME + i}
    | ({'behaviour': 'buy'} if i > 250 else {})
    for i in range(300)
  ]
  items = [
    {'item_id': i} | ({'title': f'Mug {i}', 'brand': 'Ω'} if i > 250 else {})
    for i in range(300)
  ]
  names = {'name': 'a.jsonl', 'items_name': 'i.jsonl'}
  cls, read_in, kept, *_ = read(tmp_path, log, items, **names)
  assert cls.ITEM_TEXTS == ('title', 'brand')
  assert read_in[299] == {'item_id': '299', 'title': 'Mug 299', 'brand': 'Ω'}
  assert [x.behaviour for x in kept[-2:]] == ['buy'] * 2
  # One that is needed, and one of a single table.
  late = [{k: v for k, v in log[0].items() if k != 'timestamp'}] * 150 + log
  *_, of_log = read(tmp_path, late, items, **names)
  assert of_log.counts['malformed: no time'] == 150
  one = [
    row | ({'title': 'A mug'} if i > 250 else {}) for i, row in enumerate(log)
  ]
  assert read(tmp_path, one, name='a.jsonl')[1][0]['title'] == 'A mug'
  # Of a file that has changed they are read anew.
  items[0]['colour'] = 'red'
  assert read(tmp_path, log, items, **names)[0].ITEM_TEXTS[1] == 'colour'


def test_keys_without_end_are_refused(tmp_path):
  items = [{'item_id': i, f'key{i}': 1} for i in range(600)]
  said = refusal(tmp_path, LOG, items, items_name='i.jsonl')
  assert 'has 602 columns, where at most 500' in said
  assert '--config.data.item_columns=' in said


# ------------------------------------------------------------------- ids
@pytest.mark.parametrize(
  ('of_log', 'of_items', 'kept', 'counted'),
  [
    (['0.0', '1.0'], ['0', '1'], 2, 2),
    (['0', '1'], ['0.0', '1.00'], 2, 2),
    (['1', '1.0'], ['1.0', '1'], 2, 0),  # Two items of one table.
    (['1.00', '1.5'], ['1.0', '1'], 0, 0),
    (['0.5', 'a.0'], ['0.5', 'a.0'], 2, 0),
  ],
)
def test_whole_numbers_are_the_same_with_and_without_a_point(
  tmp_path, of_log, of_items, kept, counted
):
  log = ''.join(f'u,{key},{TIME + i}\n' for i, key in enumerate(of_log))
  items = ''.join(f'{key},Mug {key}\n' for key in of_items)
  _, catalog, found, _, tally = read(
    tmp_path,
    f'user_id,item_id,timestamp\n{log}',
    f'item_id,title\n{items}',
  )
  assert [item['item_id'] for item in catalog] == of_items
  assert len(found) == kept and tally.counts[WHOLE] == counted
  assert tally.counts['interactions with unknown items'] == 2 - kept


def test_decimals_and_floats_of_parquet(tmp_path):
  numbers = [decimal.Decimal(x) for x in ('12.00', '13.50', '14.00')]
  log = {
    'user_id': [1.0, float('nan'), 2.0],
    'item_id': pa.array(numbers),
    'timestamp': pa.array([decimal.Decimal(f'{TIME}.0')] * 3),
  }
  items = {'item_id': [12, 14], 'title': ['A mug', 'A cup']}
  _, _, kept, _, tally = read(
    tmp_path, log, items, name='a.parquet', items_name='i.parquet'
  )
  assert [(x.user, x.item, x.time) for x in kept] == [
    *[('1', 0, TIME), ('2', 1, TIME)]
  ]
  assert tally.counts['malformed: no id'] == 1


def test_ids_that_are_none(tmp_path):
  bad = ['', ' ', *sorted(tables.NO_ID), 'u' * 400_000]
  lines = ''.join(f'{key},0,{TIME}\nu,{key},{TIME}\n' for key in bad)
  _, items, kept, of_items, of_log = read(
    tmp_path, LOG + lines, f'item_id,title\n0,A\n1,B\n{bad[-1]},C\nNULL,D\n'
  )
  assert len(items) == 2 and len(kept) == 6
  assert of_log.counts['malformed: no id'] == 2 * (len(bad) - 1)
  assert of_log.counts['malformed: too long id'] == 2
  assert of_items.counts['malformed: too long item_id'] == 1
  assert of_items.counts['malformed: no item_id'] == 1
  assert all(len(note) < 300 for note in of_log.notes + of_items.notes)


def test_half_of_a_pair_is_a_replaced_character(tmp_path):
  log = [{'user_id': '\ud83d', 'item_id': 0, 'timestamp': TIME, 'title': 'A'}]
  _, _, kept, _, tally = read(tmp_path, log, name='a.jsonl')
  assert kept[0].user == '\ufffd' and tally.counts[tables.REPLACED] == 1


def test_a_rating_with_a_comma(tmp_path):
  log = f'user_id;item_id;timestamp;title;rating\nu;0;{TIME};A;3,5\n'
  assert len(read(tmp_path, log, min_rating=3.0)[2]) == 1
  assert not read(tmp_path, log, min_rating=4.0)[2]


def test_what_is_wrong_with_columns_is_told_before_tensorflow(tmp_path):
  packages = set().union(*reached('jaxrec.data.datasets.own_tables').values())
  assert 'pyarrow' in packages and 'tensorflow' not in packages
  write(tmp_path / 'a.csv', 'userid,item_id,timestamp,title\n')
  config = DataConfig(
    name='interactions', dir=str(tmp_path), interactions_file='a.csv'
  )
  with pytest.raises(UserError, match="'user_id': did you mean 'userid'"):
    own_tables.check(config)
  own_tables.check(DataConfig())  # Of a demo.
