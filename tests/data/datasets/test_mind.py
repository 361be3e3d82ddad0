"""MIND: what is read, what is set aside and how it is named, and the errors."""

import collections
import datetime
import json
import pathlib
import random
import sys
import tracemalloc

import pytest
import tensorflow_datasets as tfds

from jaxrec.data.datasets import mind, mind_lines
from jaxrec.data.datasets.mind import Mind, MindLarge, MindSmall
from jaxrec.data.datasets.mind_lines import unix_seconds
from jaxrec.errors import UserError

REAL = pathlib.Path(__file__).parents[3].parent / 'shared' / 'data' / 'mind'
FORMAT = '%m/%d/%Y %I:%M:%S %p'
BOM = b'\xef\xbb\xbf'
FILES = [
  'MINDsmall_train/news.tsv',
  'MINDsmall_train/behaviors.tsv',
  'MINDsmall_dev/news.tsv',
  'MINDsmall_dev/behaviors.tsv',
]
TRAIN_NEWS, TRAIN, DEV_NEWS, DEV = FILES


def news(item_id, title=None):
  title = f'Title of {item_id}' if title is None else title
  texts = ['news', 'world', title, f'Abstract of {item_id}']
  return '\t'.join([item_id, *texts, 'https://a.b', '[]', '[]']).encode()


def shown(number, history, candidates, time='11/9/2019 12:01:13 AM'):
  return '\t'.join(
    [str(number), f'U{number}', time, history, candidates]
  ).encode()


def clean():
  """Lines of each file; dev repeats N2..N5 and adds N6..N9."""
  return {
    TRAIN_NEWS: [news(f'N{i}') for i in (3, 1, 2, 5, 4)],
    TRAIN: [
      shown(7, 'N1 N2', 'N3-0 N4-1'),
      shown(2, '', 'N5-1 N1-0 N9-0'),
      shown(9, 'N9', 'N2-0', '1/31/2020 12:00:00 PM'),
    ],
    DEV_NEWS: [news(f'N{i}') for i in (5, 2, 9, 7, 3, 4, 8, 6)],
    DEV: [shown(1, 'N4 N4', 'N7-1 N6-1'), shown(3, 'N1', 'N8-0 N3-1')],
  }


def write(directory, lines, end=b'\n', start=b''):
  for name, of_file in lines.items():
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(start + b''.join(line + end for line in of_file))
  return directory


Data = collections.namedtuple('Data', 'items train test counts notes')


def read(directory, cls=Mind):
  """Everything in `directory`; counts and notes are by config."""
  of_items, of_impressions = (
    cls(config=name, data_dir=directory / 'prepared')
    for name in ('items', 'impressions')
  )
  items = list(of_items.items(directory))
  train, test = (
    list(of_impressions.impressions(directory, split)) for split in cls.SPLITS
  )
  builders = of_items, of_impressions
  counts = [dict(b.counts) for b in builders]
  return Data(items, train, test, counts, [list(b.notes) for b in builders])


def records(data):
  """What the lines hold: impressions by item ids, not by indices."""
  ids = [item['item_id'] for item in data.items]
  named = lambda indices: [ids[i] for i in indices]
  return data.items, [
    {**e, 'history': named(e['history']), 'candidates': named(e['candidates'])}
    for e in data.train + data.test
  ]


def as_line(example):
  """The line of behaviors.tsv that `example` of `records` came from."""
  time = datetime.datetime.fromtimestamp(example['time'], datetime.UTC)
  pairs = zip(example['candidates'], example['labels'], strict=True)
  clock = f'{time.hour % 12 or 12}:{time:%M:%S %p}'
  return '\t'.join(
    [
      example['impression_id'],
      example['user_id'],
      f'{time.month}/{time.day}/{time.year} {clock}',
      ' '.join(example['history']),
      ' '.join(f'{item_id}-{label}' for item_id, label in pairs),
    ]
  ).encode()


