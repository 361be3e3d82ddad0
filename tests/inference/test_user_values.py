"""Ids and times as programs write them."""

import datetime
import decimal
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxrec.inference import user_files, user_values


@pytest.mark.parametrize(
  ('value', 'problem'),
  [
    (7, ''),
    (7.0, ''),
    (decimal.Decimal('7.00'), ''),
    ('7.0', ''),
    (7.5, 'user_id is 7.5: want text or a whole number'),
    (float('nan'), 'user_id is nan'),
    (decimal.Decimal('NaN'), r"user_id is Decimal\('NaN'\)"),
    (True, 'user_id is True'),
    (None, 'user_id is None'),
    (' ', 'user_id is empty'),
    ('\ud83d', r"no Unicode text: '\\ud83d' is half a character"),
    ('u' * 400_000, 'user_id has 400,000 characters: at most 512'),
  ],
)
def test_ids_as_programs_write_them(value, problem):
  taken = user_values.as_id(value)
  if problem:
    assert re.search(problem, user_values.id_problem('user_id', taken))
  else:
    assert taken in ('7', '7.0')
    assert not user_values.id_problem('user_id', taken)


def test_whole_numbers_and_times_of_parquet_are_taken(tmp_path):
  second = datetime.datetime(2020, 1, 1)
  rows = {
    'user_id': [1.0, None, float('inf')],
    'history': [[1, 2], [], []],
    'times': [[second, second], [], []],
  }
  pq.write_table(pa.table(rows), tmp_path / 'u.parquet')
  noted = {}
  (user,) = user_files.read(tmp_path / 'u.parquet', noted.__setitem__)
  assert (user.user_id, user.history) == ('1', ['1', '2'])
  assert user.times == [1577836800.0] * 2
  assert sorted(noted) == [2, 3]
