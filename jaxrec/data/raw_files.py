"""What a dataset's files were, so that one which changed since can be named."""

import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

Files = Mapping[str, pathlib.Path]  # By name, as messages give it.


def named(paths: list[pathlib.Path], directory: pathlib.Path) -> Files:
  """The files by their names in `directory`; by their own where they are not.

  Args:
    paths: of a dataset.
    directory: data.dir.
  """
  return {
    str(path.relative_to(directory))
    if path.is_relative_to(directory)
    else path.name: path
    for path in paths
  }


def described(files: Files) -> dict[str, dict[str, Any]]:
  """Of each file `bytes` and `sha256`, its first 16 hex digits.

  Raises:
    OSError: one cannot be read.
  """
  return {name: _described(path) for name, path in files.items()}


def changes(before: Mapping[str, Any], files: Files) -> list[str]:
  """What became of files, a phrase for each that is not as it was.

  Args:
    before: what `described` said of them.
    files: as they are.
  """
  phrases = []
  for name in sorted(before.keys() | files.keys()):
    if name not in files:
      phrases.append(f'{name} was read then, and is not now')
    elif name not in before:
      phrases.append(f'{name} is read now, and was not then')
    elif (now := _described(files[name])) != before[name]:
      then = before[name]['bytes']
      sizes = f'{then:,} bytes then, {now["bytes"]:,} now'
      if now['bytes'] == then:
        sizes = f'{then:,} bytes as before, others'
      phrases.append(f'{name} changed since ({sizes})')
  return phrases


def _described(path: pathlib.Path) -> dict[str, Any]:
  with open(path, 'rb') as file:
    digest = hashlib.file_digest(file, 'sha256').hexdigest()[:16]
  return {'bytes': path.stat().st_size, 'sha256': digest}
