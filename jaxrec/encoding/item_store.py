"""An array over the catalog that is computed once, and survives being killed.

Item i has rows offsets[i]..offsets[i + 1]. Until all are there, the array lies
in `<directory>.partial`, mapped into memory, beside one byte for each item that
is done; these bytes reach the disk after the rows they speak of, so whoever
comes next goes on from there. Whole, the directory gets its name.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
import time
from collections.abc import Callable

import ml_dtypes
import numpy as np

from jaxrec.data.columns.files import load_array
from jaxrec.errors import UserError

FLUSH_SECONDS = 10.0  # What a kill may cost.
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)  # .npy files know it as uint16.


class ItemStore:
  """One array, filled item by item; a context that holds its lock.

  Where several processes share a disk, one of them holds the lock and writes;
  `is_writer` is False in the others.

  Args:
    directory: where the finished array lies.
    name: of the file in it, without '.npy'.
    offsets: int64 [N + 1].
    width: D.
    dtype: float32 or bfloat16.
    wait: whether to wait for another process that holds the lock.
    say: called with a line for people to read, if it comes to waiting.
  """

  def __init__(
    self,
    directory: pathlib.Path,
    name: str,
    *,
    offsets: np.ndarray,
    width: int,
    dtype,
    wait: bool = True,
    say=lambda text: None,
  ):
    self.directory = directory
    self.partial = directory.with_name(f'{directory.name}.partial')
    self.name = name
    self.offsets = np.asarray(offsets)
    self.shape = (int(self.offsets[-1]), width)
    self.dtype = np.dtype(dtype)
    self.is_writer = False
    self.done = np.ones(len(self.offsets) - 1, np.uint8)
    self._wait, self._say = wait, say

  def __enter__(self) -> 'ItemStore':
    if not self.directory.is_dir():
      with self._explained():
        self.partial.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.partial / 'lock', 'w')
        self.is_writer = self._acquire()
    if self.is_writer and self.directory.is_dir():  # While we waited.
      self._release()
    if not self.directory.is_dir():
      with self._explained():
        self._open()
    return self

  def __exit__(self, kind, value, trace) -> None:
    if not self.is_writer:
      return
    self._flush()
    if kind is None and self.done.all():
      (self.partial / 'done.npy').unlink()
      self.partial.rename(self.directory)
    self._release()

  def write(self, items: np.ndarray, rows: np.ndarray) -> None:
    """Keeps the items' rows, [sum of their lengths, D] end to end."""
    if not self.is_writer:
      return
    begin = self.offsets[items]
    lengths = self.offsets[items + 1] - begin
    within = np.arange(len(rows)) - np.repeat(
      np.cumsum(lengths) - lengths, lengths
    )
    self._values[np.repeat(begin, lengths) + within] = rows
    self._fresh.append(items)
    if time.monotonic() - self._flushed > FLUSH_SECONDS:
      self._flush()

  def read(self) -> np.ndarray:
    """The finished array, memory-mapped."""
    return read_array(self.directory / f'{self.name}.npy')

  def _acquire(self) -> bool:
    with contextlib.suppress(BlockingIOError):
      fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
      return True
    if self._wait:
      self._say(f'another process is making {self.directory}: waiting for it')
      fcntl.flock(self._lock, fcntl.LOCK_EX)
    return self._wait

  def _release(self) -> None:
    self.is_writer = False
    self._lock.close()

  def _open(self) -> None:
    """Maps what an earlier process left, or makes room for all of it."""
    values, done = (self.partial / f'{n}.npy' for n in (self.name, 'done'))
    if self.is_writer and not done.is_file():
      stored = np.dtype(np.uint16) if self.dtype == BFLOAT16 else self.dtype
      _allocate(values, self.shape, stored)
      _allocate(done, self.done.shape, self.done.dtype)
    if not done.is_file():  # Its writer is about to make it.
      self.done = np.zeros_like(self.done)
      return
    self.done = load_array(done, 'r+' if self.is_writer else 'r')
    if self.is_writer:
      array = load_array(values, 'r+')
      self._values = array.view(self.dtype)
      self._flush_values = _flush_of(array)
      self._fresh: list[np.ndarray] = []
      self._flushed = time.monotonic()

  def _flush(self) -> None:
    """The rows first, then the bytes that vouch for them."""
    self._flush_values()
    for items in self._fresh:
      self.done[items] = 1
    _flush_of(self.done)()
    self._fresh, self._flushed = [], time.monotonic()

  @contextlib.contextmanager
  def _explained(self):
    size = self.shape[0] * self.shape[1] * self.dtype.itemsize / 1e9
    try:
      yield
    except OSError as e:
      if e.errno == errno.ENOSPC:
        shutil.rmtree(self.partial, ignore_errors=True)
        raise UserError(
          f'{self.directory.parent}: no room for {size:.1f} GB of {self.name}: '
          'free some, or give another place by data.cache_dir'
        ) from e
      raise UserError(f'{self.partial}: cannot be written: {e}') from e


def read_array(path: pathlib.Path) -> np.ndarray:
  """An array that an ItemStore wrote, memory-mapped."""
  array = load_array(path)
  return array.view(BFLOAT16) if array.dtype == np.uint16 else array


def _allocate(path: pathlib.Path, shape: tuple[int, ...], dtype) -> None:
  """A .npy file of zeros whose room on the disk is taken for certain.

  A map of a file with holes ends in a bus error when the disk is full.
  """
  partial = path.with_name(f'{path.name}.partial')
  with open(partial, 'wb') as f:
    np.lib.format.write_array_header_2_0(
      f,
      {
        'descr': np.lib.format.dtype_to_descr(dtype),
        'fortran_order': False,
        'shape': shape,
      },
    )
    size = int(np.prod(shape)) * dtype.itemsize
    if size:
      os.posix_fallocate(f.fileno(), f.tell(), size)
  partial.replace(path)


def _flush_of(array: np.ndarray) -> Callable[[], None]:
  """What writes a memory-mapped array to its disk."""
  assert isinstance(array, np.memmap)
  return array.flush
