"""What the verbs share: their flags, and how these are read."""

import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from absl import flags
from ml_collections import ConfigDict

from jaxrec import preflight
from jaxrec.cli import arguments, kept_file, mistakes
from jaxrec.errors import Mistakes, UserError, one_line


class Flag(NamedTuple):
  """A flag of a verb, --NAME=VALUE.

  Attributes:
    name: as it is written, without the dashes.
    help: what it is for.
    value: what VALUE is, for the help: 'DIR'.
    kind: string, integer, float, bool, list (by commas), multi_string (may be
      repeated) or config (a config file, with its --config.KEY=VALUE).
    default: None: there is none.
    hint: what to give, told where a flag is missing that a verb needs.
  """

  name: str
  help: str
  value: str = ''
  kind: str = 'string'
  default: Any = None
  hint: str = ''


CONFIG = Flag(
  'config',
  'A preset with its variant, or a config file: configs/news.py:mind_small.',
  'PRESET[:VARIANT]|FILE',
  'config',
  hint='give e.g. --config=news or --config=configs/news.py',
)
WORKDIR = Flag(
  'workdir',
  'Where checkpoints, event files and results go.',
  'DIR',
  hint='give a directory for the results',
)
VERBOSE = Flag(
  'verbose',
  'Show the table of parameters, too.',
  kind='bool',
  default=False,
)
# Of the verbs that several processes do together.
PROCESSES = (
  Flag(
    'coordinator',
    'Where several processes make one run: the address of process 0.',
    'HOST:PORT',
  ),
  Flag('num_processes', 'How many processes make the run.', 'N', 'integer'),
  Flag(
    'process_id',
    'Which of them this is: 0 to num_processes - 1.',
    'N',
    'integer',
  ),
  Flag(
    'distributed',
    'Let JAX ask Slurm, the TPU pod, ... for these three.',
    kind='bool',
    default=False,
  ),
)


def define(
  given: Iterable[Flag],
) -> tuple[flags.FlagValues, flags.FlagHolder | None]:
  """Flags without values yet, beside absl's own, of logs and debugging.

  Returns:
    The flags, and of them the one of kind config; None: there is none.
  """
  values, config = flags.FlagValues(), None
  for module in ('absl.app', 'absl.logging'):
    for flag in flags.FLAGS.get_flags_for_module(module):
      values[flag.name] = flag
  for name, help_text, _, kind, default, _ in given:
    is_config = kind == 'config'
    add = getattr(flags, f'DEFINE_{"string" if is_config else kind}')
    holder = add(name, default, help_text, flag_values=values)
    config = holder if is_config else config
  return values, config


def parse(
  values: flags.FlagValues,
  argv: list[str],
  config: flags.FlagHolder | None,
  needed: Iterable[Flag] = (),
  *,
  may_grow: bool = False,
  after_training: bool = False,
) -> list[str]:
  """Gives flags their values, and locks the config that they make.

  Names are looked at first, of all flags and keys: whoever has several wrong is
  told of all of them, before what is slow is imported.

  Args:
    values: of the flags that are defined.
    argv: the command's name, then --NAME=VALUE.
    config: of these, the one whose value is made a config of; None: there is
      none. Where it is not given, a --workdir that has one gives it.
    needed: those that have to be given.
    may_grow: whether a training may be longer than the one of its workdir.
    after_training: whether there has to be one in --workdir.

  Returns:
    The command's name alone.

  Raises:
    UserError: no such flag, preset, config file, variant or key, not of that
      type, or an argument that is no flag; a flag that is needed is missing.
  """
  file: str | None = None
  changes: dict[str, str] = {}
  try:
    argv = values.read_flags_from_files(argv, force_gnu=False)
    if config is not None:
      file, changes, argv = arguments.split(argv)
    kinds = {name: not values[name].boolean for name in values}
    others = arguments.sort(argv[1:], kinds)
  except (OSError, flags.Error) as e:
    raise UserError(one_line(e)) from e
  messages = [
    mistakes.unknown_flag(name, values, takes_config=config is not None)
    for name in others.unknown
  ]
  messages += [
    f'unexpected argument {word!r}: options start with --'
    for word in others.stray
  ]
  try:
    rest = values([argv[0], *others.known])
  except (ValueError, flags.Error) as e:
    messages.append(one_line(e))
    raise Mistakes(messages) from e
  workdir = ''
  if config is not None and file is None and 'workdir' in values:
    workdir = values['workdir'].value or ''
  if config is not None:
    messages += mistakes.of_config(file, changes, workdir)
  kept = bool(workdir) and kept_file.is_there(workdir)
  for flag in needed:
    given = (file or kept) if flag.kind == 'config' else values[flag.name].value
    # It may have been meant by one that there is not.
    if given or any(f'--{flag.name}?' in line for line in messages):
      continue
    if flag.kind == 'config' and after_training and not workdir:
      continue  # With a --workdir it is not missing.
    line = f'--{flag.name} is missing: {flag.hint}'
    if flag.kind == 'config' and workdir and after_training:
      try:
        preflight.check_trained(kept_file.path_in(workdir).parent)
      except UserError as e:
        line = str(e)
    messages.append(line)
  if messages:
    raise Mistakes(messages)
  if config is not None and (file or kept):
    from jaxrec.cli import config_flag  # It brings JAX in.

    values[config.name].value = (
      config_flag.read(file, changes, note)
      if file
      else config_flag.read_kept(workdir, changes, note, may_grow=may_grow)
    )
  return rest


def load_config(given: list[str]) -> ConfigDict:
  """The config that --config=... and --config.KEY=VALUE make.

  Raises:
    UserError: there is no such preset, file, variant or key, or a value is not
      of its key's type.
  """
  values, config = define([CONFIG])
  parse(values, ['jaxrec', *given], config)
  return values.config


def note(line: str) -> None:
  """A line for people about what they gave."""
  print(f'jaxrec: note: {line}', file=sys.stderr)
