"""Lists of which each row is one candidate, put together; see `impressions`."""

import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxrec.data.datasets.impression_columns import (
  AGAIN,
  Layout,
  Row,
  Shown,
  check_head,
  history_of,
)
from jaxrec.data.datasets.mind_lines import Malformed, short
from jaxrec.data.readers.lists import label_of
from jaxrec.data.readers.tally import Note


class _Head(NamedTuple):
  """What is kept of the first row of a list."""

  where: str
  impression_id: str
  user_id: str
  history: str | None


def gathered(
  rows: Iterator[Row], layout: Layout, note: Note
) -> Iterator[Shown]:
  """Yields the lists of a table of candidates, wherever their rows stand."""
  has_ids = 'impression_id' in layout.columns
  heads: list[_Head] = []
  places: dict[tuple[str, str], int] = {}  # Of a user's lists.
  ids: dict[str, int] = {}
  # Of each row: its list, its item, its time, whether it was clicked.
  columns = tuple(array.array(code) for code in 'qqqb')
  for where, row, time in rows:
    try:
      at, label = _mark(row, time, layout.label, has_ids)
    except Malformed as e:
      note(f'malformed: {e.reason}', f'{where}: {e}')
      continue
    name = row['impression_id'] if has_ids else str(at)
    place = places.setdefault((row['user_id'], name), len(heads))
    if place == len(heads):
      key = name if has_ids else where.rpartition(':')[2]
      heads.append(_Head(where, key, row['user_id'], row.get('history')))
    item = ids.setdefault(row['item_id'], len(ids))
    for column, value in zip(columns, (place, item, at, label), strict=True):
      column.append(value)
  del places
  lists, *values = (np.asarray(column) for column in columns)
  order = np.argsort(lists, kind='stable')
  values = [value[order] for value in values]
  ends = np.cumsum(np.bincount(lists, minlength=len(heads)))
  names, begin = list(ids), 0
  for head, end in zip(heads, ends.tolist(), strict=True):
    items, times, labels = (value[begin:end].tolist() for value in values)
    begin = end
    try:
      history = history_of(head.history)
    except Malformed as e:
      note(f'malformed: {e.reason}', f'{head.where}: {e}', len(items))
      continue
    candidates: dict[str, int | None] = {}
    for item, at, label in zip(items, times, labels, strict=True):
      key = names[item]
      earlier = candidates.setdefault(key, None)
      if label and (earlier is None or at < earlier):
        candidates[key] = at
    if len(candidates) < len(items):
      note(AGAIN, times=len(items) - len(candidates))
    where, key, user, _ = head
    yield Shown(where, key, user, min(times), candidates, history)


def _mark(
  row: dict[str, str], time: int | None, name: str, has_ids: bool
) -> tuple[int, int]:
  """The time of a row, and whether it was clicked; Malformed without these."""
  needed = ('user_id', 'item_id', *['impression_id'] * has_ids)
  time = check_head(row, time, *needed)
  label = label_of(row[name])
  if label is None:
    raise Malformed(
      name, f'{name} {short(row[name])}: expected 1 or 0, true or false'
    )
  return time, label
