"""The commands: a module for each verb, with `run(argv)`.

What is here needs nothing, as `jaxrec serve` runs where absl is absent.
"""

import sys
from typing import NoReturn

from jaxrec.errors import PREFIX, one_line

HELP = ('--help', '-help', '-h', '--helpshort', '--helpfull')


def fail(error: BaseException) -> NoReturn:
  """Ends the command with a line of error and exit code 2."""
  print(f'{PREFIX}{one_line(error)}', file=sys.stderr)
  sys.exit(2)
