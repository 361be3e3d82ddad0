"""What the verbs share: their flags, and how these are read."""

import difflib
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from absl import flags
from ml_collections import ConfigDict

from jaxrec.cli import config_flag
from jaxrec.errors import UserError, one_line


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
  values: flags.FlagValues, argv: list[str], config: flags.FlagHolder | None
) -> list[str]:
  """Gives flags their values, and locks the config that they make.

  Args:
    values: of the flags that are defined.
    argv: the command's name, then --NAME=VALUE.
    config: of these, the one whose value is made a config of; None: there is
      none.

  Returns:
    The command's name alone.

  Raises:
    UserError: no such flag, preset, config file, variant or key, not of that
      type, or an argument that is no flag.
  """
  try:
    argv = values.read_flags_from_files(argv, force_gnu=False)
    file: str | None = None
    changes: dict[str, str] = {}
    if config is not None:
      file, changes, argv = config_flag.split(argv)
    rest = values(argv)
    if len(rest) > 1:
      raise UserError(f'unexpected argument {rest[1]!r}: options start with --')
    if config is not None and file:
      values[config.name].value = config_flag.read(file, changes, note)
    return rest
  except flags.UnrecognizedFlagError as e:
    near = difflib.get_close_matches(e.flagname, list(values), n=2)
    hint = f': did you mean --{" or --".join(near)}?' if near else ''
    raise UserError(f'unknown flag --{e.flagname}{hint}') from e
  except (ValueError, OSError, flags.Error) as e:
    raise UserError(one_line(e)) from e


def load_config(arguments: list[str]) -> ConfigDict:
  """The config that --config=... and --config.KEY=VALUE make.

  Raises:
    UserError: there is no such preset, file, variant or key, or a value is not
      of its key's type.
  """
  argv = ['jaxrec', *arguments]
  values, config = define([CONFIG])
  parse(values, argv, config)
  return values.config


def note(line: str) -> None:
  """A line for people about what they gave."""
  print(f'jaxrec: note: {line}', file=sys.stderr)
