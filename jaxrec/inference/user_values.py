"""What a file of users holds, as a model takes it.

Programs write ids as whole numbers, or as floats where a column has gaps, and
Parquet has decimals and times. What is a whole number is an id; 12.5 is none.
"""

import datetime
import decimal
from typing import Any

LONGEST_ID = 512  # Characters, as of items.
MANY = 1e11  # Seconds, in the year 5138: numbers above count parts of seconds.


def as_id(value: Any) -> Any:
  """'12' of 12, 12.0 and Decimal('12.00'); whatever else is no text as it is.

  The rest is refused by whoever reads it.
  """
  if isinstance(value, bool):
    return value
  if isinstance(value, int):
    return str(value)
  if isinstance(value, float) and value.is_integer():
    return str(int(value))
  if isinstance(value, decimal.Decimal) and value.is_finite():
    whole = value.to_integral_value()
    return str(int(whole)) if whole == value else value
  return value


def id_problem(name: str, value: Any) -> str:
  """Why `value` is no id, of a user or an item; '' of one that is.

  Args:
    name: of its column.
    value: as `as_id` gives it.
  """
  if not isinstance(value, str):
    return f'{name} is {value!r:.60}: want text or a whole number'
  if not value.strip():
    return f'{name} is empty'
  if len(value) > LONGEST_ID:
    return f'{name} has {len(value):,} characters: at most {LONGEST_ID} do'
  try:
    value.encode()
  except UnicodeEncodeError as e:
    return (
      f'{name} is no Unicode text: {value[e.start]!r} is half a character, or '
      'a byte that is not UTF-8'
    )
  return ''


def seconds_of(value: Any) -> Any:
  """Unix seconds of a number, a date or a text of either; else as it is."""
  if isinstance(value, str):
    try:
      value = float(value)
    except ValueError:
      try:
        value = datetime.datetime.fromisoformat(
          value.strip().removesuffix('UTC').rstrip()
        )
      except ValueError:
        return value
  if isinstance(value, datetime.datetime):
    return value.replace(tzinfo=value.tzinfo or datetime.UTC).timestamp()
  if isinstance(value, datetime.date):
    midnight = datetime.datetime(value.year, value.month, value.day)
    return seconds_of(midnight)
  if isinstance(value, int | float | decimal.Decimal) and not isinstance(
    value, bool
  ):
    seconds = float(value)
    while MANY <= seconds < 1e20:  # Milli-, micro- or nanoseconds.
      seconds /= 1000
    return seconds
  return value
