"""Prepared data as columns: flat arrays with offsets, memory-mapped.

A TFDS builder's records are read once and kept beside it as `.npy` files, so
that a run starts from arrays and a process touches only what it reads. They
are written chunk by chunk: no set has to fit in memory.
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.errors import UserError
from jaxrec.files import write_text

FORMAT = 'columns-4'  # To be counted up when what is written changes.
CHUNK = 1 << 16  # Examples, items or candidates held in memory at a time.


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
  def of(cls, encoded: Sequence[bytes]) -> 'Texts':
    """From UTF-8 strings."""
    data = np.frombuffer(b''.join(encoded), np.uint8)
    return cls(data, np.cumsum([0, *map(len, encoded)], dtype=np.int64))

  def __len__(self) -> int:
    return len(self.offsets) - 1

  def __getitem__(self, i):
    """String i; for an array of indices, their strings as Texts."""
    if isinstance(i, np.ndarray):
      flat, offsets = ragged_rows(self.offsets, i)
      return Texts(self.data[flat], offsets)
    if not 0 <= i < len(self):
      raise IndexError(i)
    return bytes(self.data[self.offsets[i] : self.offsets[i + 1]]).decode()


def ragged_rows(offsets: np.ndarray, rows: np.ndarray):
  """Where the lists `rows` of a ragged column lie, and their own offsets.

  Args:
    offsets: int64 [N + 1]; list i is offsets[i]..offsets[i + 1].
    rows: int [M].

  Returns:
    int64 [V], places of all their values in turn; int64 [M + 1].
  """
  lengths = offsets[rows + 1] - offsets[rows]
  ends = np.cumsum(lengths, dtype=np.int64)
  return spans(offsets[rows], lengths), np.concatenate([[0], ends])


def spans(begin: np.ndarray, lengths: np.ndarray) -> np.ndarray:
  """The places of runs that begin at `begin`, in turn, int64 [V]."""
  ends = np.cumsum(lengths, dtype=np.int64)
  return np.arange(lengths.sum()) + np.repeat(begin - (ends - lengths), lengths)


def event_numbers(offsets: np.ndarray, times: np.ndarray) -> np.ndarray:
  """int64, one per value: grows by one with each new list and each new time."""
  starts = np.ones(len(times), np.int64)
  starts[1:] = times[1:] != times[:-1]
  begins = offsets[:-1]
  starts[begins[begins < len(times)]] = 1
  return np.cumsum(starts) - 1


@dataclasses.dataclass(frozen=True)
class Impressions:
  """One split's impressions; ragged columns are flat values with offsets.

  Attributes:
    impression_ids, user_ids: E strings.
    times: int64 [E], unix seconds.
    history, history_offsets: int32 item indices, oldest first; int64 [E + 1].
    candidates, candidate_offsets: likewise.
    labels: uint8, one per candidate, 1 for clicked.
    probabilities: float32, one per candidate: the true click probability
      where the world is known (the demo), else None.
    history_times: int64, one per item of a history, where they are known.
    history_behaviours: uint8, likewise: indices into `Dataset.behaviours`.
    directory: where exactly these columns lie; None: in memory alone.
  """

  impression_ids: Texts | np.ndarray
  user_ids: Texts | np.ndarray
  times: np.ndarray
  history: np.ndarray
  history_offsets: np.ndarray
  candidates: np.ndarray
  candidate_offsets: np.ndarray
  labels: np.ndarray
  probabilities: np.ndarray | None = None
  history_times: np.ndarray | None = None
  history_behaviours: np.ndarray | None = None
  directory: pathlib.Path | None = None

  def __len__(self) -> int:
    return len(self.times)

  def history_of(self, i: int, length: int) -> np.ndarray:
    """The last `length` items of example i's history, oldest first."""
    end = self.history_offsets[i + 1]
    return self.history[max(self.history_offsets[i], end - length) : end]

  def history_events(self) -> np.ndarray:
    """int64, one per item of a history, growing along all of them.

    Items of one time are one event; where times are unknown each item is one.
    """
    if self.history_times is None:
      return np.arange(len(self.history))
    return event_numbers(self.history_offsets, self.history_times)

  def history_columns(self) -> tuple[np.ndarray | None, ...]:
    """Events, times and behaviours, see `histories.context_at`."""
    times = self.history_times
    events = None if times is None else self.history_events()
    return events, times, self.history_behaviours

  def shown(self, i: int) -> slice:
    """Where example i's candidates and labels lie."""
    return slice(self.candidate_offsets[i], self.candidate_offsets[i + 1])

  def take(self, rows: np.ndarray) -> 'Impressions':
    """The examples `rows`, in that order, in memory."""
    columns = {}
    for name, values in (
      ('history', ('history', 'history_times', 'history_behaviours')),
      ('candidate', ('candidates', 'labels', 'probabilities')),
    ):
      offsets = getattr(self, f'{name}_offsets')
      flat, columns[f'{name}_offsets'] = ragged_rows(offsets, rows)
      for value in values:
        column = getattr(self, value)
        columns[value] = None if column is None else column[flat]
    for name in ('impression_ids', 'user_ids', 'times'):
      columns[name] = getattr(self, name)[rows]
    return Impressions(**columns)

  def trainable_clicks(self) -> tuple[np.ndarray, np.ndarray]:
    """The clicks of impressions that have a non-click as well, in order.

    Found once and kept beside the columns, where there is such a place;
    memory-mapped then.

    Returns:
      int64 [K] each: places among the candidates, and their examples.
    """
    if self.directory is None:
      found = list(self._trainable_clicks())
      join = lambda name: np.concatenate([chunk[name] for chunk in found])
      return join('clicks'), join('owners')
    # Not a column: one folder deeper than the fingerprint looks.
    index = self.directory / 'index'
    if not index.is_dir():
      with ColumnWriter(index) as writer:
        for chunk in self._trainable_clicks():
          writer.append(chunk)
    columns = read_columns(index)
    return columns['clicks'], columns['owners']

  def _trainable_clicks(self) -> Iterator[dict[str, np.ndarray]]:
    offsets = self.candidate_offsets
    for begin, end in chunks_of(offsets):
      labels = self.labels[offsets[begin] : offsets[end]]
      clicked = np.asarray(labels, bool)
      counts = np.diff(offsets[begin : end + 1])
      owner = np.repeat(np.arange(end - begin), counts)
      others = np.bincount(owner, ~clicked, minlength=end - begin)
      at = np.flatnonzero(clicked & (others[owner] > 0))
      yield {'clicks': at + offsets[begin], 'owners': owner[at] + begin}


