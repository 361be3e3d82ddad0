"""Lists that were shown: two shapes, every format, and no look ahead."""

import functools
import itertools
import json

import numpy as np
import pytest

from jaxrec.data.config import ColumnsConfig, DataConfig
from jaxrec.data.datasets import impression_index, own_tables
from jaxrec.data.datasets.impressions import Impressions
from jaxrec.data.datasets.source import Source
from jaxrec.data.prepare import load_dataset
from jaxrec.data.readers import tables
from jaxrec.errors import UserError
from tests.data.datasets.test_interactions import encoded, write

NOON = 1_600_000_000
ITEMS = [f'n{i}' for i in range(12)]
TITLES = [{'item_id': key, 'title': f'News {key}'} for key in ITEMS]


def log(seed=0, count=60, users=5):
  """Lists that were shown; several of a user share a time."""
  rng = np.random.default_rng(seed)
  shown = []
  for i in range(count):
    size = int(rng.integers(1, 7))
    shown.append(
      {
        'impression_id': f's{i}',
        'user_id': f'u{rng.integers(users)}',
        'timestamp': NOON + int(rng.integers(count // 3)),
        'candidates': rng.permutation(ITEMS)[:size].tolist(),
        'labels': rng.integers(0, 2, size).tolist(),
      }
    )
  return shown


def with_clicked(shown):
  """The ids that were clicked in place of labels."""
  pairs = zip(shown['candidates'], shown['labels'], strict=True)
  clicked = [key for key, label in pairs if label]
  rest = {key: value for key, value in shown.items() if key != 'labels'}
  return rest | {'clicked': clicked}


def in_pairs(shown):
  """As MIND has it."""
  pairs = zip(shown['candidates'], shown['labels'], strict=True)
  words = ' '.join(f'{key}-{label}' for key, label in pairs)
  rest = {key: value for key, value in shown.items() if key != 'labels'}
  return rest | {'candidates': words}


def spaced(shown):
  """Lists as texts."""
  return {
    key: ' '.join(map(str, value)) if isinstance(value, list) else value
    for key, value in shown.items()
  }


def as_rows(lists):
  """A row a candidate: the first of every list, then the second, and so on."""
  rows = []
  for place in range(max(len(shown['candidates']) for shown in lists)):
    for shown in lists:
      if place < len(shown['candidates']):
        row = {**shown, 'item_id': shown['candidates'][place]}
        row['label'] = shown['labels'][place]
        del row['candidates'], row['labels']
        rows.append(row)
  return rows


def strings(records):
  """As text files have them."""
  return [{k: str(v) for k, v in record.items()} for record in records]


def read(directory, name='a.jsonl', test='', split=None, **columns):
  """The records, by ids in place of indices, and the counts and notes."""
  if not (directory / 'i.tsv').exists():
    write(directory / 'i.tsv', encoded(TITLES, '.tsv'))
  source = Source(
    impressions_file=name,
    test_impressions_file=test,
    items_file='i.tsv',
    columns=tuple(columns.items()),
  )
  cls = Impressions.bound(str(directory), source)
  of_items, of_lists = (
    cls(config=config, data_dir=directory / 'prepared')
    for config in ('items', 'impressions')
  )
  ids = [item['item_id'] for item in of_items.items(directory)]
  records = [
    record
    | {key: [ids[i] for i in record[key]] for key in ('history', 'candidates')}
    for record in of_lists.impressions(directory, split or cls.SPLITS[0])
  ]
  of_lists.counts.update(of_items.counts)
  del of_lists.counts[tables.ROWS]
  return records, dict(of_lists.counts), of_items.notes + of_lists.notes


def write_lines(directory, lines, name='a.jsonl'):
  text = ''.join(json.dumps(line) + '\n' for line in lines)
  return write(directory / name, text)


FORMS = {
  'labels': lambda lists: lists,
  'clicked': lambda lists: [with_clicked(shown) for shown in lists],
  'pairs': lambda lists: [in_pairs(shown) for shown in lists],
  'spaced': lambda lists: [spaced(shown) for shown in lists],
  'spaced clicked': lambda lists: [spaced(with_clicked(x)) for x in lists],
  'rows': as_rows,
}


@pytest.fixture(scope='module')
def wanted(tmp_path_factory):
  """What JSON lines with labels say."""
  directory = tmp_path_factory.mktemp('wanted')
  write_lines(directory, log())
  records, counts, _ = read(directory)
  assert len(records) == 60
  return records, {k: n for k, n in counts.items() if k != tables.ROWS}


@pytest.mark.parametrize('suffix', ['.jsonl', '.parquet', '.csv', '.tsv'])
@pytest.mark.parametrize('form', FORMS)
def test_every_shape_and_format_says_the_same(tmp_path, form, suffix, wanted):
  lists = FORMS[form](log())
  if suffix in ('.csv', '.tsv'):
    lists = strings(lists)
  write(tmp_path / f'a{suffix}', encoded(lists, suffix))
  records, counts, notes = read(tmp_path, f'a{suffix}')
  assert (records, counts, notes) == (*wanted, [])


def test_histories_are_clicks_of_earlier_times(tmp_path):
  """All of them, in order, and nothing of the same time or later."""
  for seed in range(5):
    directory = tmp_path / str(seed)
    directory.mkdir()
    lists = log(seed)
    write_lines(directory, lists)
    records, _, _ = read(directory)
    clicks = sorted(
      (
        (shown['timestamp'], place, shown['user_id'], key)
        for place, shown in enumerate(lists)
        for key, label in zip(shown['candidates'], shown['labels'], strict=True)
        if label
      ),
      key=lambda click: click[:2],
    )
    assert any(record['history'] for record in records)
    for record in records:
      assert record['history'] == [
        key
        for time, _, user, key in clicks
        if user == record['user_id'] and time < record['time']
      ]


def test_a_click_counts_from_its_own_row_s_time(tmp_path):
  """A list is of its earliest row; a click made later is known later."""
  row = lambda key, at, item, label: dict(
    zip(
      ('impression_id', 'user_id', 'timestamp', 'item_id', 'label'),
      (key, 'u', NOON + at, item, label),
      strict=True,
    )
  )
  rows = [
    row('a', 100, 'n1', 0),
    row('a', 100, 'n2', 0),
    row('b', 120, 'n3', True),
    row('a', 150, 'n2', 1),  # Shown at 100, clicked at 150.
    row('c', 151, 'n4', 'false'),
  ]
  write_lines(tmp_path, rows)
  records, counts, _ = read(tmp_path)
  assert [(r['time'] - NOON, r['history']) for r in records] == [
    (100, []),
    (120, []),
    (151, ['n3', 'n2']),
  ]
  assert records[0]['candidates'] == ['n1', 'n2']
  assert records[0]['labels'] == [0, 1]
  assert counts['repeated candidates'] == 1


def test_histories_of_the_table_stay_as_they_are(tmp_path):
  lists = [
    shown | {'history': ['n1', 'x', 'n1', None][: i % 5]}
    for i, shown in enumerate(log(count=20))
  ]
  for name, table in (('a.jsonl', lists), ('b.parquet', as_rows(lists))):
    write(tmp_path / name, encoded(table, name[1:]))
    records, counts, _ = read(tmp_path, name)
    for i, record in enumerate(records):
      history = ['n1', 'x', 'n1', None][: i % 5]
      assert record['history'] == [key for key in history if key == 'n1']
    assert counts['unknown history ids'] == 3 * 4 + 4


def test_long_histories_keep_the_latest(tmp_path, monkeypatch):
  monkeypatch.setattr(impression_index, 'LONGEST', 3)
  lists = [
    {'user_id': 'u', 'timestamp': NOON + i, 'candidates': [ITEMS[i], 'n0']}
    | {'labels': [1, 0]}
    for i in range(1, 9)
  ]
  write_lines(tmp_path, lists)
  assert read(tmp_path)[0][-1]['history'] == ['n5', 'n6', 'n7']


def test_rows_without_ids_are_put_together_by_user_and_time(tmp_path):
  rows = [
    {
      'user_id': user,
      'timestamp': NOON + at,
      'item_id': item,
      'clicked': item == 'n1',
    }
    for at, user, item in itertools.product((5, 6), 'uv', ('n1', 'n2', 'n3'))
  ]
  write_lines(tmp_path, rows)
  records, _, _ = read(tmp_path)
  assert [(r['user_id'], r['time'] - NOON) for r in records] == [
    *(('u', 5), ('v', 5), ('u', 6), ('v', 6)),
  ]
  assert all(r['candidates'] == ['n1', 'n2', 'n3'] for r in records)
  assert all(r['labels'] == [1, 0, 0] for r in records)


def test_one_id_of_two_users_is_two_lists(tmp_path):
  rows = [
    {'impression_id': 1, 'user_id': user, 'timestamp': NOON}
    | {'item_id': item, 'label': int(item == 'n1')}
    for item in ('n1', 'n2')
    for user in 'uv'
  ]
  write_lines(tmp_path, rows)
  assert [r['user_id'] for r in read(tmp_path)[0]] == ['u', 'v']


GOOD = {'impression_id': 'g', 'user_id': 'u', 'timestamp': NOON} | {
  'candidates': ['n1', 'n2'],
  'labels': [1, 0],
}
ROW = {'impression_id': 'g', 'user_id': 'u', 'timestamp': NOON} | {
  'item_id': 'n1',
  'label': 1,
}


@pytest.mark.parametrize(
  ('good', 'change', 'reason'),
  [
    (GOOD, {'user_id': ' '}, 'no id'),
    (GOOD, {'user_id': None}, 'no id'),
    (GOOD, {'timestamp': 'soon'}, 'no time'),
    (GOOD, {'timestamp': -1}, 'no time'),
    (GOOD, {'candidates': []}, 'no candidates'),
    (GOOD, {'candidates': None}, 'no candidates'),
    (GOOD, {'candidates': '["n1", '}, 'candidates'),
    (GOOD, {'candidates': {'n1': 1}}, 'candidates'),
    (GOOD, {'candidates': [['n1', 1]]}, 'candidates'),
    (GOOD, {'candidates': ['n1', None]}, 'candidate'),
    (GOOD, {'labels': [1]}, 'labels'),
    (GOOD, {'labels': [1, 0, 0]}, 'labels'),
    (GOOD, {'labels': [1, 2]}, 'labels'),
    (GOOD, {'labels': [1, None]}, 'labels'),
    (GOOD, {'labels': 'yes no'}, 'labels'),
    (GOOD, {'labels': None}, 'labels'),
    (GOOD, {'history': {'n1': 2}}, 'history'),
    (ROW, {'user_id': ''}, 'no id'),
    (ROW, {'item_id': None}, 'no id'),
    (ROW, {'impression_id': ''}, 'no id'),
    (ROW, {'timestamp': 'x'}, 'no time'),
    (ROW, {'label': None}, 'label'),
    (ROW, {'label': 2}, 'label'),
    (ROW, {'label': 'maybe'}, 'label'),
    (ROW, {'impression_id': 'h', 'history': '["n1"'}, 'history'),
  ],
  ids=str,
)
def test_what_is_malformed_is_named_and_counted(tmp_path, good, change, reason):
  first = good | {'history': []} if 'history' in change else good
  other = first | {'item_id': 'n2', 'label': 0}
  bad = first | change
  lines = [first, other, bad] if good is ROW else [first, bad]
  write_lines(tmp_path, lines)
  records, counts, notes = read(tmp_path)
  assert len(records) == 1 and records[0]['labels'] == [1, 0]
  assert counts == {f'malformed: {reason}': 1}
  assert notes[0].startswith(f'a.jsonl:{len(lines)}: ') and len(notes) == 1


def test_what_is_dropped_and_what_is_kept_is_counted(tmp_path):
  lines = [
    GOOD,
    GOOD | {'labels': [0, 1]},  # The same id, user and time.
    GOOD | {'timestamp': NOON + 1},
    GOOD | {'impression_id': 'a', 'candidates': ['n1', 'x']},
    GOOD | {'impression_id': 'b', 'labels': [0, 0]},
    GOOD | {'impression_id': 'c', 'labels': [1, 1]},
    {**GOOD, 'impression_id': 'd', 'candidates': ['n1', 'n2', 'n1']}
    | {'labels': [0, 0, 1]},
  ]
  write_lines(tmp_path, lines)
  records, counts, notes = read(tmp_path)
  assert len(records) == 6
  assert records[-1]['candidates'] == ['n1', 'n2']
  assert records[-1]['labels'] == [1, 0]
  assert records[2]['candidates'] == ['n1', 'x']  # Not without a candidate.
  assert counts == {
    'repeated impressions': 1,
    'repeated candidates': 1,
    'candidates that the items lack': 1,
    'lists without a click': 1,
    'lists of which everything was clicked': 1,
  }
  assert [note.partition(': ')[0] for note in notes] == [
    'a.jsonl:4',
    'a.jsonl:2',
  ]


def test_clicks_on_what_was_not_shown_are_told(tmp_path):
  lines = [with_clicked(GOOD), with_clicked(GOOD) | {'timestamp': NOON + 1}]
  lines[1]['clicked'] = ['n2', 'n7', 'n8']
  write_lines(tmp_path, lines)
  records, counts, notes = read(tmp_path)
  assert records[1]['labels'] == [0, 1]
  assert counts == {'clicked ids that were not shown': 2}
  assert notes == ["a.jsonl:2: 'n7' was clicked, not shown"]


def test_whole_numbers_are_the_same_however_they_are_written(tmp_path):
  write(tmp_path / 'i.tsv', 'item_id\ttitle\n12\tA\n13.0\tB\n7\tC\n')
  lines = [
    GOOD | {'candidates': '12.0 13 12', 'labels': [0, 0, 1]},
    GOOD | {'candidates': [7.0, 13], 'timestamp': NOON + 1},
  ]
  write_lines(tmp_path, lines)
  records, counts, _ = read(tmp_path)
  assert [r['candidates'] for r in records] == [['12', '13.0'], ['7', '13.0']]
  assert [r['labels'] for r in records] == [[1, 0], [1, 0]]
  assert records[1]['history'] == ['12']
  assert counts == {own_tables.WHOLE: 3}


def test_a_history_that_comes_late_is_a_history(tmp_path):
  lines = [GOOD | {'timestamp': NOON + i} for i in range(150)]
  write_lines(tmp_path, [*lines, lines[-1] | {'history': ['n5'], 'user_id': 1}])
  records, _, _ = read(tmp_path)
  assert [r['history'] for r in records] == [*[[]] * 150, ['n5']]


def test_lists_without_ids_are_told_apart_by_what_they_held(tmp_path):
  line = {key: GOOD[key] for key in GOOD if key != 'impression_id'}
  other = line | {'candidates': ['n2', 'n3']}
  write_lines(tmp_path, [line, other, line])
  records, counts, _ = read(tmp_path)
  assert [record['impression_id'] for record in records] == ['1', '2']
  assert counts == {'repeated impressions': 1}


@pytest.mark.parametrize(
  ('lines', 'columns', 'message'),
  [
    ([{'userid': 1}], {}, r"user_id'.*'userid'.*a row a candidate"),
    (
      [{'user_id': 1, 'timestamp': NOON, 'candidate': 1}],
      {},
      "no column 'candidates': did you mean 'candidate'",
    ),
    ([GOOD], {'labels': 'clicks'}, "no column 'clicks'"),
    ([GOOD], {'history': 'read'}, "no column 'read'"),
    ([GOOD], {'candidates': 'inview'}, "no column 'inview'"),
    (
      [{key: ROW[key] for key in ROW if key != 'label'}],
      {},
      "no column 'label'.*or, for a log of clicks alone: data.name=interact",
    ),
    (
      [GOOD, GOOD | {'impression_id': 'h', 'labels': [1, None]}],
      {'labels': 'label'},
      "no column 'label': did you mean 'labels'",
    ),
    (
      [{**ROW, 'label': label} for label in (1, None, None)],
      {},
      r'none of 1 lists .*set aside: 2 malformed: label; a.jsonl:2: label ',
    ),
    (
      [GOOD | {'labels': [0, 0]}],
      {},
      r'nothing to learn.*columns\.labels',
    ),
    (
      [GOOD | {'candidates': [1, 2]}],
      {},
      "none of its candidates is an item of i.tsv: '1' here, 'n0' there",
    ),
  ],
)
def test_tables_that_cannot_be(tmp_path, lines, columns, message):
  write_lines(tmp_path, lines)
  with pytest.raises(UserError, match=message) as raised:
    read(tmp_path, **columns)
  assert '\n' not in str(raised.value)


def test_lists_that_do_not_say_what_was_clicked(tmp_path):
  line = {key: GOOD[key] for key in GOOD if key != 'labels'}
  write_lines(tmp_path, [line, line | {'candidates': ['n1-1', 'n2-0']}])
  _, counts, notes = read(tmp_path)
  assert counts == {'malformed: candidate': 1}
  assert notes[0].endswith("or a column 'labels' or 'clicked' beside them")


def test_columns_have_the_names_they_are_given(tmp_path, wanted):
  names = {
    'impression_id': 'id',
    'user_id': 'reader',
    'timestamp': 'at',
    'candidates': 'article ids inview',
    'clicked': 'article ids clicked',
  }
  lines = [
    {names.get(key, key): value for key, value in with_clicked(shown).items()}
    for shown in log()
  ]
  write(tmp_path / 'a.parquet', encoded(lines, '.parquet'))
  assert read(tmp_path, 'a.parquet', **names)[0] == wanted[0]


# ------------------------------------------------------------------- the whole
def prepare(directory, **options):
  write(directory / 'i.tsv', encoded(TITLES, '.tsv'))
  given = {'impressions_file': 'a.jsonl', 'items_file': 'i.tsv'} | options
  return load_dataset(
    DataConfig(
      name='impressions',
      dir=str(directory),
      cache_dir=str(directory / 'cache'),
      **given,
    )
  )


def test_the_latest_part_is_the_test(tmp_path):
  lists = log(count=100)
  write_lines(tmp_path, lists)
  dataset = prepare(tmp_path, validation_fraction=0.2)
  parts = [dataset.train, dataset.validation, dataset.test]
  assert [len(part) for part in parts] == [64, 16, 20]
  assert dataset.counts['by time'] == {
    'train': 64,
    'validation': 16,
    'test': 20,
  }
  times = np.concatenate([part.times for part in parts])
  assert (np.diff(times) >= 0).all()
  assert len(dataset.before_test) == 80
  again = prepare(tmp_path, validation_fraction=0.1)
  assert len(again.test) == 10 and again.fingerprint == dataset.fingerprint


def test_a_test_of_its_own(tmp_path):
  lists = log(count=80)
  write_lines(tmp_path, lists[:60])
  write(tmp_path / 'b.parquet', encoded(as_rows(lists[60:]), '.parquet'))
  dataset = prepare(tmp_path, test_impressions_file='b.parquet')
  assert [len(dataset.train), len(dataset.validation)] == [54, 6]
  ids = dataset.test.impression_ids
  assert [ids[i] for i in range(20)] == [x['impression_id'] for x in lists[60:]]
  # What was clicked before, whatever table says so.
  whole_log = tmp_path / 'whole'
  whole_log.mkdir()
  write_lines(whole_log, lists)
  whole, _, _ = read(whole_log)
  of_test, _, _ = read(tmp_path, test='b.parquet', split='test')
  histories = {x['impression_id']: x['history'] for x in whole}
  assert [x['history'] for x in of_test] == [
    histories[x['impression_id']] for x in of_test
  ]


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    (
      {'impressions_file': ''},
      r'data\.impressions_file is empty: data\.na',
    ),
    ({'items_file': ''}, r'data\.items_file is empty'),
    ({'impressions_file': 'b.tsv'}, r'b\.tsv: there is no such file'),
    ({'test_impressions_file': 'b.tsv'}, r'test_impressions_file=.*b\.tsv'),
    ({'interactions_file': 'a.jsonl'}, r'is of data\.name=interactions alone'),
    ({'min_rating': 3.0}, r'data\.min_rating=3\.0: is of data\.name=inter'),
    ({'k_core': 3}, 'impressions, which are not filtered'),
    ({'protocol': 'leave_one_out'}, r'leave_one_out'),
  ],
)
def test_options_that_cannot_be(tmp_path, options, message):
  write_lines(tmp_path, log(count=10))
  with pytest.raises(UserError, match=message):
    prepare(tmp_path, **options)


@pytest.mark.parametrize(
  ('name', 'columns', 'message'),
  [
    ('impressions', {'behaviour': 'b'}, r'columns\.behaviour=b: .*no such'),
    ('interactions', {'history': 'h'}, r'columns\.history=h: .*it reads user_'),
  ],
)
def test_columns_of_another_dataset(name, columns, message):
  with pytest.raises(UserError, match=message):
    DataConfig(name=name, columns=ColumnsConfig(**columns))


def test_tables_of_another_dataset():
  make = functools.partial(Source, impressions_file='a')
  for dataset in ('interactions', 'movielens'):
    with pytest.raises(UserError, match=f'impressions alone, not of {dataset}'):
      make().check(dataset)
