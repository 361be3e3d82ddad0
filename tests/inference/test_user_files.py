"""Files of users, of both forms and all formats."""

import datetime
import decimal
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxrec.errors import UserError
from jaxrec.inference import user_files

DAY = datetime.datetime(2020, 1, 1)
SECONDS = 1577836800.0  # Of DAY.


def read(path, names=None):
  """The users of a file, without the lines; and what was noted, by line."""
  noted = []
  users = list(
    user_files.read(path, lambda line, why: noted.append((line, why)), names)
  )
  return [(u.user_id, u.history, u.times, u.behaviours) for u in users], noted


def lines_of(tmp_path, name, text):
  path = tmp_path / name
  data = text.encode('utf8', 'surrogateescape')
  path.write_bytes(gzip.compress(data) if name.endswith('.gz') else data)
  return path


U1, U2 = ('1', ['a', 'b'], None, None), ('U2', ['c'], None, None)


@pytest.mark.parametrize(
  ('name', 'text'),
  [
    ('u.jsonl', '{"user_id": 1, "history": ["a", "b"]}\n'
     '{"user_id": "U2", "history": ["c"]}'),
    ('u.ndjson.gz', '{"history": ["a", "b"], "user_id": 1.0}\n\n'
     '{"user_id": "U2", "history": ["c"], "times": null}\n'),
    ('u.csv', 'user_id,history\n1,a b\nU2,c\n'),
    ('u.csv', '\ufeffhistory,user_id\r\n"[""a"", ""b""]",1\r\nc,U2\r\n'),
    ('u.csv', 'user_id;history;\n1;a  b;x\nU2;["c"];\n'),
    ('u.tsv', 'user_id\tname\thistory\n1\t"x\t["a","b"]\nU2\t\tc\n'),
    ('u.tsv.gz', 'history\tuser_id\na b\t1\nc\tU2'),
  ],
)  # fmt: skip
def test_a_row_for_each_user(tmp_path, name, text):
  assert read(lines_of(tmp_path, name, text)) == ([U1, U2], [])


@pytest.mark.parametrize(
  ('name', 'text'),
  [
    ('l.csv', 'user_id,item_id,timestamp\n1,b,20\nU2,c,5\n1,a,10\n'),
    ('l.csv', 'user_id,item_id,timestamp,price\n1,b,20000000000000,9\n'
     'U2,c,5000000000000,9\n1,a,10000000000000,9\n'),
    ('l.tsv', 'item_id\tuser_id\ttimestamp\nb\t1\t2020-01-02\n'
     'c\tU2\t2020-01-01T00:00:00Z\na\t1\t2020-01-01 12:00:00 UTC\n'),
    ('l.jsonl', '{"user_id": 1, "item_id": "b", "timestamp": 20}\n'
     '{"user_id": "U2", "item_id": "c", "timestamp": 5}\n'
     '{"user_id": 1, "item_id": "a", "timestamp": 10.5}\n'),
  ],
)  # fmt: skip
def test_a_row_for_each_act(tmp_path, name, text):
  users, noted = read(lines_of(tmp_path, name, text))
  assert [user[:2] for user in users] == [U1[:2], U2[:2]] and not noted
  assert all(times == sorted(times) for _, _, times, _ in users)


def test_without_times_the_file_is_the_order(tmp_path):
  text = 'user_id,item_id,behaviour\n1,a,view\n1,b,buy\nU2,c,\n'
  users, _ = read(lines_of(tmp_path, 'l.csv', text))
  assert users == [('1', ['a', 'b'], None, ['view', 'buy']), U2]


def test_columns_by_the_names_of_the_training(tmp_path):
  names = {'user_id': 'visitor', 'item_id': 'sku', 'timestamp': 'at'}
  text = 'at,visitor,sku\n20,1,b\n10,1,a\n5,U2,c\n'
  users, _ = read(lines_of(tmp_path, 'l.csv', text), names)
  assert [user[:2] for user in users] == [U1[:2], U2[:2]]
  text = '{"visitor": 1, "history": ["a", "b"]}\n'
  assert read(lines_of(tmp_path, 'l.jsonl', text), names) == ([U1], [])


def test_parquet_of_numbers_and_times(tmp_path):
  path = tmp_path / 'u.parquet'
  times = [[DAY, DAY + datetime.timedelta(days=1)]]
  columns = {'history': [[1, 2]], 'times': times, 'more': [{'x': 1}]}
  for user_id in (1, 1.0, decimal.Decimal('1.00'), '1'):
    pq.write_table(pa.table({'user_id': [user_id], **columns}), path)
    wanted = ('1', ['1', '2'], [SECONDS, SECONDS + 86400], None)
    assert read(path) == ([wanted], [])
  log = {'user_id': [1, 1], 'item_id': [3, 4], 'timestamp': times[0][::-1]}
  pq.write_table(pa.table(log), path)
  ((_, history, seconds, _),), _ = read(path)
  assert history == ['4', '3'] and seconds == [SECONDS, SECONDS + 86400]


