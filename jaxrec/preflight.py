"""Mistakes told at once: what is checked before TensorFlow comes in.

Its import takes most of a minute on a slow disk. The same checks stand where
the work begins, for those who call it from Python.
"""

import pathlib
from typing import Any

from jaxrec.errors import UserError, choices

SPLITS = ('test', 'validation', 'train')
TABLES = ('items_file', 'interactions_file')  # Of data.name=interactions.


def check_split(split: str) -> None:
  """UserError unless --split is one of SPLITS."""
  if split not in SPLITS:
    raise UserError(f'--split: {choices(split, SPLITS)}')


def check_trained(workdir: pathlib.Path) -> None:
  """UserError unless a training has begun in `workdir`."""
  if not (workdir / 'config.json').is_file():
    raise UserError(
      f'workdir {workdir} holds no config.json: train there first '
      '(--mode=train)'
    )


def check_users(path: pathlib.Path) -> None:
  """UserError unless the file of --users is there."""
  if not path.is_file():
    raise UserError(f'--users={path}: no such file')


def check_tables(directory: pathlib.Path, source: Any) -> list[pathlib.Path]:
  """The two tables of data.name=interactions: of items, of interactions.

  Args:
    directory: data.dir, where relative names are looked up.
    source: has the attributes TABLES, names of files.

  Raises:
    UserError: one is not named, or not there.
  """
  for key in reversed(TABLES):
    if not getattr(source, key):
      raise UserError(
        f'data.{key} is empty: data.name=interactions reads it; give '
        f'--config.data.{key}=FILE'
      )
  paths = []
  for key in TABLES:
    path = directory / pathlib.Path(getattr(source, key)).expanduser()
    if not path.is_file():
      raise UserError(f'data.{key}={path}: there is no such file')
    paths.append(path)
  return paths


def check_data(data: Any) -> None:
  """UserError where config.data names tables of one's own that are not there.

  Args:
    data: the section `data` of a config.
  """
  if data.name == 'interactions':
    check_tables(pathlib.Path(data.dir).expanduser(), data)
