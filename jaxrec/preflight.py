"""Mistakes told at once: what is checked before TensorFlow comes in.

Its import takes most of a minute on a slow disk. The same checks stand where
the work begins, for those who call it from Python.
"""

import difflib
import pathlib
from typing import Any

from jaxrec.errors import UserError, choices

SPLITS = ('test', 'validation', 'train')
# Of datasets that are the user's own: the tables, by their keys in config.data.
TABLES = {
  'interactions': ('items_file', 'interactions_file'),
  'impressions': ('items_file', 'impressions_file', 'test_impressions_file'),
}
OPTIONAL = ('test_impressions_file',)


def check_split(split: str) -> None:
  """UserError unless --split is one of SPLITS."""
  if split not in SPLITS:
    raise UserError(f'--split: {choices(split, SPLITS)}')


def check_trained(workdir: pathlib.Path) -> None:
  """UserError unless a training has begun in `workdir`; names a near one."""
  if (workdir / 'config.json').is_file():
    return
  beside = {
    path.parent.name: path.parent
    for path in sorted(workdir.parent.glob('*/config.json'))
    if not (path.parent / 'manifest.json').is_file()  # A bundle's.
  }
  near = difflib.get_close_matches(workdir.name, beside, n=2, cutoff=0.5)
  hint = ' or '.join(str(beside[name]) for name in near)
  raise UserError(
    f'workdir {workdir} holds no config.json: '
    + (f'did you mean {hint}? Or ' if hint else '')
    + 'train there first (--mode=train)'
  )


def check_name(workdir: pathlib.Path) -> None:
  """UserError where no checkpoint could be read back from a workdir's name.

  What stores their arrays takes a backslash for a slash, and so writes
  elsewhere, and `gs:` for the address of a bucket. Any other sign may be there.
  """
  name = str(workdir)
  if '\\' in name or 'gs:' in workdir.parts:
    sign = 'a backslash' if '\\' in name else "a part 'gs:'"
    raise UserError(
      f'workdir {name}: its name has {sign}, and checkpoints cannot be kept '
      'under such a one: give another --workdir'
    )


def check_tables(
  directory: pathlib.Path, source: Any, name: str = 'interactions'
) -> list[pathlib.Path]:
  """The tables of a dataset that is the user's own: of items, then of the log.

  Args:
    directory: data.dir, where relative names are looked up.
    source: has the attributes TABLES[name], names of files. Where no items are
      named, the interactions have them, and stand in both places.
    name: of the dataset.

  Raises:
    UserError: one is not named, or not there.
  """
  keys = [
    key for key in TABLES[name] if key not in OPTIONAL or getattr(source, key)
  ]
  if name == 'interactions' and not source.items_file:
    keys = ['interactions_file'] * 2
  for key in reversed(keys):
    if not getattr(source, key):
      raise UserError(
        f'data.{key} is empty: data.name={name} reads it; give '
        f'--config.data.{key}=FILE'
      )
  paths = []
  for key in keys:
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
  if data.name in TABLES:
    check_tables(pathlib.Path(data.dir).expanduser(), data, data.name)
