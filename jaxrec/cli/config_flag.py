"""--config=PRESET|FILE and --config.KEY=VALUE: a config and what it changes to.

What ml_collections' own flag does, and more: a part that is absent is added by
naming one of its keys (--config.model.terms.trend.half_life=4), a list says
which parts there are (--config.model.terms=text,ids), another type of a part
brings its own keys (--config.model.head.type=mean), and old keys are answered
with their new names.
"""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from jaxrec.cli import kept_config, kept_file, mistakes
from jaxrec.cli.arguments import FLAG
from jaxrec.cli.config_file import path_of
from jaxrec.cli.known_keys import Key, known_keys
from jaxrec.config import (
  Choice,
  choices_of,
  flattened,
  to_mapping,
)
from jaxrec.errors import Mistakes, UserError, choices, one_line
from jaxrec.training import legacy
from jaxrec.training.settings import Config

Tree = dict[str, Any]  # A config as nested dicts.


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


def read_kept(
  workdir: str,
  changes: Mapping[str, str],
  note: Callable[[str], Any],
  *,
  may_grow: bool = False,
) -> ConfigDict:
  """The config that a workdir was begun with, and changes that leave it so.

  Args:
    workdir: of --workdir; has a config.json.
    changes: texts of values, by key.
    note: called with a line for people.
    may_grow: whether the training may be longer.

  Raises:
    UserError: the file cannot be read, there is no such key, or a change makes
      it another training.
  """
  path = kept_file.path_in(workdir)
  config = change(ConfigDict(kept_config.read(path).to_dict()), changes, note)
  changed = Config.from_dict(config)
  kept_config.check_same(changed, path.parent, may_grow=may_grow)
  return config.lock()


def load(file: str, note: Callable[[str], Any]) -> ConfigDict:
  """The config of a preset or a file, as it stands there; not locked."""
  if file.endswith('.json'):  # Of a workdir, for a training like it.
    return ConfigDict(kept_config.read(path_of(file)).to_dict())
  name, _, variant = file.partition(':')
  path = path_of(name)
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
  if unknown := [key for key in changes if not _is_key(tree, key)]:
    raise Mistakes([_unknown(tree, key) for key in unknown])
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


def _is_key(tree: Tree, key: str) -> bool:
  """Whether a config has a value of that name."""
  section: Any = tree
  for name in key.split('.'):
    if not isinstance(section, dict) or name not in section:
      return False
    section = section[name]
  return not isinstance(section, dict)


def _unknown(tree: Tree, key: str) -> str:
  """What to say of a key that is none, of a config with just these parts."""
  keys = known_keys()
  known = {k.path: k for k in keys}
  # Parts that were registered since are in no source of jaxrec.
  known |= {path: Key(path, '') for path in flattened(tree)}
  return mistakes.unknown_key(key, known, mistakes.parts_of(tree, keys))
