"""--config=PRESET|FILE and --config.KEY=VALUE: a config and what it changes to.

What ml_collections' own flag does, and more: a part that is absent is added by
naming one of its keys (--config.model.terms.trend.half_life=4), a list says
which parts there are (--config.model.terms=text,ids), another type of a part
brings its own keys (--config.model.head.type=mean), and old keys are answered
with their new names.
"""

import difflib
import importlib.util
import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from jaxrec import presets
from jaxrec.config import (
  Choice,
  choices_of,
  flattened,
  to_mapping,
  unknown_key,
)
from jaxrec.errors import UserError, choices, one_line
from jaxrec.training import legacy
from jaxrec.training.settings import Config

FLAG = 'config'
Tree = dict[str, Any]  # A config as nested dicts.


def split(argv: list[str]) -> tuple[str | None, dict[str, str], list[str]]:
  """The config's file, changes by key, and the other arguments.

  The last of several counts, as everywhere on a command line.
  """
  file: str | None = None
  changes: dict[str, str] = {}
  others: list[str] = []
  left = list(argv)
  while left:
    argument = left.pop(0)
    name, equals, value = argument.lstrip('-').partition('=')
    is_flag = argument.startswith('-') and argument not in ('-', '--')
    negated = name.startswith(f'no{FLAG}.')
    if not is_flag or not (
      name == FLAG or name.startswith(f'{FLAG}.') or negated
    ):
      others.append(argument)
      continue
    if negated:
      value = 'false'
    elif not equals:
      value = left.pop(0) if left and not left[0].startswith('-') else 'true'
    if name == FLAG:
      file = value
    else:
      changes[name.partition('.')[2]] = value
  return file, changes, others


def read(
  file: str, changes: Mapping[str, str], note: Callable[[str], Any]
) -> ConfigDict:
  """The config that a preset or file and its changes make, checked and locked.

  Args:
    file: PRESET, PRESET:VARIANT, FILE or FILE:VARIANT.
    changes: texts of values, by key.
    note: called with a line for people.

  Raises:
    UserError: no such file, preset, variant or key, or a value that cannot be.
  """
  config = load(file, note)
  config = change(config, changes, note)
  Config.from_dict(config)
  return config.lock()


def load(file: str, note: Callable[[str], Any]) -> ConfigDict:
  """The config of a preset or a file, as it stands there; not locked."""
  name, _, variant = file.partition(':')
  path = _path(name)
  spec = importlib.util.spec_from_file_location(
    f'jaxrec_config_{path.stem}', path
  )
  assert spec and spec.loader
  module = importlib.util.module_from_spec(spec)
  beside = str(path.resolve().parents[1])  # configs/ may import each other.
  if beside not in sys.path:
    sys.path.append(beside)
  try:
    spec.loader.exec_module(module)
    config = module.get_config(*[variant] * bool(variant))
  except Exception as e:  # Whatever the file's own code raises.
    raise UserError(f'{file}: {one_line(e)}') from e
  config = ConfigDict(config.to_dict())
  if legacy.is_old(config):
    note(f'{path} has the keys of version 0.1.0: see CHANGELOG.md for the new')
    config = ConfigDict(legacy.translated_config(config.to_dict()))
  return ConfigDict(Config.from_dict(config).to_dict())


def change(
  config: ConfigDict, changes: Mapping[str, str], note: Callable[[str], Any]
) -> ConfigDict:
  """`config` with changes: old keys, parts, then values, each of its type."""
  tree = config.to_dict()
  changes = _translated(tree, changes, note)
  for path, choice in choices_of(Config).items():
    changes = (_some_parts if choice.several else _one_part)(
      tree, path, choice, changes
    )
  for key in changes:
    _check_key(tree, key)
  config = ConfigDict(tree)
  values = flags.FlagValues()
  argv = [FLAG, *(f'--{FLAG}.{key}={text}' for key, text in changes.items())]
  config_flags.DEFINE_config_dict(
    FLAG, config, flag_values=values, sys_argv=argv, lock_config=False
  )
  try:
    values(argv)
  except (flags.Error, TypeError, ValueError, AttributeError, KeyError) as e:
    raise UserError(one_line(e)) from e
  return config


