"""Spoilt tables of lists that were shown: read, or refused in one line."""

import collections
import json
import pathlib
import random

from jaxrec.data.datasets.impression_lists import REPEATED
from jaxrec.data.datasets.impressions import Impressions
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import tables
from jaxrec.data.readers.tally import Tally
from jaxrec.data.readers.times import MAX_SECONDS
from jaxrec.errors import UserError
from tests import tiny_worlds
from tests.data.datasets.fuzz import as_parquet, mutate

ITEMS = 'items.tsv'


def _as_lists() -> list[dict]:
  return [
    shown | {'impression_id': f's{i}', 'history': shown['candidates'][:i]}
    for i, shown in enumerate(tiny_worlds.lists()['impressions'])
  ]


def _as_rows() -> list[dict]:
  return [
    {'impression_id': shown['impression_id'], 'user_id': shown['user_id']}
    | {'timestamp': shown['timestamp'], 'item_id': key, 'label': label}
    for shown in _as_lists()
    for key, label in zip(shown['candidates'], shown['labels'], strict=True)
  ]


def _as_text(rows: list[dict], separator: str) -> bytes:
  """A table whose lists have spaces between their ids."""
  joined = lambda value: (
    ' '.join(map(str, value)) if isinstance(value, list) else value
  )
  values = [list(map(joined, row.values())) for row in rows]
  return tiny_worlds.lines([list(rows[0]), *values], separator)


# The file, its bytes, and what separates its columns; b'': JSON lines.
WORLDS = {
  'lists_jsonl': lambda: ('a.jsonl', tiny_worlds.json_lines(_as_lists()), b''),
  'lists_tsv': lambda: ('a.tsv', _as_text(_as_lists(), '\t'), b'\t'),
  'lists_parquet': lambda: ('a.parquet', _as_text(_as_lists(), '\t'), b'\t'),
  'rows_csv': lambda: ('a.csv', _as_text(_as_rows(), ','), b','),
  'rows_jsonl': lambda: ('a.jsonl', tiny_worlds.json_lines(_as_rows()), b''),
}


def spoil(
  name: str, directory: pathlib.Path, runs: int, seed: int = 0
) -> collections.Counter:
  """Reads `runs` spoilt versions of a world; how they ended, by outcome."""
  rng, ends = random.Random(seed), collections.Counter()
  file, content, separator = WORLDS[name]()
  things = tiny_worlds.lists()['items']
  items = tiny_worlds.lines([list(things[0]), *(t.values() for t in things)])
  source = Source(impressions_file=file, items_file=ITEMS)
  for run in range(runs):
    spoilt = {file: content, ITEMS: items}
    for _ in range(rng.randrange(1, 4)):
      which = file if rng.random() < 0.8 else ITEMS
      of = separator if which == file else b'\t'
      spoilt[which] = mutate(rng, spoilt[which], of)
    if file.endswith('.parquet'):
      spoilt[file] = as_parquet(rng, spoilt[file])
    for path, of_file in spoilt.items():
      (directory / path).write_bytes(of_file)
    try:
      ends.update(_read(directory, source, name.startswith('lists')))
    except UserError as e:
      assert '\n' not in str(e) and 20 < len(str(e)) < 2500, (run, str(e))
      ends['refused'] += 1
    except Exception as e:
      raise AssertionError(f'run {run} of seed {seed}') from e
  return ends


def _read(
  directory: pathlib.Path, source: Source, is_list: bool
) -> collections.Counter:
  """What is read can be prepared, and no row is lost."""
  cls = Impressions.bound(str(directory), source)
  of_items, of_lists = (
    cls(config=config, data_dir=directory / 'out')
    for config in ('items', 'impressions')
  )
  of_items._tally, of_lists._tally = Tally(), Tally()
  items = list(of_items.items(directory))
  numbered = of_lists._numbered(of_lists.impressions(directory, 'shown'), 'r')
  read = [record for _, record in numbered]
  counts = of_lists.counts
  malformed = sum(n for why, n in counts.items() if why.startswith('malformed'))
  clicks = collections.defaultdict(set)
  for record in read:
    assert 0 <= record['time'] <= MAX_SECONDS
    assert all(0 <= i < len(items) for i in record['history'])
    candidates = record['candidates']
    assert all(0 <= i < len(items) for i in candidates)
    assert len(set(candidates)) == len(candidates) == len(record['labels'])
    assert set(record['labels']) <= {0, 1}
    json.dumps(record).encode()
    clicks[record['user_id']] |= set(candidates)
  if is_list:
    rows = len(read) + malformed + counts[REPEATED]
    assert counts[tables.ROWS] == rows, counts
  else:
    shown = sum(len(record['candidates']) for record in read)
    rows = shown + malformed + counts['repeated candidates']
    assert counts[tables.ROWS] == rows, counts
    assert all(set(r['history']) <= clicks[r['user_id']] for r in read)
  assert all(len(note) < 500 for note in of_lists.notes + of_items.notes)
  return collections.Counter(read=1, dropped=malformed, lists=len(read))
