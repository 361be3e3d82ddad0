"""Prepared data as columns: flat arrays with offsets, memory-mapped.

A TFDS builder's records are read once and kept beside it as `.npy` files, so
that a run starts from arrays and a process touches only what it reads.
"""

import dataclasses
import hashlib
import os
import pathlib
import shutil
from collections.abc import Sequence

import numpy as np
import tensorflow_datasets as tfds

FORMAT = 'columns-2'  # To be counted up when what is written changes.


class Texts(Sequence):
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
  def of(cls, encoded: list[bytes]) -> 'Texts':
    """From UTF-8 strings."""
    data = np.frombuffer(b''.join(encoded), np.uint8)
    return cls(data, np.cumsum([0, *map(len, encoded)], dtype=np.int64))

  def __len__(self) -> int:
    return len(self.offsets) - 1

  def __getitem__(self, i: int) -> str:
    if not 0 <= i < len(self):
      raise IndexError(i)
    return bytes(self.data[self.offsets[i] : self.offsets[i + 1]]).decode()


@dataclasses.dataclass(frozen=True)
class Impressions:
  """One split's impressions; ragged columns are flat values with offsets.

  Attributes:
    impression_ids, user_ids: str [E].
    times: int64 [E], unix seconds.
    history, history_offsets: int32 item indices, oldest first; int64 [E + 1].
    candidates, candidate_offsets: likewise.
    labels: uint8, one per candidate, 1 for clicked.
    probabilities: float32, one per candidate: the true click probability
      where the world is known (the demo), else None.
  """

  impression_ids: np.ndarray
  user_ids: np.ndarray
  times: np.ndarray
  history: np.ndarray
  history_offsets: np.ndarray
  candidates: np.ndarray
  candidate_offsets: np.ndarray
  labels: np.ndarray
  probabilities: np.ndarray | None = None

  def __len__(self) -> int:
    return len(self.times)

  def history_of(self, i: int, length: int) -> np.ndarray:
    """The last `length` items of example i's history, oldest first."""
    end = self.history_offsets[i + 1]
    return self.history[max(self.history_offsets[i], end - length) : end]

  def shown(self, i: int) -> slice:
    """Where example i's candidates and labels lie."""
    return slice(self.candidate_offsets[i], self.candidate_offsets[i + 1])

  def take(self, rows: np.ndarray) -> 'Impressions':
    """The examples `rows`, in that order."""
    columns = {}
    for name, offsets, values in (
      ('history', self.history_offsets, ('history',)),
      (
        'candidate',
        self.candidate_offsets,
        ('candidates', 'labels', 'probabilities'),
      ),
    ):
      begin, lengths = offsets[rows], np.diff(offsets)[rows]
      ends = np.cumsum(lengths, dtype=np.int64)
      flat = np.arange(lengths.sum()) + np.repeat(
        begin - (ends - lengths), lengths
      )
      columns[f'{name}_offsets'] = np.concatenate([[0], ends])
      for value in values:
        column = getattr(self, value)
        columns[value] = None if column is None else column[flat]
    for name in ('impression_ids', 'user_ids', 'times'):
      columns[name] = getattr(self, name)[rows]
    return Impressions(**columns)


def _records(builder, split: str):
  config = tfds.ReadConfig(interleave_cycle_length=1)  # In the written order.
  return tfds.as_numpy(builder.as_dataset(split=split, read_config=config))


def _read_items(builder) -> dict[str, np.ndarray]:
  columns = {name: [] for name in builder.info.features}
  for record in _records(builder, 'catalog'):
    for name, value in record.items():
      columns[name].append(value)
  arrays = {}
  for name, values in columns.items():
    texts = Texts.of(values)
    arrays |= {f'{name}.data': texts.data, f'{name}.offsets': texts.offsets}
  return arrays


def _read_impressions(builder, split: str) -> dict[str, np.ndarray]:
  columns = {name: [] for name in builder.info.features}
  for record in _records(builder, split):
    for name, value in record.items():
      columns[name].append(value)
  flat = lambda name, dtype: np.concatenate(columns[name]).astype(dtype)
  ends = lambda name: np.cumsum([0, *map(len, columns[name])], dtype=np.int64)
  text = lambda name: np.array([value.decode() for value in columns[name]])
  arrays = {
    'impression_ids': text('impression_id'),
    'user_ids': text('user_id'),
    'times': np.array(columns['time'], np.int64),
    'history': flat('history', np.int32),
    'history_offsets': ends('history'),
    'candidates': flat('candidates', np.int32),
    'candidate_offsets': ends('candidates'),
    'labels': flat('labels', np.uint8),
  }
  if 'probabilities' in columns:
    arrays['probabilities'] = flat('probabilities', np.float32)
  return arrays


def write_columns(directory: pathlib.Path, columns: dict) -> None:
  """Writes arrays as `.npy` files; whole or not at all."""
  partial = directory.with_name(f'{directory.name}.partial{os.getpid()}')
  shutil.rmtree(partial, ignore_errors=True)
  partial.mkdir(parents=True)
  for name, values in columns.items():
    np.save(partial / f'{name}.npy', values, allow_pickle=False)
  shutil.rmtree(directory, ignore_errors=True)
  partial.rename(directory)


def read_columns(directory: pathlib.Path) -> dict[str, np.ndarray]:
  """The arrays that `write_columns` wrote, memory-mapped."""
  return {
    path.stem: np.load(path, mmap_mode='r', allow_pickle=False)
    for path in sorted(directory.glob('*.npy'))
  }


def columns_fingerprint(directory: pathlib.Path) -> str:
  """Hash of all columns under `directory`; computed once, kept beside them."""
  kept = directory / 'fingerprint'
  if not kept.is_file():
    digest = hashlib.sha256()
    for path in sorted(directory.glob('*/*.npy')):
      digest.update(str(path.relative_to(directory)).encode())
      with open(path, 'rb') as f:
        digest.update(hashlib.file_digest(f, 'sha256').digest())
    partial = kept.with_name(f'fingerprint.partial{os.getpid()}')
    partial.write_text(digest.hexdigest()[:16])
    partial.replace(kept)
  return kept.read_text()


def item_columns(builder, directory: pathlib.Path) -> dict[str, Texts]:
  """The catalog's text columns by name, N each; cached in `directory`."""
  if not directory.is_dir():
    write_columns(directory, _read_items(builder))
  arrays = read_columns(directory)
  names = [name.removesuffix('.data') for name in arrays if '.data' in name]
  return {
    name: Texts(arrays[f'{name}.data'], arrays[f'{name}.offsets'])
    for name in names
  }


def impression_columns(
  builder, split: str, directory: pathlib.Path
) -> Impressions:
  """One split's impressions; cached in `directory`."""
  if not directory.is_dir():
    write_columns(directory, _read_impressions(builder, split))
  return Impressions(**read_columns(directory))
