"""The config that a workdir was begun with, for the commands that come later.

A workdir says in config.json all that `--config` and `--config.KEY=VALUE` said.
So whoever evaluates it, exports it or goes on with it says none of it again;
what is said on top may change where and how it is computed, and nothing else.
"""

import pathlib
from typing import Any

from jaxrec import workdirs
from jaxrec.config import flattened
from jaxrec.errors import UserError
from jaxrec.models.text.hub import ALIASES
from jaxrec.training import identity, longer
from jaxrec.training.settings import Config

TABLES = ('interactions_file', 'items_file')  # Of the section `data`.


def read(path: pathlib.Path) -> Config:
  """The config of a workdir's config.json, its names of files as meant there.

  A relative name is one of the directory that the training was started in: it
  is made absolute where it still leads somewhere from there.

  Args:
    path: the file.

  Raises:
    UserError: it is no training's, or of a version that had other keys.
  """
  written = workdirs.read_config(path.parent)
  if written is None or path.name != workdirs.CONFIG:
    raise UserError(f'{path}: give the {workdirs.CONFIG} of a workdir')
  values = identity.config_of(path.parent, written).to_dict()
  if written.get('started_in'):
    _locate(values, pathlib.Path(written['started_in']))
  return Config.from_dict(values)


def check_same(
  config: Config, workdir: pathlib.Path, *, may_grow: bool = False
) -> None:
  """UserError where flags on top of a workdir's config make it another run.

  Args:
    config: with what the flags changed.
    workdir: whose config it was.
    may_grow: whether it may last longer, as a training that goes on may.
  """
  begun = read(workdir / workdirs.CONFIG)
  if may_grow and longer.is_longer(config, begun):
    longer.check(config, begun, workdir)
    begun = longer.as_long_as(config, begun)
  then, now = flattened(begun.to_dict()), flattened(config.to_dict())
  changed = [
    f'{key} (there {then.get(key)}, now {now.get(key)})'
    for key in sorted(then.keys() | now.keys())
    if then.get(key) != now.get(key) and not workdirs.is_free(key)
  ]
  if changed:
    raise UserError(
      f'workdir {workdir} was trained with another {", ".join(changed)}: leave '
      'that flag out, or train with it in another --workdir, from '
      f'--config={workdir}/{workdirs.CONFIG}'
    )


def _locate(values: dict[str, Any], started_in: pathlib.Path) -> None:
  """Makes the relative names of files and directories absolute."""
  data, text = values['data'], values['model']['text']
  if not data['dir'] and any(
    data[key] and _is_there(started_in, data[key]) for key in TABLES
  ):
    data['dir'] = str(started_in)
  for section, key in (
    (data, 'dir'),
    (data, 'cache_dir'),
    (text, 'pretrained'),
  ):
    name = section[key]
    if name and name not in ALIASES and _is_there(started_in, name):
      section[key] = str(started_in / name)


def _is_there(directory: pathlib.Path, name: str) -> bool:
  path = pathlib.Path(name).expanduser()
  return not path.is_absolute() and (directory / path).exists()
