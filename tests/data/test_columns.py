import numpy as np
import pytest

from jaxrec.data.columns import Texts, read_columns, write_columns


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


def test_columns_are_written_whole_or_not_at_all(tmp_path):
  write_columns(tmp_path / 'c', {'a': np.arange(3)})

  class Breaks:
    def __array__(self, dtype=None, copy=None):
      raise RuntimeError

  with pytest.raises(RuntimeError):
    write_columns(tmp_path / 'c', {'a': np.arange(4), 'b': Breaks()})
  assert read_columns(tmp_path / 'c')['a'].tolist() == [0, 1, 2]