def _path(name: str) -> pathlib.Path:
  """The file that PRESET or FILE means."""
  if '/' not in name and not name.endswith('.py'):
    files = presets.files()
    if name not in files:
      raise UserError(
        f'--{FLAG}={name}: preset {choices(name, files)}; a config file is '
        'named with its .py'
      )
    return files[name]
  path = pathlib.Path(name).expanduser()
  if path.is_file():
    return path
  beside = {
    file.stem: str(file)
    for file in sorted(path.parent.glob('*.py'))
    if file.is_file() and b'get_config' in file.read_bytes()
  }
  near = [beside[n] for n in difflib.get_close_matches(path.stem, beside)]
  hint = f': did you mean {" or ".join(near)}?' if near else ''
  listed = f' (there are: {", ".join(beside.values())})' if beside else ''
  raise UserError(f'no such file {path}{hint}{listed}')


def _translated(
  tree: Tree, changes: Mapping[str, str], note: Callable[[str], Any]
) -> dict[str, str]:
  """Changes with old keys in new words; says so of each."""
  old = {key: text for key, text in changes.items() if key in legacy.OLD_KEYS}
  if not old:
    return dict(changes)
  parts = [f'{legacy.TERMS}.{name}' for name in tree['model']['terms']]
  parts += [f'{legacy.OBJECTIVES}.{name}' for name in tree['objectives']]
  ids = tree['model']['terms'].get('ids')
  words = legacy.translate(old, parts, *([ids['channels']] if ids else []))
  for key, new in words.new_names.items():
    note(f'--{FLAG}.{key} is now --{FLAG}.{new}')
  for part, is_there in words.present.items():
    path, _, name = part.rpartition('.')
    section = _section(tree, path)
    if is_there:
      _add(section, name, choices_of(Config)[path])
    else:
      section.pop(name, None)
  rest = {key: text for key, text in changes.items() if key not in old}
  return {key: str(text) for key, text in words.values.items()} | rest


def _some_parts(
  tree: Tree, path: str, choice: Choice, changes: dict[str, str]
) -> dict[str, str]:
  """Parts named by a list, or by one of their keys, are there."""
  section = _section(tree, path)
  rest = dict(changes)
  if path in rest:
    names = [name.strip() for name in rest.pop(path).split(',') if name.strip()]
    for name in names:
      if name not in choice.registry:
        raise UserError(f'{FLAG}.{path}: {choices(name, choice.registry)}')
      _add(section, name, choice)
    for name in [name for name in section if name not in names]:
      del section[name]
  for key in rest:
    if key.startswith(f'{path}.'):
      name = key[len(path) + 1 :].partition('.')[0]
      if name not in choice.registry:
        raise UserError(f'{FLAG}.{key}: {choices(name, choice.registry)}')
      _add(section, name, choice)
  return rest


def _one_part(
  tree: Tree, path: str, choice: Choice, changes: dict[str, str]
) -> dict[str, str]:
  """Another type of a part has its own keys; those that both have stay."""
  rest = dict(changes)
  name = rest.pop(f'{path}.type', None)
  section = _section(tree, path)
  if name is None or name == section['type']:
    return rest
  if name not in choice.registry:
    raise UserError(f'{FLAG}.{path}.type: {choices(name, choice.registry)}')
  before = dict(section)
  section.clear()
  fresh = to_mapping(choice.registry[name].Config())
  section.update(fresh | {k: v for k, v in before.items() if k in fresh})
  section['type'] = name
  return rest


def _section(tree: Tree, path: str) -> Tree:
  section = tree
  for name in path.split('.'):
    section = section[name]
  return section


def _add(section: Tree, name: str, choice: Choice) -> None:
  if name not in section:
    section[name] = to_mapping(choice.registry[name].Config())


def _check_key(tree: Tree, key: str) -> None:
  """UserError, with the near misses, unless a config has such a value."""
  section: Any = tree
  names = key.split('.')
  for i, name in enumerate(names):
    place = '.'.join([FLAG, *names[: i + 1]])
    known: Tree = section if isinstance(section, dict) else {}
    if name not in known:
      near_here = difflib.get_close_matches(name, known, cutoff=0.5)
      elsewhere = '' if near_here else _alike(tree, name)
      raise UserError(f'{place}: {unknown_key(name, known)}{elsewhere}')
    section = known[name]
  if isinstance(section, dict):
    listed = ', '.join(section)
    raise UserError(f'{FLAG}.{key}: a section: name one of {listed}')


def _alike(tree: Tree, name: str) -> str:
  """Keys anywhere in a config that are like `name`, for a key in no section."""
  keys = {key.rpartition('.')[2]: key for key in flattened(tree)}
  near = difflib.get_close_matches(name, keys, n=2, cutoff=0.7)
  return f'; did you mean {" or ".join(keys[n] for n in near)}?' if near else ''