# --------------------------------------------------------------- clean files
def test_lines_come_back_in_the_order_of_the_files(tmp_path):
  lines = clean()
  data = read(write(tmp_path, lines))
  items, impressions = records(data)
  assert [as_line(e) for e in impressions] == lines[TRAIN] + lines[DEV]
  assert (len(data.train), len(data.test)) == (3, 2)
  order = [item['item_id'] for item in items]
  assert order == ['N3', 'N1', 'N2', 'N5', 'N4', 'N9', 'N7', 'N8', 'N6']
  for item in items:
    item_id = item['item_id']
    assert item == {
      'item_id': item_id,
      'title': f'Title of {item_id}',
      'abstract': f'Abstract of {item_id}',
      'category': 'news',
      'subcategory': 'world',
    }
  assert data.counts == [{'dev news already in train': 4}, {}]


@pytest.mark.parametrize(
  'form',
  [{'end': b'\r\n'}, {'start': BOM}, {'start': BOM, 'end': b'\r\n'}],
)
def test_line_ends_and_byte_order_marks_change_nothing(tmp_path, form):
  plain = read(write(tmp_path / 'plain', clean()))
  assert read(write(tmp_path / 'other', clean(), **form)) == plain


@pytest.mark.parametrize('test', ['dev', 'valid', 'test'])
@pytest.mark.parametrize('cls', [Mind, MindSmall, MindLarge])
def test_files_of_its_form_may_lie_in_other_folders(tmp_path, test, cls):
  plain = read(write(tmp_path / 'plain', clean()))
  other = {
    f'{test if "dev" in name else "train"}/{name.partition("/")[2]}': lines
    for name, lines in clean().items()
  }
  assert read(write(tmp_path / 'other', other), cls) == plain


def test_the_publisher_s_folders_come_first(tmp_path):
  other = clean() | {'train/news.tsv': [], 'train/behaviors.tsv': []}
  other |= {'dev/news.tsv': [], 'dev/behaviors.tsv': []}
  assert len(read(write(tmp_path, other)).train) == 3


NEWS_NAMES = (
  'news_id\tcategory\tsubcategory\ttitle\tabstract\turl\ttitle_entities\t'
  'abstract_entities'
)
SHOWN_NAMES = 'impression_id\tuser_id\ttime\thistory\timpressions'


@pytest.mark.parametrize(
  ('of_news', 'of_shown'),
  [
    (NEWS_NAMES, SHOWN_NAMES),
    (NEWS_NAMES.upper(), 'Impression ID\tUser ID\tTime\tHistory\tImpressions'),
    ('id\tvert\tsubvert\ttitle\tabstract\turl\tents\tents', SHOWN_NAMES),
  ],
)
def test_a_header_is_no_item_and_no_impression(tmp_path, of_news, of_shown):
  plain = read(write(tmp_path / 'plain', clean()))
  named = clean()
  for name, header in zip(FILES, (of_news, of_shown) * 2, strict=True):
    named[name] = [header.encode(), *named[name]]
  data = read(write(tmp_path / 'named', named, start=BOM))
  assert (data.items, data.train, data.test) == plain[:3]
  assert [counts['header lines'] for counts in data.counts] == [2, 2]


def test_news_about_headers_are_news(tmp_path):
  lines = clean()
  lines[TRAIN_NEWS][0] = news('N3', 'Title, category and abstract')
  data = read(write(tmp_path, lines))
  assert len(data.items) == 9 and 'header lines' not in data.counts[0]


def test_a_last_line_without_its_end_is_read(tmp_path):
  plain = read(write(tmp_path / 'plain', clean()))
  for name in FILES:
    path = tmp_path / 'plain' / name
    path.write_bytes(path.read_bytes().removesuffix(b'\n'))
  assert read(tmp_path / 'plain') == plain