@pytest.mark.parametrize(
  ('name', 'text', 'line', 'why'),
  [
    ('u.jsonl', '{"user_id": "\\ud83d", "history": []}', 1, 'half a character'),
    ('u.jsonl', '{"user_id": 1.5, "history": []}', 1, 'user_id is 1.5: want'),
    ('u.jsonl', '{"user_id": true, "history": []}', 1, 'user_id is True'),
    ('u.jsonl', '{"user_id": "", "history": []}', 1, 'user_id is empty'),
    ('u.jsonl', '{"user_id": "a", "history": [], "hystory": []}', 1, 'history'),
    ('u.jsonl', '{"user_id": "a", "history": "b"}', 1, "history is 'b'"),
    ('u.csv', 'user_id,history\n\udcff,a\n', 2, 'not UTF-8'),
    ('u.csv', 'user_id,history\nx,["a"\n', 2, 'want a list'),
    ('u.csv', 'user_id,history\nx\n', 2, "1 columns: want 2 columns by ','"),
    ('u.csv', 'user_id,history\nx,"a\n', 2, 'a quote is not closed'),
    ('l.csv', 'user_id,item_id,timestamp\nx,a,noon\n', 2, "is 'noon': want a"),
    ('l.csv', 'user_id,item_id,timestamp\nx,a,-5\n', 2, 'want a time'),
    ('l.csv', 'user_id,item_id,timestamp\nx,a,nan\n', 2, 'want a time'),
    ('l.csv', 'user_id,item_id,timestamp\nx,,5\n', 2, 'item_id is empty'),
    ('l.jsonl', '{"user_id": 7, "item_id": 8}\n{"user_id": 7}', 2, 'item'),
  ],
)  # fmt: skip
def test_a_bad_line_costs_itself_alone(tmp_path, name, text, line, why):
  good = {
    'u.jsonl': '{"user_id": "good", "history": []}',
    'u.csv': 'good,a',
    'l.csv': 'good,a,5',
    'l.jsonl': '{"user_id": "good", "item_id": "b"}',
  }[name]
  path = lines_of(tmp_path, name, f'{text.rstrip()}\n{good}\n')
  users, ((where, said),) = read(path)
  assert users[-1][0] == 'good' and where == line and why in said


def test_mistakes(tmp_path):
  for text in ('', 'user,items\n', '\n'):
    with pytest.raises(UserError, match='no column user_id and history'):
      read(lines_of(tmp_path, 'u.csv', text))
  with pytest.raises(UserError, match=r"did you mean 'userid' and 'itemid'\?"):
    read(lines_of(tmp_path, 'u.csv', 'userid,itemid\n'))
  with pytest.raises(UserError, match='cannot be read'):
    read(
      lines_of(tmp_path, 'u.csv', 'user_id,history\n').rename(
        tmp_path / 'u.csv.gz'
      )
    )
  with pytest.raises(UserError, match='no such file'):
    user_files.check_name(tmp_path / 'none.csv')
  assert read(lines_of(tmp_path, 'u.jsonl', '')) == ([], [])
  deep = '[' * 100_000
  _, noted = read(lines_of(tmp_path, 'u.jsonl', json.dumps(deep)[1:-1]))
  assert noted[0][0] == 1


def test_sessions_and_lists_that_were_shown(tmp_path):
  """The logs of a training, as they are."""
  rows = {
    'listener': ['u', 'u'],
    'tracks': [['a', 'b'], ['c']],
    'timestamp': [[1, 2], [3]],
  }
  pq.write_table(pa.table(rows), tmp_path / 's.parquet')
  noted = []
  note = lambda *bad: noted.append(bad)
  names = {'user_id': 'listener', 'item_id': 'tracks'}
  (user,) = user_files.read(tmp_path / 's.parquet', note, names)
  assert (user.user_id, user.history) == ('u', ['a', 'b', 'c'])
  assert list(user.times) == [1.0, 2.0, 3.0]
  shown = {'reader': 'r', 'read_before': ['n1'], 'articles': ['n2', 'n3']}
  (tmp_path / 'shown.jsonl').write_text(json.dumps(shown))
  names = {'user_id': 'reader', 'history': 'read_before'}
  (user,) = user_files.read(tmp_path / 'shown.jsonl', note, names)
  assert (user.user_id, user.history) == ('r', ['n1']) and not noted
