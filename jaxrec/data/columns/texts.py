"""Many strings as one column of bytes."""

from collections.abc import Sequence
from typing import overload

import numpy as np

from jaxrec.data.columns.ragged import ragged_rows


class Texts(Sequence[str]):
  """Strings as UTF-8 bytes end to end; may be memory-mapped.

  A NumPy array of strings would give each of them the room of the longest.

  Args:
    data: uint8, the bytes.
    offsets: int64 [N + 1]; string i's bytes are offsets[i]..offsets[i + 1].
  """

  def __init__(self, data: np.ndarray, offsets: np.ndarray):
    self.data = data
    self.offsets = offsets

  @classmethod
  def of(cls, encoded: Sequence[bytes]) -> 'Texts':
    """From UTF-8 strings."""
    data = np.frombuffer(b''.join(encoded), np.uint8)
    return cls(data, np.cumsum([0, *map(len, encoded)], dtype=np.int64))

  def __len__(self) -> int:
    return len(self.offsets) - 1

  @overload
  def __getitem__(self, i: int) -> str: ...

  @overload
  def __getitem__(self, i: slice | np.ndarray) -> 'Texts': ...

  def __getitem__(self, i):
    """String i; for a slice or an array of indices, these as Texts."""
    if isinstance(i, slice):
      i = np.arange(*i.indices(len(self)))
    if isinstance(i, np.ndarray):
      flat, offsets = ragged_rows(self.offsets, i)
      return Texts(self.data[flat], offsets)
    if not 0 <= i < len(self):
      raise IndexError(i)
    return bytes(self.data[self.offsets[i] : self.offsets[i + 1]]).decode()
