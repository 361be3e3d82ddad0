"""A file of users in, a file of recommendations out."""

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jaxrec
from jaxrec.commands import recommend
from jaxrec.errors import UserError
from jaxrec.inference import user_tables
from tests.cli.test_main import ROOT, environment


@pytest.fixture
def model(shop):
  return jaxrec.load(shop[2])


@pytest.fixture
def users(model, tmp_path):
  """A file of 20 users, and their histories."""
  ids = model.item_ids
  histories = [ids[i : i + i % 5] for i in range(20)]
  path = tmp_path / 'users.jsonl'
  lines = [
    json.dumps({'user_id': f'u{i}', 'history': history})
    for i, history in enumerate(histories)
  ]
  path.write_text('\n'.join(lines) + '\n', encoding='utf8')
  return path, histories


def run(shop, *args, say=lambda text: None, **options):
  return recommend.recommend_file(shop[2], *args, say=say, **options)


@pytest.mark.parametrize('suffix', ['.jsonl', '.parquet'])
@pytest.mark.parametrize('to', ['.jsonl', '.parquet'])
def test_every_user_in_order(
  shop, model, users, tmp_path, suffix, to, monkeypatch
):
  monkeypatch.setattr(recommend, 'BLOCK', 7)
  path, histories = users
  if suffix == '.parquet':
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path = path.with_suffix(suffix)
    pq.write_table(pa.Table.from_pylist(rows), path)
  output = tmp_path / f'out{to}'
  counts = run(shop, path, output, k=3, strategy='probability')
  assert counts[:2] == (20, 0)
  found = (
    pq.read_table(output).to_pylist()
    if to == '.parquet'
    else [json.loads(line) for line in output.read_text().splitlines()]
  )
  assert [row['user_id'] for row in found] == [f'u{i}' for i in range(20)]
  wanted = model.recommend_many(histories, 3, strategy='probability')
  for row, best in zip(found, wanted, strict=True):
    assert row['items'] == [x.item_id for x in best]
    assert row['scores'] == pytest.approx([x.score for x in best])
    assert row['probabilities'] == pytest.approx([x.probability for x in best])
  assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
    {'users.jsonl', path.name, output.name}
  )


def test_bad_lines_are_named_and_counted(shop, users, tmp_path, monkeypatch):
  path, _ = users
  bad = {
    3: '{"user_id": "x", "history": ["nobody"]}',
    5: '{"user_id": "x"',
    6: '[]',
    7: '{"history": []}',
    8: '{"user_id": "x", "history": "N1"}',
    9: '{"user_id": "x", "history": [], "hystory": 1}',
    11: '{"user_id": "x", "history": [7]}',
    12: '\xff',
  }
  lines = path.read_bytes().splitlines()
  for number, line in bad.items():
    lines.insert(number - 1, line.encode('latin1'))
  path.write_bytes(b'\n'.join(lines))
  said = []
  monkeypatch.setattr(recommend, 'SECONDS_BETWEEN', 0)
  counts = run(shop, path, tmp_path / 'o.jsonl', say=said.append)
  assert (counts.users, counts.bad) == (20, len(bad))
  told = '\n'.join(said)
  for number in bad:
    assert f'{path}:{number}: ' in told
  named = [int(x.split(':')[2]) for x in said if x.startswith('  set aside')]
  assert named == list(bad)  # In the file's order.
  assert sum(f'{counts.users} users' in x for x in said) == 1
  assert f'{len(bad)} lines set aside' in told and "'nobody'" in told
  rows = [json.loads(x) for x in (tmp_path / 'o.jsonl').open()]
  assert [row['user_id'] for row in rows] == [f'u{i}' for i in range(20)]


def test_a_log_and_lists_are_the_same(shop, model, users, tmp_path):
  """Whatever the form, the file and the names of its columns."""
  _, histories = users
  times = [[1e9 + place for place in range(len(h))] for h in histories]
  lists = [
    {'user_id': f'u{i}', 'history': history, 'times': times[i]}
    for i, history in enumerate(histories)
    if history  # Whoever did nothing is in no log.
  ]
  (tmp_path / 'lists.jsonl').write_text('\n'.join(map(json.dumps, lists)))
  (tmp_path / 'wanted').mkdir()
  wanted = tmp_path / 'wanted' / 'o.jsonl'
  run(shop, tmp_path / 'lists.jsonl', wanted)
  for sign, name in ((',', 'log.csv'), ('\t', 'log.tsv')):
    rows = [
      sign.join((f'u{i}', item, str(times[i][place])))
      for i, history in enumerate(histories)
      for place, item in reversed(list(enumerate(history)))
    ]
    names = sign.join(('user_id', 'item_id', 'timestamp'))
    (tmp_path / name).write_text('\n'.join([names, *rows]) + '\n')
    counts = run(shop, tmp_path / name, tmp_path / 'o.jsonl')
    assert counts.good == len(rows) and not counts.bad
    assert (tmp_path / 'o.jsonl').read_text() == wanted.read_text()


