"""What the commands share: how flags are read, and how errors are told."""

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
    raise UserError(one_line(e)) from e


def fail(error: BaseException):
  """Ends the command with a line of error and exit code 2."""
  print(f'{PREFIX}{one_line(error)}', file=sys.stderr)
  sys.exit(2)
