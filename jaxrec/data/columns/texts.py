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


def distinct(texts: Sequence[str] | np.ndarray) -> tuple[Texts, np.ndarray]:
  """The texts there are, sorted, each once; int64, the place of each in them.

  As `numpy.unique` does it, but a single long text does not make an array in
  which all have its length.
  """
  every = [texts[i] for i in range(len(texts))]
  names = sorted(set(every))
  places = {name: place for place, name in enumerate(names)}
  numbers = np.fromiter((places[text] for text in every), np.int64, len(every))
  return Texts.of([name.encode() for name in names]), numbers
