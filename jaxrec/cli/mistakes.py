"""All that is wrong with the names of a command, told before anything is slow.

A command with three typos is answered with three lines, and in a fraction of a
second: what is looked at here are the sources of the configs (`known_keys`) and
the settings of the presets, not the parts themselves. What can be known only of
those, values that cannot be, say, is told where the config is made.
"""

import contextlib
import difflib
import importlib
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from jaxrec import presets
from jaxrec.cli.arguments import FLAG
from jaxrec.cli.config_file import path_of
from jaxrec.cli.known_keys import ONE, SOME, Key, known_keys
from jaxrec.cli.near_keys import is_a_name, near_keys
from jaxrec.errors import UserError, choices, one_line
from jaxrec.presets import common
from jaxrec.training.legacy import OLD_KEYS

Tree = dict[str, Any]
NUMBERS = {'int': 'a whole number', 'float': 'a number'}
TRUTHS = ('true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', '1', '0')
# By a verb's flag: what other programs call it.
FLAG_SYNONYMS = {
  'workdir': 'output_dir outdir out output logdir log_dir save_dir run_dir '
  'model_dir dir checkpoint_dir ckpt_dir exp_dir work_dir results',
  'bundle': 'model export_dir model_path model_dir bundle_dir out output '
  'checkpoint',
  'k': 'top_k topk num n limit count top',
  'users': 'input user users_file histories in file input_file',
  'output': 'out output_file o outfile destination',
  'config': 'preset cfg conf c config_file variant',
  'split': 'subset part fold',
  'configs': 'config presets',
  'seeds': 'seed num_seeds',
}


def unknown_flag(name: str, flags: Iterable[str], *, takes_config: bool) -> str:
  """What to say of a flag that a verb has not.

  Args:
    name: as it was typed, without the dashes.
    flags: of the verb.
    takes_config: whether it has --config.KEY=VALUE, too.
  """
  flags = list(flags)
  word = name.replace('-', '_').lower()
  meant = [f for f, words in FLAG_SYNONYMS.items() if word in words.split()]
  near = [f'--{flag}' for flag in meant if flag in flags]
  if takes_config and not near:
    keys = known_keys()
    exact = [key.path for key in keys if key.path == name]
    near = [f'--{FLAG}.{key}' for key in exact[:1]]
    close = difflib.get_close_matches(word, flags, n=2, cutoff=0.8)
    if not near and not close:
      used = parts_of({}, keys)
      near = [f'--{FLAG}.{key}' for key in near_keys(name, keys, used)]
  if not near:
    close = difflib.get_close_matches(word, flags, n=2)
    near = [f'--{flag}' for flag in close]
  hint = f': did you mean {" or ".join(near)}?' if near else ''
  return f'unknown flag --{name}{hint}'


def of_config(
  file: str | None, changes: Mapping[str, str], workdir: str | None = None
) -> list[str]:
  """What is wrong with --config and the names in --config.KEY=VALUE.

  Args:
    file: of --config; None: it is not given.
    changes: texts of values, by key.
    workdir: of --workdir, whose config it is then.
  """
  lines = []
  settings: Tree = {}
  try:
    settings = _settings(file, workdir)
  except UserError as e:
    lines.append(str(e))
  if not changes:
    return lines
  keys = known_keys()
  used, more = _parts_chosen(parts_of(settings, keys), changes, keys)
  by_path = {key.path: key for key in keys}
  by_path |= {key.path: key for key in keys if key.part in used}
  for key, text in changes.items():
    known = by_path.get(key)
    if key in OLD_KEYS or key in more:
      continue
    if known is None or ('=' in known.part and known.part not in used):
      lines.append(unknown_key(key, by_path, used))
    elif known.kind in (ONE, SOME):
      names = text.split(',') if known.kind == SOME else [text]
      lines += [
        f'{FLAG}.{key}: {choices(name.strip(), known.names)}'
        for name in names
        if name.strip() and name.strip() not in known.names
      ]
    elif not _may_be(text, known.kind):
      kind = NUMBERS.get(known.kind, 'true or false')
      lines.append(f'{FLAG}.{key}={text}: must be {kind}')
  return lines + list(more.values())


def unknown_key(key: str, known: Mapping[str, Key], used: set[str]) -> str:
  """What to say of a key that is none.

  Args:
    key: as it was typed.
    known: by their paths, all that any config may have.
    used: parts that this one has.
  """
  if key in known and '=' in known[key].part and known[key].part not in used:
    return _of_another_part(key, used)
  if names := _within(f'{key}.', known, used):
    return f'{FLAG}.{key}: a section: name one of {", ".join(names)}'
  section, _, name = key.rpartition('.')
  here = _within(f'{section}.' if section else '', known, used)
  near_here = difflib.get_close_matches(name, here, n=3, cutoff=0.5)
  near = near_keys(key, known.values(), used)
  in_section = bool(section and near_here) and not is_a_name(name, known)
  if in_section:
    near = near_here
  hint = f'; did you mean {" or ".join(near)}?' if near else ';'
  # Where something is near, all that lies beside it helps little.
  listed = here or _within('', known, used)
  there = (
    '' if near and not in_section else f' (there are: {", ".join(listed)})'
  )
  return f'{FLAG}.{key}: unknown key{hint}{there}'


