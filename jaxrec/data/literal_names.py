"""Names of directories are names, whatever signs are in them.

TFDS and Orbax list directories through `etils.epath`, whose `glob` takes the
whole path for a pattern, the directory's own name with it. Where that has
brackets, `runs/[1]`, nothing is listed then: records are not there, and what
several parts of a checkpoint hold is never put together, so that none of it can
be read back. pathlib, which these paths stand in for, takes the argument alone
for a pattern.
"""

import glob
import os
from collections.abc import Iterator

from etils.epath import gpath  # type: ignore[import-untyped]

_of_etils = gpath.PosixGPath.glob


def take_literally() -> None:
  """From here on `epath` lists local directories by their names."""
  gpath.PosixGPath.glob = _listed


def _listed(
  directory: gpath.PosixGPath, pattern: str
) -> Iterator[gpath.PosixGPath]:
  """Paths under `directory` that match, as `pathlib.Path.glob` gives them."""
  name = os.fspath(directory)
  if '://' in name or '**' in pattern:  # Of a bucket; or refused there.
    yield from _of_etils(directory, pattern)
    return
  for path in glob.glob(pattern, root_dir=name):
    yield directory / path
