import pytest

from jaxrec.data.datasets.lastfm_1k import FILE, UNTITLED, LastFm1K
from jaxrec.errors import UserError

TIME = '2009-05-04T23:08:57Z'
SECONDS = 1_241_478_537
LINES = [
  ('u1', TIME, 'a1', 'Sigur Rós', 't1', 'Untitled #3'),
  ('u1', TIME, '', '"Weird Al', '', 'Fat"'),
  ('u1', TIME, '', '"Weird Al', '', 'Fat"'),
  ('u2', '1970-01-01T00:00:01Z', 'a1', 'Sigur Ros', 't1', 'Untitled 3'),
  ('u2', TIME, '', 'Other', '', 'Fat"'),
  ('u2', TIME, '', 'Nameless', 't2', ''),
  ('', TIME, '', 'A', '', 'B'),
  ('u2', '2009-02-30T23:08:57Z', '', 'A', '', 'B'),
  ('u2', '2009-05-04 23:08:57', '', 'A', '', 'B'),
  ('u2', '9999-05-04T23:08:57Z', '', 'A', '', 'B'),
  ('u2', TIME, 'a3', 'A', '', ' '),
  ('u2', TIME, 'a3', 'A', 'B'),
]


def test_what_is_read_and_what_is_set_aside(tmp_path):
  content = '\n'.join('\t'.join(line) for line in LINES).encode()
  content += b'\nu3\t' + TIME.encode() + b'\t\tCaf\xe9\t\tX\n'
  (tmp_path / FILE).write_bytes(content)
  items, plays = (
    LastFm1K(config=config, data_dir=tmp_path / 'cache')
    for config in ('items', 'sequences')
  )
  assert list(items.items(tmp_path)) == [
    {'item_id': 't1', 'title': 'Untitled #3', 'artist': 'Sigur Rós'},
    {'item_id': '"Weird Al\tFat"', 'title': 'Fat"', 'artist': '"Weird Al'},
    {'item_id': 'Other\tFat"', 'title': 'Fat"', 'artist': 'Other'},
    {'item_id': 't2', 'title': '', 'artist': 'Nameless'},
    {'item_id': 'Caf\ufffd\tX', 'title': 'X', 'artist': 'Caf\ufffd'},
  ]
  assert items.counts == {UNTITLED: 1}
  assert [tuple(play) for play in plays.interactions(tmp_path)] == [
    *(('u1', 0, SECONDS, ''), ('u1', 1, SECONDS, ''), ('u1', 1, SECONDS, '')),
    *(('u2', 0, 1, ''), ('u2', 2, SECONDS, ''), ('u2', 3, SECONDS, '')),
    ('u3', 4, SECONDS, ''),
  ]
  assert plays.counts == {
    **{'rows': 13, 'malformed: no user': 1, 'malformed: time': 3},
    **{'malformed: no track': 1, 'malformed: columns': 1},
    'rows with bytes that are not UTF-8, read as U+FFFD': 1,
  }
  assert f'{FILE}:12: 5 columns, expected 6' in ' '.join(plays.notes)


def test_what_cannot_be_read_is_refused(tmp_path):
  with pytest.raises(UserError, match=r'is missing \(found: nothing\)'):
    LastFm1K.files(tmp_path)
  (tmp_path / FILE).write_text('u1,2009,a,b,c,d\n')
  with pytest.raises(UserError, match=r'no line is a play.*columns'):
    builder = LastFm1K(config='items', data_dir=tmp_path / 'cache')
    list(builder.items(tmp_path))