@pytest.mark.parametrize(
  'title', ['"a', '"a" b', "it's", 'a\rb', 'a\x00b', 'é ü 新聞', '\u2028', ',']
)
def test_characters_of_a_title_are_plain(tmp_path, title):
  lines = clean()
  lines[TRAIN_NEWS][1] = news('N1', title)
  data = read(write(tmp_path, lines))
  assert [item['title'] for item in data.items][1] == title
  assert len(data.items) == 9


def test_impressions_are_not_held_in_memory(tmp_path):
  lines = clean()
  ids = [f'N{i}' for i in range(1, 10)]
  candidates = ' '.join(f'{i}-0' for i in ids)
  lines[TRAIN] = [shown(n, ' '.join(ids), candidates) for n in range(4000)]
  write(tmp_path, lines)
  builder = Mind(config='impressions', data_dir=tmp_path / 'prepared')
  tracemalloc.start()
  try:
    for _ in builder.impressions(tmp_path, 'train'):
      pass
    _, peak = tracemalloc.get_traced_memory()
  finally:
    tracemalloc.stop()
  assert peak < (tmp_path / TRAIN).stat().st_size / 4


# ---------------------------------------------------------------------- dirt
MALFORMED = [
  ('news', b'N77\tnews\tworld\tA title', 'columns', '4 columns, expected 8'),
  ('news', news('N77') + b'\tmore', 'columns', '9 columns, expected 8'),
  ('news', news(''), 'news id', "news id '' empty or spaced"),
  ('news', news('N7 7'), 'news id', "news id 'N7 7' empty or spaced"),
  ('news', b'\xff' + news('N77'), 'not UTF-8', 'not UTF-8 from byte 0'),
  ('news', BOM[:2] + news('N77'), 'not UTF-8', 'not UTF-8 from byte 0'),
  ('behaviors', b'5\tU5\tN1\tN77-1', 'columns', '4 columns, expected 5'),
  ('behaviors', news('N1'), 'columns', '8 columns, expected 5'),
  ('behaviors', shown(5, '', 'N1-0', 'noon'), 'time', "time 'noon': "),
  ('behaviors', shown(5, '', 'N1-0', '2/30/2019 1:01:01 AM'), 'time', 'time '),
  ('behaviors', shown(5, 'N1', ''), 'no candidates', 'the impression has no '),
  ('behaviors', shown(5, 'N1', ' '), 'no candidates', 'the impression has no '),
  ('behaviors', shown(5, '', 'N1-0 N77'), 'candidate', "candidate 'N77', "),
  ('behaviors', shown(5, '', 'N77-2'), 'candidate', "candidate 'N77-2', "),
  ('behaviors', shown(5, '', 'N77-1 -1'), 'candidate', "candidate '-1', "),
  ('behaviors', b'5\tU\xc3', 'not UTF-8', 'not UTF-8 from byte 3'),
]


@pytest.mark.parametrize(
  ('kind', 'line', 'reason', 'why'), MALFORMED, ids=[m[2] for m in MALFORMED]
)
def test_a_malformed_line_changes_no_other_record(
  tmp_path, kind, line, reason, why
):
  plain = read(write(tmp_path, clean()))
  of = ['news', 'behaviors'].index(kind)
  for name in FILES[of::2]:
    for at in range(len(clean()[name]) + 1):
      lines = clean()
      lines[name].insert(at, line)
      data = read(write(tmp_path, lines))
      assert data[:3] == plain[:3]
      added = collections.Counter(data.counts[of])
      added.subtract(plain.counts[of])
      assert +added == {f'malformed: {reason}': 1}
      (note,) = data.notes[of]
      assert note.startswith(f'{name}:{at + 1}: {why}')
      other = 1 - of
      assert data.counts[other] == plain.counts[other]
      assert data.notes[other] == plain.notes[other]


