"""Columns of strings as arrays: what safetensors can hold."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from jaxrec.data.columns.texts import Texts


def packed(columns: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
  """Two arrays for every column, by its name."""
  arrays = {}
  for name, column in columns.items():
    texts = Texts.of([column[i].encode() for i in range(len(column))])
    # A copy: safetensors writes what lies there.
    arrays[f'{name}.bytes'] = texts.data.copy()
    arrays[f'{name}.offsets'] = texts.offsets
  return arrays


def unpacked(
  arrays: Mapping[str, np.ndarray], names: Iterable[str]
) -> dict[str, Texts]:
  """The columns called `names`, of what `packed` gave."""
  return {
    name: Texts(arrays[f'{name}.bytes'], arrays[f'{name}.offsets'])
    for name in names
  }
