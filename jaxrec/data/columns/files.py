"""Prepared data on disk: each column one `.npy` file, memory-mapped.

Columns are written chunk by chunk, so no set has to fit in memory, and they
are there whole or not at all.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Literal

import numpy as np

from jaxrec.data.columns.texts import Texts
from jaxrec.errors import UserError
from jaxrec.files import write_text


class ColumnWriter:
  """Columns that grow by chunks, as `.npy` files; whole or not at all.

  A context: the directory gets its name when it is left without an error.
  Every file is what `np.save` would have written.

  Args:
    directory: where the columns are to lie; what is there goes.
  """

  def __init__(self, directory: pathlib.Path):
    self.directory = directory
    self._partial = directory.with_name(
      f'{directory.name}.partial{os.getpid()}'
    )
    self._files: dict[str, BinaryIO] = {}
    self._headers: dict[str, list] = {}  # dtype, then the shape.
    self._ends: dict[str, int] = {}  # Of columns of offsets, the last one.
    self._opened = contextlib.ExitStack()  # Closes them.

  def __enter__(self) -> 'ColumnWriter':
    shutil.rmtree(self._partial, ignore_errors=True)
    self._partial.mkdir(parents=True)
    return self

  def __exit__(self, kind, value, trace) -> None:
    with self._opened:
      for name, file in self._files.items():
        file.seek(0)
        self._write_header(name)
    if kind is not None:
      shutil.rmtree(self._partial)
      return
    shutil.rmtree(self.directory, ignore_errors=True)
    self._partial.rename(self.directory)

  def append(self, columns: Mapping[str, np.ndarray]) -> None:
    """More of some columns; arrays whose first axis grows."""
    for name, values in columns.items():
      values = np.ascontiguousarray(values)
      if name not in self._files:
        path = self._partial / f'{name}.npy'
        file = open(path, 'wb')  # noqa: SIM115 (the stack closes it)
        self._files[name] = self._opened.enter_context(file)
        descr = np.lib.format.dtype_to_descr(values.dtype)
        self._headers[name] = [descr, 0, *values.shape[1:]]
        self._write_header(name)
      header = self._headers[name]
      if header[0] != np.lib.format.dtype_to_descr(values.dtype):
        raise TypeError(f'{name}: {values.dtype} after {header[0]}')
      header[1] += len(values)
      # Not tofile, which makes a full disk a short write.
      self._files[name].write(values.data)

  def append_offsets(
    self, name: str, lengths: np.ndarray | Sequence[int]
  ) -> None:
    """More of an int64 column of offsets, by the lengths of what they cut."""
    ends = np.cumsum(lengths, dtype=np.int64) + self._ends.get(name, 0)
    if name not in self._ends:
      self.append({name: np.zeros(1, np.int64)})
      self._ends[name] = 0
    self.append({name: ends})
    self._ends[name] = ends[-1] if len(ends) else self._ends[name]

  def append_texts(self, name: str, texts: Texts) -> None:
    """More of a column of strings: its bytes and its offsets."""
    self.append({f'{name}.data': texts.data})
    self.append_offsets(f'{name}.offsets', np.diff(texts.offsets))

  def _write_header(self, name: str) -> None:
    descr, *shape = self._headers[name]
    # NumPy leaves room in the header for the first axis to grow.
    np.lib.format.write_array_header_1_0(
      self._files[name],
      {'descr': descr, 'fortran_order': False, 'shape': tuple(shape)},
    )


def write_columns(
  directory: pathlib.Path, columns: Mapping[str, np.ndarray]
) -> None:
  """Writes arrays as `.npy` files; whole or not at all."""
  with ColumnWriter(directory) as writer:
    writer.append(columns)


def load_array(
  path: pathlib.Path, mode: Literal['r', 'r+', 'c'] = 'r'
) -> np.ndarray:
  """A kept `.npy` file, memory-mapped.

  Raises:
    UserError: it is damaged or cannot be read.
  """
  try:
    return np.load(path, mmap_mode=mode, allow_pickle=False)
  except (ValueError, EOFError, OSError) as e:
    raise UserError(
      f'{path}: kept data that is damaged or unreadable ({e}): remove '
      f'{path.parent}, and the same command makes it anew'
    ) from e


def read_columns(directory: pathlib.Path) -> dict[str, np.ndarray]:
  """The arrays that were written, memory-mapped, without the memmap class.

  Its slices cost ten times what an ndarray's do.
  """
  return {
    path.stem: np.asarray(load_array(path))
    for path in sorted(directory.glob('*.npy'))
  }


def with_texts(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
  """Columns by name, those of strings put together."""
  names = [name.removesuffix('.data') for name in arrays if '.data' in name]
  texts = {
    name: Texts(arrays.pop(f'{name}.data'), arrays.pop(f'{name}.offsets'))
    for name in names
  }
  return texts | arrays


def columns_fingerprint(directory: pathlib.Path) -> str:
  """Hash of all columns under `directory`; computed once, kept beside them."""
  kept = directory / 'fingerprint'
  if not kept.is_file():
    digest = hashlib.sha256()
    for path in sorted(directory.glob('*/*.npy')):
      digest.update(str(path.relative_to(directory)).encode())
      with open(path, 'rb') as f:
        digest.update(hashlib.file_digest(f, 'sha256').digest())
    write_text(kept, digest.hexdigest()[:16])
  return kept.read_text()
