"""The commands: a module for each verb, with `run(argv)`.

What is here needs nothing, as `jaxrec serve` runs where absl is absent.
"""

import io
import sys
from typing import NoReturn

from jaxrec.errors import PREFIX, Mistakes, one_line

VERSION = ('--version', '-version', '-V')
HELP = ('--help', '-help', '-h', '--helpshort', '--helpfull')


def print_anything() -> None:
  """Lets standard output take every text: what it has no sign for becomes '?'.

  A title with an accent is no reason to end where it is of ASCII or Latin-1.
  """
  if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors='replace')


def fail(error: BaseException) -> NoReturn:
  """Ends the command with a line of error, or one each, and exit code 2."""
  lines = error.lines if isinstance(error, Mistakes) else [one_line(error)]
  for line in lines:
    print(f'{PREFIX}{line}', file=sys.stderr)
  sys.exit(2)
