import dataclasses
import tracemalloc

import numpy as np
import pytest

from jaxrec.data.columns import impressions as impressions_module
from jaxrec.data.columns import ragged
from jaxrec.data.columns.files import (
  ColumnWriter,
  columns_fingerprint,
  read_columns,
  write_columns,
)
from jaxrec.data.columns.impressions import (
  Impressions,
  read_impressions,
  write_taken,
)
from jaxrec.data.columns.texts import Texts, distinct
from jaxrec.data.splits.by_time import split_by_time
from jaxrec.errors import UserError


def test_texts_are_the_strings_they_were_made_of(tmp_path):
  strings = ['', 'Rain', 'Björk – “Jóga”', '😀' * 100, '\x00', '']
  texts = Texts.of([s.encode() for s in strings])
  assert list(texts) == strings and len(texts) == 6
  write_columns(tmp_path / 'c', {'a': texts.data, 'b': texts.offsets})
  columns = read_columns(tmp_path / 'c')
  assert list(Texts(columns['a'], columns['b'])) == strings
  assert texts.data.nbytes == sum(len(s.encode()) for s in strings)
  for i in (6, -1):
    with pytest.raises(IndexError):
      texts[i]


def test_distinct_texts_are_numbered_as_numpy_does():
  rng = np.random.default_rng(0)
  words = ['', 'a', 'B', 'é', '映画', '😀', 'ab', 'z' * 9]
  texts = [words[i] for i in rng.integers(len(words), size=200)]
  names, numbers = distinct(texts)
  want, places = np.unique(np.array(texts), return_inverse=True)
  assert list(names) == want.tolist()
  np.testing.assert_array_equal(numbers, places)
  assert len(distinct([])[0]) == len(distinct([])[1]) == 0


def test_one_long_id_does_not_make_the_others_long():
  ids = ['u' * 400_000, *(f'u{i}' for i in range(600))]
  tracemalloc.start()
  names, _ = distinct(Texts.of([x.encode() for x in ids]))
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  assert len(names) == 601 and peak < 10e6  # As an array of strings: 960 MB.


def test_columns_are_written_whole_or_not_at_all(tmp_path):
  write_columns(tmp_path / 'c', {'a': np.arange(3)})

  class Breaks:
    def __array__(self, dtype=None, copy=None):
      raise RuntimeError

  with pytest.raises(RuntimeError):
    write_columns(tmp_path / 'c', {'a': np.arange(4), 'b': Breaks()})
  assert read_columns(tmp_path / 'c')['a'].tolist() == [0, 1, 2]


def test_a_column_of_chunks_is_the_file_that_numpy_saves(tmp_path):
  rng = np.random.default_rng(0)
  whole = {
    'a': rng.integers(0, 9, 1000),
    'b': rng.random((1000, 3), np.float32),
    'c': np.array(['Björk', 'x'] * 500),
  }
  with ColumnWriter(tmp_path / 'c') as writer:
    for begin, end in ((0, 1), (1, 1), (1, 999), (999, 1000)):
      writer.append({k: v[begin:end] for k, v in whole.items()})
  for name, values in whole.items():
    np.save(tmp_path / 'whole.npy', values)
    content = (tmp_path / 'c' / f'{name}.npy').read_bytes()
    assert content == (tmp_path / 'whole.npy').read_bytes()
  with (
    pytest.raises(TypeError, match='a: float64 after'),
    ColumnWriter(tmp_path / 'c') as writer,
  ):
    writer.append({'a': np.arange(2)})
    writer.append({'a': np.zeros(2)})
  assert read_columns(tmp_path / 'c').keys() == whole.keys()


def test_texts_are_indexed_by_arrays():
  texts = Texts.of([b'a', b'', b'ccc', b'dd'])
  assert list(texts[np.array([3, 1, 3, 0])]) == ['dd', '', 'dd', 'a']
  assert list(texts[np.zeros(0, int)]) == []


def make_impressions(rng, examples=400):
  ends = lambda counts: np.concatenate([[0], np.cumsum(counts)])
  history, shown = rng.integers(0, 9, (2, examples))
  texts = lambda: Texts.of(
    [b'%d' % i for i in rng.integers(0, 10**6, examples)]
  )
  return Impressions(
    impression_ids=texts(),
    user_ids=texts(),
    times=rng.integers(0, 50, examples),
    history=rng.integers(0, 99, history.sum(), np.int32),
    history_offsets=ends(history),
    candidates=rng.integers(0, 99, shown.sum(), np.int32),
    candidate_offsets=ends(shown),
    labels=rng.integers(0, 2, shown.sum(), np.uint8),
    history_behaviours=rng.integers(0, 3, history.sum(), np.uint8),
  )


def assert_same(one, other):
  for field in dataclasses.fields(Impressions):
    a, b = getattr(one, field.name), getattr(other, field.name)
    if isinstance(a, Texts):
      assert list(a) == list(b)
    elif field.name != 'directory':
      np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('chunk', [1, 7, 1 << 16])
def test_what_is_stored_in_chunks_is_what_memory_would_hold(
  tmp_path, monkeypatch, chunk
):
  impressions = make_impressions(np.random.default_rng(1))
  for module in (ragged, impressions_module):
    monkeypatch.setattr(module, 'CHUNK', chunk)
  rows = np.random.default_rng(2).permutation(400)[:300]
  write_taken(impressions, rows, tmp_path / 'taken')
  stored, held = read_impressions(tmp_path / 'taken'), impressions.take(rows)
  assert_same(stored, held)

  # The clicks, by their definition.
  wanted = [
    (place, example)
    for example in range(len(held))
    for place in np.arange(len(held.labels))[held.shown(example)]
    if held.labels[place] and not held.labels[held.shown(example)].all()
  ]
  for one in (held, stored, stored):  # The second time from the file.
    assert list(zip(*one.trainable_clicks(), strict=True)) == wanted


def test_the_cut_by_time_is_stable_and_kept(tmp_path, monkeypatch):
  impressions = make_impressions(np.random.default_rng(3))
  order = np.argsort(impressions.times, kind='stable')
  for _ in range(2):
    early, late = split_by_time(impressions, 0.25, tmp_path / 'cut')
    assert_same(early, impressions.take(order[:300]))
    assert_same(late, impressions.take(order[300:]))
    # The second time is read.
    monkeypatch.setattr(np, 'argsort', None)
  with pytest.raises(UserError, match='leaves one side'):
    monkeypatch.undo()
    split_by_time(impressions, 0.0, tmp_path / 'none')


def test_the_index_of_clicks_is_no_part_of_the_fingerprint(tmp_path):
  impressions = make_impressions(np.random.default_rng(4))
  prints = []
  for index in (False, True):
    where = tmp_path / str(index) / 'train'
    write_taken(impressions, np.arange(400), where)
    if index:
      read_impressions(where).trainable_clicks()
    prints.append(columns_fingerprint(where.parent))
  assert prints[0] == prints[1]
