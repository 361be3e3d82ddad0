"""What the commands share: how flags are read, and how errors are told."""

import difflib
import itertools
import pathlib
import re
import sys

from absl import flags

from jaxrec.errors import UserError, one_line

PREFIX = 'jaxrec: error: '


def parse(
  values: flags.FlagValues, argv: list[str], config: flags.FlagHolder | None
) -> list[str]:
  """Gives flags their values, and locks the config that they make.

  Args:
    values: of the flags that are defined.
    argv: the command's name, then --NAME=VALUE.
    config: a flag of ml_collections' config files; None: there is none.

  Returns:
    The command's name alone.

  Raises:
    UserError: no such flag, config file, variant or key, not of that type, or
      an argument that is no flag.
  """
  try:
    if config is not None:
      _check_file(config.name, argv)
    rest = values(argv)
    if len(rest) > 1:
      raise UserError(f'unexpected argument {rest[1]!r}: options start with --')
    if config is not None and config.value is not None:
      config.value.lock()  # Raises where the file could not be read.
    return rest
  except (
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    OSError,
    flags.Error,
  ) as e:
    raise UserError(_unknown_key(e, argv) or one_line(e)) from e


def _check_file(name: str, argv: list[str]) -> None:
  """UserError, with the near misses, if --name's file is not there."""
  for given, after in itertools.pairwise([*argv, '']):
    flag, equals, value = given.partition('=')
    if flag not in (f'-{name}', f'--{name}'):
      continue
    path = pathlib.Path((value if equals else after).partition(':')[0])
    if path.is_file():
      continue
    there = {
      beside.stem: str(beside)
      for beside in sorted(path.parent.glob('*.py'))
      if beside.is_file() and b'def get_config' in beside.read_bytes()
    }
    near = difflib.get_close_matches(path.stem, there)
    hint = f': did you mean {" or ".join(there[n] for n in near)}?' * bool(near)
    told = f' (there are: {", ".join(there.values())})' if there else ''
    raise UserError(f'no such file {path}{hint}{told}')


def _unknown_key(error: Exception, argv: list[str]) -> str | None:
  """What ml_collections says of a key that a config lacks, in our words."""
  if not isinstance(error, (AttributeError, KeyError)):
    return None
  text, *_ = (*error.args, '')
  while isinstance(text, KeyError):  # An AttributeError is made of one.
    text, *_ = (*text.args, '')
  found = re.fullmatch(r"'?(\w+)'?(?:\nDid you mean \"(\w+)\".*)?", str(text))
  if not found:
    return None
  key, near = found.groups()
  flags_given = [given.partition('=')[0] for given in argv]
  where = [f'{f}: ' for f in flags_given if key in f.split('.')[1:]][:1]
  hint = f': did you mean {near!r}?' if near else ''
  return f'{"".join(where)}unknown key {key!r}{hint}'


def fail(error: BaseException):
  """Ends the command with a line of error and exit code 2."""
  print(f'{PREFIX}{one_line(error)}', file=sys.stderr)
  sys.exit(2)