def test_half_a_character_costs_its_line_alone(shop, users, tmp_path):
  path, _ = users
  bad = json.dumps({'user_id': '\ud83d', 'history': []})
  path.write_text(f'{bad}\n{path.read_text()}')
  for to in ('o.jsonl', 'o.parquet'):
    assert run(shop, path, tmp_path / to)[:2] == (20, 1)


def test_a_line_without_an_end_is_set_aside(shop, users, tmp_path, monkeypatch):
  monkeypatch.setattr(user_tables, 'LONGEST', 1000)
  path, _ = users
  text = path.read_text()
  path.write_text('{"user_id": "' + 'x' * 5000 + '"}\n' + text)
  said = []
  counts = run(shop, path, tmp_path / 'o.jsonl', say=said.append)
  assert (counts.users, counts.bad) == (20, 1)
  assert f'{path}:1: over 1,000 bytes' in said[0]


def test_what_fails_leaves_no_file(shop, users, tmp_path, monkeypatch):
  output = tmp_path / 'o.jsonl'
  output.write_text('before')
  monkeypatch.setattr(
    recommend, '_recommended', lambda *_: (_ for _ in ()).throw(KeyError('x'))
  )
  with pytest.raises(KeyError):
    run(shop, users[0], output)
  assert output.read_text() == 'before'
  assert {p.name for p in tmp_path.iterdir()} == {'o.jsonl', 'users.jsonl'}


@pytest.mark.parametrize(
  ('names', 'options', 'message'),
  [
    (('users.xlsx', 'o.jsonl'), {}, r'--users=.*\.xlsx.*choices.*\.csv'),
    (('users.jsonl', 'o.csv'), {}, '--output'),
    (('users.jsonl', 'o.txt'), {}, '--output'),
    (('none.jsonl', 'o.jsonl'), {}, 'no such file'),
    (('users.jsonl', 'users.jsonl'), {}, 'is the file of users'),
    (('users.jsonl', 'no/o.jsonl'), {}, 'cannot be written'),
    (('users.jsonl', 'o.jsonl'), {'k': 0}, 'k=0'),
    (('users.jsonl', 'o.jsonl'), {'strategy': 'best'}, 'strategy'),
    (('bad.jsonl', 'o.jsonl'), {}, 'no user could be read: 1 lines'),
    (('bad.parquet', 'o.jsonl'), {}, 'no readable Parquet'),
    (('other.parquet', 'o.jsonl'), {}, 'no column history'),
  ],
)
def test_mistakes(shop, users, tmp_path, names, options, message):
  (tmp_path / 'bad.jsonl').write_text('{}\n')
  (tmp_path / 'bad.parquet').write_text('{}\n')
  pq.write_table(pa.table({'user_id': ['a']}), tmp_path / 'other.parquet')
  with pytest.raises(UserError, match=message):
    run(shop, *(tmp_path / name for name in names), **options)


def test_the_command(shop, users, tmp_path):
  def command(*args):
    return subprocess.run(
      [sys.executable, '-m', 'jaxrec.main', '--mode=recommend', *args],
      cwd=ROOT,
      env=environment(),
      capture_output=True,
      text=True,
      timeout=200,
    )

  output = tmp_path / 'o.jsonl'
  given = [f'--bundle={shop[2]}', f'--users={users[0]}', f'--output={output}']
  done = command(*given, '--k=2', '--strategy=probability', '--threshold=0')
  assert done.returncode == 0, done.stderr
  assert done.stdout.count('20 users') == 1
  assert 'backend' not in done.stderr
  rows = [json.loads(line) for line in output.open()]
  assert {len(row['items']) for row in rows} == {2}
  # Most of it cannot be read: the rest is written, and the exit code tells.
  lines = users[0].read_text().splitlines()
  users[0].write_text('\n'.join([lines[0], '[]', '{}']) + '\n')
  done = command(*given)
  assert done.returncode == 2 and '2 of 3 lines of' in done.stderr
  assert len(output.read_text().splitlines()) == 1
  done = command(*given[:2])
  assert done.returncode == 2 and '--output is missing' in done.stderr
  done = command(*given, '--threshold=much', '--strategy=probability')
  assert done.returncode == 2
  (line,) = done.stderr.strip().splitlines()
  assert line.startswith('jaxrec: error: ') and 'threshold' in line
