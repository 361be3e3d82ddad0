"""Lists within one value of a table, as exports write them.

  JSON            ["N1", "N2"], [1, 2]; Parquet's lists come as such
  Python, NumPy   ['N1', 'N2'], ['N1' 'N2'], [1 2]
  PostgreSQL      {N1,N2}
  text            N1 N2 or N1,N2 or N1|N2 or N1;N2

An id that has a space or one of `,|;` in it needs one of the first three.
"""

import json
import re
from typing import Any

_BETWEEN = re.compile(r'[\s,|;]+')
_ELEMENT = re.compile(
  r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,'"\[\](){}]+))"""
  r'\s*,?\s*',
  re.DOTALL,
)
_ENDS = {'[': ']', '{': '}', '(': ')'}
_NOTHING = ('none', 'null', 'nan', '<na>')  # In place of an element.
_LABELS = {'1': 1, '0': 0, 'true': 1, 'false': 0, 't': 1, 'f': 0}


def elements(text: str) -> list[str] | None:
  """The elements of a list, '' for those that are null.

  Whole floats lose their '.0'.

  Returns:
    None where the text is no list, or one that was cut ('...').
  """
  text = text.strip()
  if text[:1] not in _ENDS:
    return [part for part in _BETWEEN.split(text) if part]
  try:
    value = json.loads(text)
  except (ValueError, RecursionError):
    return _printed(text)
  if not isinstance(value, list):
    return [] if value == {} else None
  kinds = set(map(type, value))
  if kinds <= {str} and '\\' not in text:  # Nearly always.
    return value
  if kinds & {list, dict}:
    return None
  texts = [_text(part) for part in value]
  return None if any('\0' in part for part in texts) else texts


def label_of(text: str) -> int | None:
  """1 or 0; None of what is neither 1, 0, true, false, t nor f."""
  label = _LABELS.get(text.strip().lower())
  if label is None:
    try:
      label = {1.0: 1, 0.0: 0}.get(float(text))
    except ValueError:
      return None
  return label


def _text(value: Any) -> str:
  """An element of a JSON list."""
  if type(value) is int:
    return str(value)
  if value is None or value != value:
    return ''
  if isinstance(value, bool):
    return str(value).lower()
  if isinstance(value, float) and value.is_integer():
    value = int(value)
  # Half of a pair, which JSON can spell, is no text.
  return str(value).encode('utf-8', 'replace').decode()


def _printed(text: str) -> list[str] | None:
  """The elements of a list as Python, NumPy or PostgreSQL print it."""
  if len(text) < 2 or text[-1] != _ENDS[text[0]]:
    return None
  text, place = text[1:-1].strip(), 0
  parts: list[str] = []
  while place < len(text):
    match = _ELEMENT.match(text, place)
    if match is None:
      return None
    place, bare = match.end(), match[3]
    if bare is None:
      quoted = match[1] if match[1] is not None else match[2]
      parts.append(re.sub(r'\\(.)', r'\1', quoted, flags=re.DOTALL))
    elif bare in ('...', '…') or bare[0] == ':':  # Cut; a dict.
      return None
    else:
      parts.append('' if bare.lower() in _NOTHING else bare)
  return parts