def _of_another_part(key: str, used: set[str]) -> str:
  """What to say of a key of a part that was not chosen."""
  keys = known_keys()
  having = [k.part.partition('=')[2] for k in keys if k.path == key]
  place = next(k.part for k in keys if k.path == key).partition('=')[0]
  chosen = next(part for part in used if part.startswith(f'{place}='))
  return (
    f'{FLAG}.{key}: unknown key: of {place}={", ".join(having)} alone, and '
    f'this config has {chosen}'
  )


def parts_of(settings: Mapping[str, Any], keys: Iterable[Key]) -> set[str]:
  """The parts of a config, as `Key.part` names them.

  Args:
    settings: nested; what it does not say has its default.
    keys: all there are.
  """
  used = set()
  for key in keys:
    if key.kind not in (ONE, SOME):
      continue
    chosen: Any = settings
    for name in key.path.split('.'):
      chosen = chosen.get(name) if isinstance(chosen, Mapping) else None
    if key.kind == ONE:
      used.add(f'{key.path}={chosen or key.default[0]}')
    else:
      names = key.default if chosen is None else chosen
      used |= {f'{key.path}.{name}' for name in names}
  return used


def _parts_chosen(
  used: set[str], changes: Mapping[str, str], keys: Iterable[Key]
) -> tuple[set[str], dict[str, str]]:
  """The parts there are after changes; by key, what is wrong with a part."""
  wrong = {}
  for key in keys:
    if key.kind == ONE and changes.get(key.path) in key.names:
      used = {part for part in used if not part.startswith(f'{key.path}=')}
      used.add(f'{key.path}={changes[key.path]}')
    if key.kind != SOME:
      continue
    inside = f'{key.path}.'
    if key.path in changes:
      names = [name.strip() for name in changes[key.path].split(',')]
      used = {part for part in used if not part.startswith(inside)}
      used |= {f'{inside}{name}' for name in names if name in key.names}
    for change in changes:
      if change.startswith(inside):
        name = change[len(inside) :].partition('.')[0]
        if name in key.names:
          used.add(f'{inside}{name}')
        else:
          wrong[change] = f'{FLAG}.{change}: {choices(name, key.names)}'
  return used, wrong


def _within(prefix: str, known: Mapping[str, Key], used: set[str]) -> list[str]:
  """Names in a section, of a config that has these parts."""
  return list(
    dict.fromkeys(
      path[len(prefix) :].partition('.')[0]
      for path, key in known.items()
      if path.startswith(prefix) and (not key.part or key.part in used)
    )
  )


def _may_be(text: str, kind: str) -> bool:
  """Whether a value may be of a kind; what it may not is told later."""
  if kind == 'bool':
    return text.lower() in TRUTHS
  if kind not in NUMBERS:
    return True
  for number in (float, lambda text: int(text, 0)):
    with contextlib.suppress(ValueError):
      number(text)
      return True
  return False


def _settings(file: str | None, workdir: str | None) -> Tree:
  """What a preset, a file like one, or a workdir says; {} of other files.

  Raises:
    UserError: there is no such file, preset or variant.
  """
  if file is None:
    kept = (
      pathlib.Path(workdir).expanduser() / 'config.json' if workdir else None
    )
    return _kept(kept) if kept is not None and kept.is_file() else {}
  if not file:
    return {}
  if file.endswith('.json'):
    return _kept(path_of(file))
  name, _, variant = file.partition(':')
  path = path_of(name)
  if path.stem not in presets.files() or not _is_preset(path):
    return {}
  module = importlib.import_module(f'jaxrec.presets.{path.stem}')
  try:
    return common.pick(variant, module.VARIANTS, 'demo')
  except KeyError as e:
    raise UserError(f'{file}: {one_line(e)}') from e


def _is_preset(path: pathlib.Path) -> bool:
  """Whether a file is a preset, or hands one over as those of configs/ do."""
  if path == presets.files()[path.stem]:
    return True
  line = f'from jaxrec.presets.{path.stem} import VARIANTS, get_config'
  return line in path.read_text(encoding='utf8', errors='replace')


def _kept(path: pathlib.Path) -> Tree:
  """What a workdir's config.json says; {} where it is told later what it is."""
  try:
    config = json.loads(path.read_text(encoding='utf8'))['config']
  except (OSError, ValueError, KeyError, TypeError):
    return {}
  return config if isinstance(config, dict) else {}
