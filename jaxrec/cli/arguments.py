"""A command line taken apart: the config's file, its changes, all the rest."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

FLAG = 'config'


def split(argv: list[str]) -> tuple[str | None, dict[str, str], list[str]]:
  """The config's file, changes by key, and the other arguments.

  The last of several counts, as everywhere on a command line.
  """
  file: str | None = None
  changes: dict[str, str] = {}
  others: list[str] = []
  left = list(argv)
  while left:
    argument = left.pop(0)
    name, equals, value = argument.lstrip('-').partition('=')
    is_flag = argument.startswith('-') and argument not in ('-', '--')
    negated = name.startswith(f'no{FLAG}.')
    if not is_flag or not (
      name == FLAG or name.startswith(f'{FLAG}.') or negated
    ):
      others.append(argument)
      continue
    if negated:
      value = 'false'
    elif not equals:
      value = left.pop(0) if left and not left[0].startswith('-') else 'true'
    if name == FLAG:
      file = value
    else:
      changes[name.partition('.')[2]] = value
  return file, changes, others


class Others(NamedTuple):
  """The rest of a command line, sorted.

  Attributes:
    known: arguments that are flags of the verb, with their values.
    unknown: names of flags that are none of its.
    stray: arguments that are no flags.
  """

  known: list[str]
  unknown: list[str]
  stray: list[str]


def sort(others: list[str], kinds: Mapping[str, bool]) -> Others:
  """Tells flags that there are from what there is not.

  Args:
    others: of `split`, without the command's name.
    kinds: whether a flag takes a value, by its name.
  """
  known, unknown, stray = [], [], []
  left = list(others)
  while left:
    argument = left.pop(0)
    if not argument.startswith('-') or argument in ('-', '--'):
      if argument != '--':
        stray.append(argument)
      continue
    name, equals, _ = argument.lstrip('-').partition('=')
    name = spelt(name, kinds)
    takes_value = kinds.get(name)
    if takes_value is None and not (
      name.startswith('no') and kinds.get(name[2:]) is False
    ):
      unknown.append(argument.lstrip('-').partition('=')[0])
      if not equals and left and not left[0].startswith('-'):
        left.pop(0)  # It was meant as its value.
      continue
    known.append(f'--{name}{argument.lstrip("-")[len(name) :]}')
    if takes_value and not equals and left:
      known.append(left.pop(0))
  return Others(known, unknown, stray)


def spelt(name: str, known: Collection[str]) -> str:
  """A flag's name, with '_' for '-' where that makes it one there is."""
  other = name.replace('-', '_')
  return other if name not in known and other in known else name
