"""Rows that list several things are rows of each."""

import pytest

from jaxrec.data.readers import baskets
from jaxrec.data.readers.tally import Tally


def apart(rows, whole=()):
  tally = Tally()
  numbered = ((f'f:{i}', dict(row)) for i, row in enumerate(rows))
  done = list(baskets.taken_apart(numbered, 'item_id', tally.note, whole))
  return [(where, tuple(row.values())) for where, row in done], tally.counts


def row(item, time='5', user='u'):
  return {'user_id': user, 'item_id': item, 'timestamp': time}


def test_each_item_is_of_the_rows_user_and_time():
  rows, counts = apart([row('["a", "b"]'), row('c')])
  assert rows == [
    ('f:0', ('u', 'a', '5')),
    ('f:0', ('u', 'b', '5')),
    ('f:1', ('u', 'c', '5')),
  ]
  assert counts == {baskets.FURTHER: 1}


@pytest.mark.parametrize('text', ['[1, 2]', "['1' '2']", ' [1.0, 2.0] '])
def test_as_programs_write_them(text):
  rows, _ = apart([row(text, '[10, 20]')])
  assert [values for _, values in rows] == [('u', '1', '10'), ('u', '2', '20')]


def test_lists_of_another_length_are_of_all():
  rows, _ = apart([row('["a", "b"]', '[10, 20, 30]')])
  assert [values[2] for _, values in rows] == ['[10, 20, 30]'] * 2


def test_what_is_an_id_stays_one():
  guid = '{3F2504E0-4F89-11D3-9A0C-0305E82C3301}'
  given = [row('[limited] mug'), row(guid), row('["x"]')]
  rows, counts = apart(given, whole={'["x"]'})
  assert [values[1] for _, values in rows] == [r['item_id'] for r in given]
  assert not counts


def test_an_empty_list_is_malformed():
  rows, counts = apart([row('[]')])
  assert not rows and list(counts) == ['malformed: an empty list']
