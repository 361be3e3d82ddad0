"""Items added and removed while serving, kept through crashes.

A journal, `items.jsonl`, that only grows: a head that names the bundle, then a
line for each change, in the order made:

    <crc32 of the rest, 8 hex digits> {"add": [{"item_id": ..., ...}, ...]}
    <crc32>                           {"remove": ["N1", ...]}

A line is on disk (fsync) before its change is acknowledged. A last line that
breaks off was never acknowledged and is dropped; damage before it is an error.
"""

import fcntl
import json
import os
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

from jaxrec.errors import UserError

NAME = 'items.jsonl'
VERSION = 1


def _line(record: Mapping[str, Any]) -> bytes:
  text = json.dumps(record, ensure_ascii=False, separators=(',', ':')).encode()
  return b'%08x %b\n' % (zlib.crc32(text), text)


def _record(line: bytes) -> dict | None:
  """What a line holds; None where it is damaged."""
  head, _, text = line.rstrip(b'\n').partition(b' ')
  if head != b'%08x' % zlib.crc32(text):
    return None
  return json.loads(text)


class Journal:
  """Of one server; another one is refused while it is open.

  Attributes:
    items: item id -> its columns as they were last added, or None where it was
      last removed: what all lines together come down to.
  """

  def __init__(self, directory: pathlib.Path, bundle: str, adopt: bool = False):
    """Opens the journal, or begins one.

    Args:
      directory: it is made where it is missing.
      bundle: fingerprint of what the changes were made to.
      adopt: takes over a journal made with another bundle.

    Raises:
      UserError: it cannot be read or written, is open elsewhere, damaged, or of
        another bundle.
    """
    self.path = directory / NAME
    self._bundle = bundle
    self.items: dict[str, dict[str, Any] | None] = {}
    try:
      directory.mkdir(parents=True, exist_ok=True)
      # The lock is on a file of its own: the journal may be replaced.
      self._lock = (directory / f'{NAME}.lock').open('w')
      try:
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
      except BlockingIOError:
        self._lock.close()
        raise UserError(
          f'{directory} is in use by another server: give each its own '
          '--data_dir'
        ) from None
      self._open(adopt)
    except OSError as e:
      raise UserError(f'{self.path}: {e.strerror or e}') from None

  def _open(self, adopt: bool) -> None:
    lines = 0
    if self.path.exists() and self.path.stat().st_size:
      lines = self._read(adopt)
    if not lines or lines > 2 * len(self.items) + 1000 or adopt:
      self._rewrite()
    self._file = self.path.open('r+b', buffering=0)
    self._end = self._file.seek(0, os.SEEK_END)

  def _read(self, adopt: bool) -> int:
    """Fills `items`; drops a last line that breaks off; how many there are."""
    number, good = 0, 0
    with open(self.path, 'rb') as file:
      for number, line in enumerate(file, 1):
        if not line.endswith(b'\n'):
          number -= 1
          break
        record = _record(line)
        if record is None:
          raise UserError(
            f'{self.path}:{number}: damaged (its checksum differs): restore '
            'the file from a copy, or delete that line and lose its change'
          )
        if number == 1:
          self._check(record, adopt)
        else:
          self._apply(record, number)
        good += len(line)
    if good < self.path.stat().st_size:
      with open(self.path, 'r+b') as file:
        file.truncate(good)
        os.fsync(file.fileno())
    return number

  def _check(self, head: Mapping[str, Any], adopt: bool) -> None:
    if head.get('journal') != VERSION:
      raise UserError(
        f'{self.path}:1: no journal of version {VERSION} begins like this'
      )
    if head.get('bundle') != self._bundle and not adopt:
      raise UserError(
        f'{self.path}: its items were added to another bundle: '
        '--adopt_items adds them to this one, or give another --data_dir'
      )

  def _apply(self, record: Mapping[str, Any], number: int = 0) -> None:
    match record:
      case {'add': items}:
        changes = [(item['item_id'], item) for item in items]
      case {'remove': ids}:
        changes = [(item_id, None) for item_id in ids]
      case _:
        raise UserError(f'{self.path}:{number}: neither add nor remove')
    for item_id, item in changes:
      self.items.pop(item_id, None)  # The latest change is last.
      self.items[item_id] = item

  def _rewrite(self) -> None:
    """The same `items` in as few lines as they need; whole or not at all."""
    partial = self.path.with_suffix('.partial')
    with open(partial, 'wb') as file:
      file.write(_line({'journal': VERSION, 'bundle': self._bundle}))
      for item_id, item in self.items.items():
        file.write(
          _line({'remove': [item_id]} if item is None else {'add': [item]})
        )
      file.flush()
      os.fsync(file.fileno())
    partial.replace(self.path)
    directory = os.open(self.path.parent, os.O_RDONLY)
    try:
      os.fsync(directory)
    finally:
      os.close(directory)

  def add(self, items: list[dict[str, Any]]) -> None:
    """On disk when it returns. Raises OSError: nothing was kept."""
    self._append({'add': items})

  def remove(self, ids: list[str]) -> None:
    """On disk when it returns. Raises OSError: nothing was kept."""
    self._append({'remove': ids})

  def _append(self, record: Mapping[str, Any]) -> None:
    line = _line(record)
    # Whatever a failed write left would be glued to this line.
    self._file.truncate(self._end)
    self._file.seek(self._end)
    written = 0
    while written < len(line):  # A full disk may take a part of it.
      written += self._file.write(line[written:])
    os.fsync(self._file.fileno())
    self._end += len(line)
    self._apply(record)

  def close(self) -> None:
    """Lets another server have it."""
    self._file.close()
    self._lock.close()
