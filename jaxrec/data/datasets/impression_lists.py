"""Tables of lists that were shown, read; see `impressions`."""

import hashlib
import itertools
import pathlib
from collections.abc import Iterator

from jaxrec.data.datasets.impression_columns import (
  AGAIN,
  Row,
  Shown,
  check_head,
  history_of,
  layout_of,
  list_of,
)
from jaxrec.data.datasets.impression_rows import gathered
from jaxrec.data.datasets.interactions import PEEK
from jaxrec.data.datasets.mind_lines import Malformed, parse_pairs, short
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import tables
from jaxrec.data.readers.lists import label_of
from jaxrec.data.readers.tally import Note
from jaxrec.data.readers.times import Clock

REPEATED = 'repeated impressions'
NOT_READ = 'files with columns that are not read'
NOT_SHOWN = 'clicked ids that were not shown'


def read_lists(
  path: pathlib.Path, source: Source, note: Note
) -> Iterator[Shown]:
  """Yields the lists of a table, in the order of their first rows.

  Where a row is a candidate, all of them are held in memory: some 30 bytes
  each, and some hundred a list.

  Args:
    path: of the table.
    source: which column is what.
    note: called as `Tally.note`.
  """
  layout = layout_of(path, source)
  unread = sorted({*tables.all_columns_of(path)} - {*layout.columns.values()})
  if unread:
    history = 'history' not in layout.columns
    note(
      NOT_READ,
      f'{path.name}: not read: {", ".join(unread)[:200]}'
      + ('; --config.data.columns.history=NAME names a history' * history),
    )
  rows = _timed(path, tables.rows(path, layout.columns, note), note)
  if not layout.is_list:
    yield from gathered(rows, layout, note)
    return
  seen: set[bytes] = set()
  for where, row, time in rows:
    try:
      shown = _shown(where, row, time, layout.label, note)
    except Malformed as e:
      note(f'malformed: {e.reason}', f'{where}: {e}')
      continue
    # Without ids, lists of one user and time are told apart by what they held.
    parts = [shown.user_id, str(time), row.get('impression_id', '')]
    if not parts[-1].strip():
      parts += shown.candidates
    # Sixteen bytes take a small part of the strings' memory.
    key = hashlib.blake2b('\0'.join(parts).encode(), digest_size=16).digest()
    if key in seen:
      note(REPEATED, f'{where}: user {short(shown.user_id)}: shown before')
    else:
      seen.add(key)
      yield shown


def _timed(
  path: pathlib.Path, rows: Iterator[tuple[str, dict[str, str]]], note: Note
) -> Iterator[Row]:
  """The rows with their times, to the second; None for one that is none."""
  first = list(itertools.islice(rows, PEEK))
  times = [(where, row['timestamp']) for where, row in first]
  clock = Clock(path.name, times, note)
  for where, row in itertools.chain(first, rows):
    seconds = clock.seconds(row['timestamp'], where)
    yield where, row, None if seconds is None else int(seconds)


def _shown(
  where: str, row: dict[str, str], time: int | None, label: str, note: Note
) -> Shown:
  """The list of a row; Malformed where there is none."""
  time = check_head(row, time, 'user_id')
  history = history_of(row.get('history'))
  keys = list_of(row['candidates'], 'candidates')
  if not keys:
    raise Malformed('no candidates', 'no candidates')
  clicked: set[str] = set()
  if not label:
    keys, labels = _pairs(keys)
  elif label == 'clicked':
    clicked = set(list_of(row['clicked'], 'clicked')) - {''}
    labels = [int(key in clicked) for key in keys]
  else:
    labels = _labels(row, label, len(keys))
  if bad := [key for key in keys if tables.id_problem(key)]:
    raise Malformed('candidate', f'candidate {short(bad[0])} is no id')
  if strange := clicked - set(keys):
    first = short(min(strange))
    note(NOT_SHOWN, f'{where}: {first} was clicked, not shown', len(strange))
  candidates: dict[str, int | None] = {}
  for key, is_clicked in zip(keys, labels, strict=True):
    if is_clicked or key not in candidates:
      candidates[key] = time if is_clicked else None
  if len(candidates) < len(keys):
    note(AGAIN, times=len(keys) - len(candidates))
  key = row.get('impression_id', '').strip() or where.rpartition(':')[2]
  return Shown(where, key, row['user_id'], time, candidates, history)


def _pairs(words: list[str]) -> tuple[list[str], list[int]]:
  """The ids and labels of ['N1-1', 'N2-0']; Malformed where it is not that."""
  try:
    return parse_pairs(words)
  except Malformed as e:
    detail = f"{e}, or a column 'labels' or 'clicked' beside them"
    raise Malformed(e.reason, detail) from None


def _labels(row: dict[str, str], name: str, count: int) -> list[int]:
  """The labels of `count` candidates; Malformed where they are not that."""
  texts = list_of(row[name], name)
  labels = [label for text in texts if (label := label_of(text)) is not None]
  if len(labels) < len(texts):
    raise Malformed(name, f'{name} {short(row[name])}: expected 1 and 0 alone')
  if len(labels) != count:
    raise Malformed(name, f'{len(labels)} {name} for {count} candidates')
  return labels
