"""The errors a user can cause, and help for near misses."""

import difflib
from collections.abc import Iterable
from typing import Any

PREFIX = 'jaxrec: error: '  # What a command's line of error starts with.


class UserError(ValueError):
  """Something the user can mend: says what, where, and what would do.

  A command prints the message as one line and exits with code 2.
  """


class Mistakes(UserError):
  """Several mistakes of one command, a line for each.

  Attributes:
    lines: what is said of each.
  """

  def __init__(self, lines: list[str]):
    super().__init__('; '.join(lines))
    self.lines = lines


def choices(value: object, known: Iterable[str]) -> str:
  """ "'lstn' is unknown: did you mean 'lstm'? (choices: gru, lstm)"."""
  known = sorted(known)
  near = difflib.get_close_matches(str(value), known, n=3, cutoff=0.5)
  hint = f': did you mean {" or ".join(map(repr, near))}? ' if near else ' '
  return f'{value!r} is unknown{hint}(choices: {", ".join(known)})'


def at_least(section: Any, **least: float) -> None:
  """UserError for the first field of `section` below its least value."""
  for name, smallest in least.items():
    value = getattr(section, name)
    if value < smallest:
      raise UserError(f'{name}={value}: must be {smallest} or more')


def one_of_known(section: Any, **allowed: Iterable[str]) -> None:
  """UserError for the first field whose value is not among those allowed."""
  for name, values in allowed.items():
    value = getattr(section, name)
    if value not in values:
      raise UserError(f'{name}: {choices(value, values)}')


def cut(name: object, most: int = 60) -> str:
  """A name a user gave, for an error: near misses of long ones take long."""
  return str(name)[:most]


def one_line(error: BaseException) -> str:
  """What an error says, of a flag, a config or a file, on one line."""
  if isinstance(error, OSError):  # config_flags wraps a missing file twice.
    while (earlier := error.__cause__ or error.__context__) is not None:
      error = earlier
  text = str(error)
  # A KeyError's, or one quoted by another.
  if text.startswith(('"', "'")) and not isinstance(error, UserError):
    text = text.strip('\'"').replace("\\'", "'").replace('\\n', ': ')
  return ' '.join(text.split())


def not_installed(packages: str, extra: str = '') -> str:
  """What to say where packages are missing, of an extra of ours or of all."""
  what = f'.[{extra}]' if extra else '.'
  return (
    f'not installed: {packages}: pip install -c constraints.txt -e {what!r}, '
    "from jaxrec's clone"
  )