@pytest.mark.parametrize('blank', [b'', b'  ', b'\r', b'\t'])
def test_blank_lines_are_skipped_and_counted(tmp_path, blank):
  plain = read(write(tmp_path, clean()))
  lines = {k: [blank, *v, blank, blank] for k, v in clean().items()}
  data = read(write(tmp_path, lines))
  assert data[:3] == plain[:3]
  assert [c['blank lines'] for c in data.counts] == [6, 6]
  assert data.notes == [[], []]


def test_of_repeated_news_the_first_stays(tmp_path):
  plain = read(write(tmp_path, clean()))
  lines = clean()
  lines[TRAIN_NEWS].append(news('N3', 'Again'))
  lines[DEV_NEWS] += [news('N1', 'Another'), news('N8', 'Again'), news('N5')]
  data = read(write(tmp_path, lines))
  assert data[:3] == plain[:3]
  assert data.counts[0] == {
    'dev news already in train': 5,
    'another title in dev': 1,
    'duplicate news ids': 3,
  }
  assert data.counts[1] == plain.counts[1]
  places = [note.split(': ')[0] for note in data.notes[0]]
  assert places == [f'{TRAIN_NEWS}:6'] + [
    f'{DEV_NEWS}:{n}' for n in (9, 10, 11)
  ]


def test_empty_texts_stay(tmp_path):
  lines = clean()
  lines[TRAIN_NEWS][0] = b'N3\t\t\t\t\t\t\t'
  data = read(write(tmp_path, lines))
  assert data.items[0] == {
    'item_id': 'N3',
    **dict.fromkeys(Mind.ITEM_TEXTS, ''),
  }
  # The title of dev's N3 is another one then, and train's still the first.
  assert data.counts[0]['empty titles'] == 1
  assert data.counts[0]['another title in dev'] == 1


def test_unknown_history_is_dropped_and_counted(tmp_path):
  plain = read(write(tmp_path, clean()))
  lines = clean()
  lines[TRAIN][0] = shown(7, 'N77 N1 N78 N2 N77', 'N3-0 N4-1')
  lines[DEV][1] = shown(3, 'N1 N79', 'N8-0 N3-1')
  data = read(write(tmp_path, lines))
  assert data[:3] == plain[:3]
  assert data.counts[1] == {'unknown history ids': 4}


def test_of_repeated_candidates_the_first_stays(tmp_path):
  plain = read(write(tmp_path, clean()))
  lines = clean()
  lines[TRAIN][0] = shown(7, 'N1 N2', 'N3-0 N4-1 N3-1 N4-1 N4-0')
  data = read(write(tmp_path, lines))
  assert data[:3] == plain[:3]
  assert data.counts[1] == {'repeated candidates': 3}


def test_candidates_without_news_end_the_catalog(tmp_path):
  plain = read(write(tmp_path, clean()))
  lines = clean()
  lines[TRAIN].append(shown(10, '', 'N71-0 N3-1 N70-0'))
  lines[DEV] += [shown(11, 'N71', 'N72-1 N70-0'), shown(12, '', 'N79-1 x')]
  data = read(write(tmp_path, lines))
  assert data.items[:9] == plain.items
  nothing = dict.fromkeys(Mind.ITEM_TEXTS, '')
  assert data.items[9:] == [
    {'item_id': item_id, **nothing} for item_id in ('N71', 'N70', 'N72')
  ]
  assert data.train[-1]['candidates'] == [9, 0, 10]
  assert data.test[-1]['candidates'] == [11, 10]
  assert data.test[-1]['history'] == [9]
  assert data.counts[0]['candidates without news'] == 3
  assert data.counts[1] == {'malformed: candidate': 1}
  assert data.notes[0][2] == f"{DEV}:3: candidate 'N72' has no news"


# -------------------------------------------------------------------- errors
def error(directory, cls=Mind):
  with pytest.raises(UserError) as caught:
    read(pathlib.Path(directory), cls)
  message = str(caught.value)
  assert '\n' not in message
  return message


