"""What items have in common beside their texts: category, price, artist.

A field's values are numbered. Where they are names, each name has a number; an
item may have up to VALUES of them ('Drama|War'). Where they are numbers, the
quantile they fall in counts. A name that no item had when the field was learned
has no number, and neither has a missing value.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from jaxrec.errors import UserError, choices

SEPARATOR = '|'
VALUES = 4  # V, of one field of one item; further ones are not read.
BUCKETS = 16  # Of a field of numbers.
MOST = 4096  # Names of one field; rarer ones have no number.


@dataclasses.dataclass(frozen=True)
class Field:
  """One field.

  Attributes:
    name: of the column.
    names: the values that have a number, where they are names.
    edges: ascending, between the buckets, where they are numbers.
  """

  name: str
  names: tuple[str, ...] = ()
  edges: tuple[float, ...] = ()

  @property
  def size(self) -> int:
    """How many numbers there are."""
    return len(self.names) or len(self.edges) + 1

  def numbered(self, texts: Sequence[str]) -> np.ndarray:
    """The numbers of texts, int32 [N, V], -1 for none."""
    numbers = np.full((len(texts), VALUES), -1, np.int32)
    places = {name: i for i, name in enumerate(self.names)}
    for i in range(len(texts)):
      if self.names:
        names = split_names(texts[i])
        known = [places[name] for name in names if name in places][:VALUES]
        numbers[i, : len(known)] = known
      elif (value := _number(texts[i])) is not None:
        numbers[i, 0] = np.searchsorted(self.edges, value, 'right')
    return numbers


def learn(
  columns: Mapping[str, Sequence[str]], names: Sequence[str]
) -> tuple[Field, ...]:
  """The Fields of a catalog.

  A column is of numbers if all its values are, and they are more than BUCKETS.

  Args:
    columns: N strings each.
    names: of the columns wanted.

  Raises:
    UserError: there is no such column, or it is empty.
  """
  fields: list[Field] = []
  for name in names:
    if name not in columns or name == 'item_id':
      known = [key for key in columns if key != 'item_id']
      raise UserError(f'model.terms.fields.names: {choices(name, known)}')
    texts = [columns[name][i] for i in range(len(columns[name]))]
    numbers = [_number(text) for text in texts if text.strip()]
    if not numbers:
      raise UserError(
        f'model.terms.fields.names: {name} is empty in every item'
      )
    if None not in numbers and len(set(numbers)) > BUCKETS:
      at = np.arange(1, BUCKETS) / BUCKETS
      edges = np.unique(np.quantile(np.array(numbers), at))
      fields.append(Field(name, edges=tuple(edges.tolist())))
      continue
    values, counts = np.unique(
      [x for text in texts for x in split_names(text)], return_counts=True
    )
    kept = np.sort(np.argsort(-counts, kind='stable')[:MOST])
    fields.append(Field(name, names=tuple(values[kept].tolist())))
  return tuple(fields)


def numbered(
  fields: Sequence[Field], columns: Mapping[str, Sequence[str]], count: int
) -> np.ndarray:
  """Of `count` items the values of all fields, int32 [N, F, V], -1 for none.

  The numbers of a field begin where those of the field before it end. A column
  that is missing has no values.
  """
  numbers = np.full((count, len(fields), VALUES), -1, np.int32)
  begin = 0
  for f, field in enumerate(fields):
    if field.name in columns:
      values = field.numbered(columns[field.name])
      numbers[:, f] = np.where(values < 0, -1, values + begin)
    begin += field.size
  return numbers


def split_names(text: str) -> list[str]:
  """'A|B' -> ['A', 'B'], each once."""
  parts = (part.strip() for part in text.split(SEPARATOR))
  return list(dict.fromkeys(part for part in parts if part))


def _number(text: str) -> float | None:
  """'2.95' -> 2.95; None of what is no finite number."""
  try:
    number = float(text)
  except ValueError:
    return None
  return number if np.isfinite(number) else None