def chunks_of(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
  """Runs begin..end of a ragged column's lists, of about CHUNK values each.

  At most CHUNK lists; a longer list makes a run of its own.
  """
  begin, count = 0, len(offsets) - 1
  while begin < count:
    ahead = offsets[begin : begin + CHUNK + 1]
    end = int(np.searchsorted(ahead, ahead[0] + CHUNK, 'right')) - 1
    yield begin, begin + max(end, 1)
    begin += max(end, 1)


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
    self._files, self._headers, self._ends = {}, {}, {}
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

  def append(self, columns: dict) -> None:
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

  def append_offsets(self, name: str, lengths: np.ndarray) -> None:
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

  def append_impressions(self, impressions: Impressions) -> None:
    """More impressions."""
    for name in ('impression_ids', 'user_ids'):
      self.append_texts(name, getattr(impressions, name))
    for name in ('history_offsets', 'candidate_offsets'):
      self.append_offsets(name, np.diff(getattr(impressions, name)))
    for name in (
      *('times', 'history', 'history_times', 'history_behaviours'),
      *('candidates', 'labels', 'probabilities'),
    ):
      values = getattr(impressions, name)
      if values is not None:
        self.append({name: values})

  def _write_header(self, name: str) -> None:
    descr, *shape = self._headers[name]
    # NumPy leaves room in the header for the first axis to grow.
    np.lib.format.write_array_header_1_0(
      self._files[name],
      {'descr': descr, 'fortran_order': False, 'shape': tuple(shape)},
    )


def write_columns(directory: pathlib.Path, columns: dict) -> None:
  """Writes arrays as `.npy` files; whole or not at all."""
  with ColumnWriter(directory) as writer:
    writer.append(columns)


def load_array(path: pathlib.Path, mode: str = 'r') -> np.ndarray:
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


def records(builder, split: str) -> Iterator[dict]:
  """A split's records in the written order, many at a time.

  Ragged features as (values, lengths); others as arrays, strings as bytes.
  """
  config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
  records = builder.as_dataset(split=split, read_config=config)
  for chunk in records.ragged_batch(CHUNK // 16).prefetch(1):
    yield {
      name: (value.values.numpy(), value.row_lengths().numpy())
      if hasattr(value, 'row_lengths')
      else value.numpy()
      for name, value in chunk.items()
    }


def _write_items(builder, directory: pathlib.Path) -> None:
  with ColumnWriter(directory) as writer:
    for chunk in records(builder, 'catalog'):
      for name, values in chunk.items():
        writer.append_texts(name, Texts.of(values.tolist()))


def _write_impressions(builder, split: str, directory: pathlib.Path) -> None:
  with ColumnWriter(directory) as writer:
    for chunk in records(builder, split):
      for name in ('impression_id', 'user_id'):
        writer.append_texts(f'{name}s', Texts.of(chunk[name].tolist()))
      for name, offsets in (
        ('history', 'history_offsets'),
        ('candidates', 'candidate_offsets'),
      ):
        values, lengths = chunk[name]
        writer.append({name: values})
        writer.append_offsets(offsets, lengths)
      writer.append({'times': chunk['time'], 'labels': chunk['labels'][0]})
      if 'probabilities' in chunk:
        writer.append({'probabilities': chunk['probabilities'][0]})


def with_texts(arrays: dict[str, np.ndarray]) -> dict:
  """Columns by name, those of strings put together."""
  names = [name.removesuffix('.data') for name in arrays if '.data' in name]
  texts = {
    name: Texts(arrays.pop(f'{name}.data'), arrays.pop(f'{name}.offsets'))
    for name in names
  }
  return texts | arrays


def item_columns(builder, directory: pathlib.Path) -> dict[str, Texts]:
  """The catalog's text columns by name, N each; cached in `directory`."""
  if not directory.is_dir():
    _write_items(builder, directory)
  return with_texts(read_columns(directory))


def read_impressions(directory: pathlib.Path) -> Impressions:
  """Impressions that a ColumnWriter wrote, memory-mapped."""
  return Impressions(**with_texts(read_columns(directory)), directory=directory)


def impression_columns(
  builder, split: str, directory: pathlib.Path
) -> Impressions:
  """One split's impressions; cached in `directory`."""
  if not directory.is_dir():
    _write_impressions(builder, split, directory)
  return read_impressions(directory)


def write_taken(
  impressions: Impressions, rows: np.ndarray, directory: pathlib.Path
) -> None:
  """Writes what `impressions.take(rows)` holds, chunk by chunk."""
  with ColumnWriter(directory) as writer:
    for begin in range(0, len(rows), CHUNK):
      writer.append_impressions(impressions.take(rows[begin : begin + CHUNK]))