def test_a_missing_directory_is_named(tmp_path):
  message = error(tmp_path / 'nowhere')
  assert str(tmp_path / 'nowhere') in message
  assert 'does not exist' in message
  assert 'config.data.dir' in message


def test_a_file_is_no_directory(tmp_path):
  (tmp_path / 'MIND.zip').write_bytes(b'PK')
  assert 'is not a directory' in error(tmp_path / 'MIND.zip')


def test_another_directory_is_shown(tmp_path):
  for name in ('links.csv', 'movies.csv', 'e', 'f', 'g', 'h', 'z'):
    (tmp_path / name).touch()
  message = error(tmp_path)
  assert "found 'e', 'f', 'g', 'h', 'links.csv' and 2 more" in message
  assert 'MINDsmall_train/ and MINDsmall_dev/ or MINDlarge_train/' in message
  assert 'config.data.dir' in message
  (tmp_path / 'empty').mkdir()
  assert 'found nothing' in error(tmp_path / 'empty')


def test_one_part_points_at_its_parent(tmp_path, monkeypatch):
  write(tmp_path, clean())
  message = error(tmp_path / 'MINDsmall_train')
  assert f'config.data.dir at its parent, {tmp_path},' in message
  assert "'behaviors.tsv', 'news.tsv'" in message
  monkeypatch.chdir(tmp_path / 'MINDsmall_dev')
  assert f'its parent, {tmp_path},' in error('.')


@pytest.mark.parametrize('name', FILES)
def test_a_missing_file_is_named(tmp_path, name):
  write(tmp_path, clean())
  (tmp_path / name).unlink()
  other = {'news.tsv': 'behaviors.tsv', 'behaviors.tsv': 'news.tsv'}
  part, file = name.split('/')
  message = error(tmp_path)
  assert f'{tmp_path / name} is missing' in message
  assert f"found '{other[file]}' in {part}/" in message


def test_a_missing_part_is_named(tmp_path):
  lines = clean()
  write(tmp_path, {name: lines[name] for name in FILES[:2]})
  assert 'does not hold MINDsmall_dev/: found ' in error(tmp_path)


def test_sizes(tmp_path):
  small, large = clean(), clean()
  large[TRAIN] = large[TRAIN][:1]
  large = {k.replace('small', 'large'): v for k, v in large.items()}
  write(tmp_path / 'small', small)
  write(tmp_path / 'large', large)
  write(write(tmp_path / 'both', small), large)
  length = lambda name, cls: len(read(tmp_path / name, cls).train)
  assert [length(x, Mind) for x in ('small', 'large', 'both')] == [3, 1, 3]
  assert [length('both', cls) for cls in (MindSmall, MindLarge)] == [3, 1]
  assert 'does not hold MINDlarge_train/' in error(
    tmp_path / 'small', MindLarge
  )
  assert 'does not hold MINDsmall_train/' in error(
    tmp_path / 'large', MindSmall
  )


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('content', [b'', BOM, b'\n\r\n \n'])
def test_an_empty_file_is_named(tmp_path, name, content):
  write(tmp_path, clean())
  (tmp_path / name).write_bytes(content)
  assert f'{tmp_path / name} is empty' in error(tmp_path)


@pytest.mark.parametrize('name', FILES)
def test_a_file_without_a_usable_line_is_named(tmp_path, name):
  message = error(write(tmp_path, {**clean(), name: [b'id\ttitle', b'1']}))
  assert f'{tmp_path / name} does not look like MIND: 2 of 2 lines' in message
  assert f'{name}:1: 2 columns, expected' in message


@pytest.mark.parametrize('name', FILES)
def test_a_mostly_malformed_file_is_refused(tmp_path, name):
  good = clean()[name][:2]
  bad = [b'a\tb', b'a', b'a\tb\tc']
  # Half of 10 lines passes, 6 of 11 does not, nor do 7 of 9 lines tell.
  read(write(tmp_path, {**clean(), name: good * 2 + good[:1] + [b'a'] * 5}))
  read(write(tmp_path, {**clean(), name: good + [b'a'] * 7}))
  lines = [*good, *bad, *good, good[0], *bad]
  message = error(write(tmp_path, {**clean(), name: lines}))
  assert f'{tmp_path / name} does not look like MIND: 6 of 11' in message
  for number, columns in ((3, 2), (4, 1), (5, 3)):
    assert f'{name}:{number}: {columns} columns' in message
  assert f'{name}:9:' not in message


