"""A split as it would be if users had done less so far."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import ends, spans


def shortened(split: Impressions, length: int | None) -> Impressions:
  """With the last `length` items of each history; None: with all of them."""
  if length is None:
    return split
  lengths = np.minimum(np.diff(split.history_offsets), length)
  places = spans(split.history_offsets[1:] - lengths, lengths)
  columns: dict[str, Any] = {'history_offsets': ends(lengths)}
  for name in ('history', 'history_times', 'history_behaviours'):
    column = getattr(split, name)
    columns[name] = None if column is None else column[places]
  return dataclasses.replace(split, **columns, directory=None)


def joined(splits: Sequence[Impressions]) -> Impressions:
  """Splits of one data set, one after the other, in memory."""
  columns: dict[str, Any] = {}
  for field in dataclasses.fields(Impressions):
    values = [getattr(split, field.name) for split in splits]
    if field.name.endswith('_offsets'):
      lengths = np.concatenate([np.diff(offsets) for offsets in values])
      columns[field.name] = ends(lengths)
    elif field.name != 'directory' and values[0] is not None:
      columns[field.name] = np.concatenate([_array(x) for x in values])
  return Impressions(**columns)


def _array(column) -> np.ndarray:
  """A column as an array; of Texts an array of strings."""
  if isinstance(column, np.ndarray):
    return column
  return np.array([column[i] for i in range(len(column))], str)
