"""The errors a user can cause, and help for near misses."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
  """Something the user can mend: says what, where, and what would do.

  `main` prints the message as one line and exits with code 2.
  """


def choices(value: object, known: Iterable[str]) -> str:
  """ "'lstn' is unknown: did you mean 'lstm'? (of gru, lstm)"."""
  known = sorted(known)
  near = difflib.get_close_matches(str(value), known, n=3, cutoff=0.5)
  hint = f'did you mean {" or ".join(map(repr, near))}? ' if near else ''
  return f'{value!r} is unknown: {hint}(choices: {", ".join(known)})'