# ---------------------------------------------------------------------- time
def strptime(text):
  time = datetime.datetime.strptime(text, FORMAT)
  return int(time.replace(tzinfo=datetime.UTC).timestamp())


def result(function, text):
  try:
    return function(text)
  except ValueError:
    return ValueError


def test_unix_seconds_is_strptime():
  rng = random.Random(0)
  last = int(datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC).timestamp())
  accepted = 0
  for _ in range(4000):
    moment = rng.choice([rng.randrange(-(10**10), last), rng.randrange(2**31)])
    time = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=moment)
    text = f'{time.month}/{time.day}/{time.year:04} {time:%I:%M:%S %p}'
    text = text.replace(' 0', rng.choice([' ', ' 0']))
    assert unix_seconds(text) == strptime(text) == moment
    # Blanks are left alone: strptime takes any number of them, MIND has one.
    at = rng.choice([i for i, c in enumerate(text) if c != ' '])
    new = rng.choice(['', *'0123456789:/APMapm-'])
    text = text[:at] + new + text[at + rng.randrange(2) :]
    got = result(unix_seconds, text)
    assert got == result(strptime, text), text
    accepted += got is not ValueError
  assert 400 < accepted < 3600


@pytest.mark.parametrize(
  'text',
  [
    '',
    ' 11/9/2019 1:01:13 AM',
    '11/9/2019 1:01:13 AM ',
    '11/9/2019  1:01:13 AM',
    '11/9/2019 1:01:13',
    '11/9/2019 13:01:13 PM',
    '11/9/2019 0:01:13 AM',
    '11/9/2019 1:60:13 AM',
    '11/9/2019 1:01:60 AM',
    '11/9/2019 1:01:61 AM',
    '٠١/9/2019 1:01:13 AM',
    '0/9/2019 1:01:13 AM',
    '2/29/2019 1:01:13 AM',
  ],
)
def test_other_times_are_refused(text):
  with pytest.raises(ValueError):
    unix_seconds(text)


# ------------------------------------------------------------------- prepare
def test_prepared_records_and_counts_are_what_was_read(tmp_path):
  lines = clean()
  lines[TRAIN_NEWS].insert(2, b'bad')
  lines[TRAIN] += [b'bad', shown(10, 'N99 N1', 'N71-0 N3-1 N3-0')]
  write(tmp_path / 'raw', lines)
  data = read(tmp_path / 'raw')
  splits = {}
  # The config that is prepared first changes nothing for the other.
  for of, config in ((1, 'impressions'), (0, 'items')):
    make = lambda config=config: Mind(config=config, data_dir=tmp_path / 'out')
    make().download_and_prepare(
      download_config=tfds.download.DownloadConfig(
        manual_dir=str(tmp_path / 'raw'), register_checksums=False
      )
    )
    again = make()
    splits |= {k: tfds.as_numpy(v) for k, v in again.as_dataset().items()}
    sizes = {k: len(list(v)) for k, v in splits.items()}
    own = {k: n for k, n in sizes.items() if k in again.info.splits}
    expected = {f'{k}: read': n for k, n in own.items()} | data.counts[of]
    assert json.loads(again.info.metadata['counts']) == expected
    assert json.loads(again.info.metadata['notes']) == data.notes[of]
  texts = [
    {k: v.decode() for k, v in item.items()} for item in splits['catalog']
  ]
  assert texts == data.items
  for split in Mind.SPLITS:
    plain = [
      {k: v.decode() if isinstance(v, bytes) else v.tolist() for k, v in e}
      for e in (example.items() for example in splits[split])
    ]
    assert plain == getattr(data, split)


