"""Columns of strings as arrays: what safetensors can hold."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np


class Strings(Sequence):
  """Strings as UTF-8 bytes end to end, decoded when read.

  Args:
    data: uint8, the bytes.
    offsets: int64 [N + 1]; string i's bytes are offsets[i]..offsets[i + 1].
  """

  def __init__(self, data: np.ndarray, offsets: np.ndarray):
    self._data = data.tobytes()
    self._offsets = offsets.tolist()

  def __len__(self) -> int:
    return len(self._offsets) - 1

  def __getitem__(self, i: int) -> str:
    return self._data[self._offsets[i] : self._offsets[i + 1]].decode()

  def __iter__(self) -> Iterator[str]:
    return (self[i] for i in range(len(self)))


def packed(columns: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
  """Two arrays for every column, by its name."""
  found = {}
  for name, column in columns.items():
    encoded = [column[i].encode() for i in range(len(column))]
    # A copy: safetensors writes what lies there.
    found[f'{name}.bytes'] = np.frombuffer(b''.join(encoded), np.uint8).copy()
    found[f'{name}.offsets'] = np.cumsum(
      [0, *map(len, encoded)], dtype=np.int64
    )
  return found


def unpacked(arrays: Mapping[str, np.ndarray], names) -> dict[str, Strings]:
  """The columns called `names`, of what `packed` gave."""
  return {
    name: Strings(arrays[f'{name}.bytes'], arrays[f'{name}.offsets'])
    for name in names
  }
