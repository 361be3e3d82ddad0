"""Columns of strings come back from arrays as they were."""

import numpy as np
from safetensors.numpy import load_file, save_file

from jaxrec.bundle.strings import packed, unpacked


def test_strings_come_back(tmp_path):
  columns = {'title': ['Rain', '', 'Größe 你好'], 'none': []}
  save_file(packed(columns), tmp_path / 'a.safetensors')
  arrays = load_file(tmp_path / 'a.safetensors')
  assert arrays['title.bytes'].dtype == np.uint8
  assert arrays['title.offsets'].tolist() == [0, 4, 4, 18]
  texts = unpacked(arrays, columns)
  assert {name: list(column) for name, column in texts.items()} == columns
  assert len(texts['title']) == 3 and texts['title'][2] == 'Größe 你好'