# -------------------------------------------------------------------- shards
def broken_lines(directory):
  """A set with something to note in many places."""
  lines = clean()
  for i in range(30):
    lines[TRAIN].append(shown(10 + i, 'N99 N1', 'N71-0 N3-1 N3-0'))
    lines[TRAIN] += [b'', b'bad'] if i % 3 == 0 else []
  return write(directory, lines, start=BOM)


@pytest.mark.parametrize('size', [1, 40, 41, 300, 10**6])
def test_shards_are_whole_lines_and_tell_what_the_file_does(
  tmp_path, monkeypatch, size
):
  whole = read(broken_lines(tmp_path))
  monkeypatch.setattr(mind, 'SHARD_BYTES', size)
  monkeypatch.setattr(mind_lines, '_BLOCK', 16)
  path = tmp_path / TRAIN
  shards = mind.line_shards(path, size)
  ends = [0, *(shard.end for shard in shards)]
  assert [shard.begin for shard in shards] == ends[:-1]
  assert ends[-1] == path.stat().st_size
  content = path.read_bytes()
  for shard in shards:
    assert shard.number == 1 + content[: shard.begin].count(b'\n')
    assert shard.begin == 0 or content[shard.begin - 1 : shard.begin] == b'\n'
  assert read(tmp_path) == whole
  builder = Mind(config='impressions', data_dir=tmp_path / 'prepared')
  shared = builder.shared(tmp_path)
  note = lambda *args, **kwargs: None
  pieces = [e for s in shards for e in Mind.read_shard(s, shared, note)]
  keys = [key for key, _ in pieces]
  assert keys == sorted(set(keys))
  assert [example for _, example in pieces] == whole.train


def test_a_beam_pipeline_prepares_the_same(tmp_path, monkeypatch):
  pytest.importorskip('apache_beam')
  from apache_beam.options.pipeline_options import PipelineOptions

  raw = broken_lines(tmp_path / 'raw')
  data = read(raw)
  monkeypatch.setattr(mind, 'SHARD_BYTES', 300)
  make = lambda **kw: Mind(
    config='impressions', data_dir=tmp_path / 'out', **kw
  )
  make(beam=True).download_and_prepare(
    download_config=tfds.download.DownloadConfig(
      manual_dir=str(raw),
      beam_options=PipelineOptions(['--direct_num_workers=1']),
    )
  )
  again = make()
  counts, notes = again.summary()
  read_counts = {'train: read': len(data.train), 'test: read': len(data.test)}
  assert counts == read_counts | data.counts[1]
  assert notes == data.notes[1]
  for split in Mind.SPLITS:
    prepared = [
      {
        k: v.decode() if isinstance(v, bytes) else v.tolist()
        for k, v in example.items()
      }
      for example in tfds.as_numpy(
        again.as_dataset(
          split=split, read_config=tfds.ReadConfig(interleave_cycle_length=1)
        )
      )
    ]
    assert prepared == getattr(data, split)


def test_beam_is_asked_for_where_it_is_absent(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'apache_beam', None)
  with pytest.raises(UserError, match='pip install apache-beam'):
    Mind(config='impressions', data_dir=tmp_path, beam=True)


# ---------------------------------------------------------------------- fuzz
def mutate(rng, content):
  """One of the ways in which files break."""
  lines = content.split(b'\n')
  at = rng.randrange(len(lines))
  kind = rng.randrange(7)
  if kind == 0:
    return content[: rng.randrange(len(content) // 2, len(content) + 1)]
  if kind == 1:
    flipped = bytearray(content)
    for _ in range(rng.randrange(1, 20) if flipped else 0):
      flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)
  if kind == 2:
    column = rng.randrange(8)
    for i in range(at, min(at + rng.randrange(1, 8), len(lines))):
      columns = lines[i].split(b'\t')
      lines[i] = b'\t'.join(columns[:column] + columns[column + 1 :])
  elif kind == 3:
    other = rng.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]
  elif kind == 4:
    columns = lines[at].split(b'\t')
    columns[rng.randrange(len(columns))] = rng.choice([b'x', b'7 ']) * 100_000
    lines[at] = b'\t'.join(columns)
  elif kind == 5:
    lines.insert(at, rng.randbytes(rng.randrange(200)))
  else:
    lines.insert(at, rng.choice(lines))
  return b'\n'.join(lines)


