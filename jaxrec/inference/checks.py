"""Checks of what a user of a model passes; each raises a UserError.

NumPy's numbers are numbers, and its arrays of one axis lists: they are what
programs that recommend have at hand.
"""

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxrec.errors import UserError, choices

LONGEST_LIST = 10_000  # Items that can be asked for at once.
LONGEST_TEXT = 1 << 20  # Characters of a text, or of one of an item's columns.


def shortened(value: object, most: int = 60) -> str:
  """A value that a user passed, for one line of an error."""
  text = repr(value)
  return text if len(text) <= most else f'{text[:most]}...'


def check_choice(name: str, value: Any, allowed: Iterable[str]) -> None:
  """UserError unless `value` is one of the `allowed`."""
  if value not in allowed:
    raise UserError(f'{name}: {choices(value, allowed)}')


def check_count(k: Any) -> int:
  """`k`, where it is a length that a list can have."""
  is_whole = isinstance(k, numbers.Integral) and not isinstance(k, bool)
  if not is_whole or not 1 <= k <= LONGEST_LIST:
    raise UserError(
      f'k={shortened(k)}: want a whole number, 1 to {LONGEST_LIST:,}'
    )
  return int(k)


def is_number(value: Any) -> bool:
  """Whether it is a real number; True and False are none."""
  return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_list(name: str, value: Any) -> Sequence:
  """`value`, where it is a list; a text is none."""
  if isinstance(value, np.ndarray) and value.ndim == 1:
    value = value.tolist()
  if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
    raise UserError(f'{name} is {shortened(value)}: want a list')
  return value


def check_names(name: str, value: Any) -> list[str] | None:
  """A list of the texts in `value`, or None where it is None."""
  if value is None:
    return None
  if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
    raise UserError(f'{name} is {shortened(value)}: want a list')
  names = list(value)
  for one in names:
    if not isinstance(one, str):
      raise UserError(f'{name}: {shortened(one)} is no text')
  return names


def check_text(value: Any, where: str) -> str:
  """`value`, where it is text that can be read; `where` names it."""
  if not isinstance(value, str):
    raise UserError(f'{where} is {shortened(value)}: want text')
  if len(value) > LONGEST_TEXT:
    raise UserError(
      f'{where} has {len(value):,} characters: at most {LONGEST_TEXT:,} are '
      'read'
    )
  if not value.isascii():
    try:
      value.encode()
    except UnicodeEncodeError as e:
      raise UserError(
        f'{where} is no Unicode text: {value[e.start]!r} is half of a pair'
      ) from e
  return value


def check_share(name: str, value: Any) -> float:
  """`value` as a float, where it is a number from 0 to 1."""
  if not is_number(value) or not 0 <= value <= 1:
    raise UserError(f'{name}={shortened(value)}: want a number, 0 to 1')
  return float(value)


def check_probability(name: str, value: Any) -> float:
  """`value` as a float, where it is a number from 0 to 1."""
  if not is_number(value) or not 0 <= value <= 1:
    raise UserError(
      f"{name}={shortened(value)}: want 'auto' or a probability, 0 to 1"
    )
  return float(value)