def test_mutated_files_are_read_or_refused_and_no_line_is_lost(tmp_path):
  rng = random.Random(0)
  base = clean()
  base[TRAIN] = [
    shown(i, f'N{i % 9 + 1} N{i % 5 + 1}', f'N{i % 7 + 2}-1 N{i % 3}-0')
    for i in range(12)
  ]
  base[DEV_NEWS] += [news(f'N{i}') for i in range(10, 16)]
  write(tmp_path, base)
  whole = {name: (tmp_path / name).read_bytes() for name in FILES}
  ends = collections.Counter()
  for _ in range(200):
    contents = dict(whole)
    for _ in range(rng.randrange(1, 5)):
      name = rng.choice(FILES)
      contents[name] = mutate(rng, contents[name])
    for name in FILES:
      (tmp_path / name).write_bytes(contents[name])
    try:
      data = read(tmp_path)
    except UserError as e:
      assert '\n' not in str(e) and len(str(e)) < 2000
      ends['refused'] += 1
      continue
    ends['read'] += 1
    there = [
      sum(
        bool(line.strip())
        for name in names
        for line in contents[name].removeprefix(BOM).split(b'\n')
      )
      for names in (FILES[0::2], FILES[1::2])
    ]
    counts = [collections.Counter(c) for c in data.counts]
    malformed = [
      sum(n for reason, n in c.items() if reason.startswith('malformed: '))
      for c in counts
    ]
    ends['malformed'] += sum(malformed)
    repeated = ('duplicate news ids', 'dev news already in train')
    with_news = len(data.items) - counts[0]['candidates without news']
    dropped = malformed[0] + sum(counts[0][reason] for reason in repeated)
    assert with_news + dropped == there[0]
    assert len(data.train) + len(data.test) + malformed[1] == there[1]
    ids = [item['item_id'] for item in data.items]
    assert len(set(ids)) == len(ids)
    for e in data.train + data.test:
      assert e['candidates'] and set(e['labels']) <= {0, 1}
      assert len(e['labels']) == len(set(e['candidates']))
      assert len(e['candidates']) == len(set(e['candidates']))
      assert all(0 <= i < len(ids) for i in e['history'] + e['candidates'])
      assert all(len(note) < 300 for notes in data.notes for note in notes)
  assert ends['read'] > 100 and ends['refused'] > 2 and ends['malformed'] > 100


# ----------------------------------------------------------------- real data
@pytest.mark.skipif(not REAL.is_dir(), reason='no MIND beside the repository')
def test_the_real_piece(tmp_path):
  items = Mind(config='items', data_dir=tmp_path)
  ids = [item['item_id'] for item in items.items(REAL)]
  assert len(ids) == len(set(ids)) == 51_282
  assert items.counts == {'dev news already in train': 51_282}
  impressions = Mind(config='impressions', data_dir=tmp_path)
  for split, part, length in (('train', TRAIN, 3058), ('test', DEV, 974)):
    lines = (REAL / part).read_bytes().splitlines()
    assert len(lines) == length
    examples = impressions.impressions(REAL, split)
    for line, e in zip(lines, examples, strict=True):
      e['history'] = [ids[i] for i in e['history']]
      e['candidates'] = [ids[i] for i in e['candidates']]
      assert as_line(e) == line
  assert impressions.counts == {} and impressions.notes == []
