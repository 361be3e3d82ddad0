"""Spoilt files: every builder reads what is right, or gives one UserError."""

import collections
import contextlib
import dataclasses
import gzip
import io
import json
import math
import pathlib
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from jaxrec.data.datasets import builder_class
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers import baskets, tables
from jaxrec.data.readers.tally import Tally
from jaxrec.data.readers.times import MAX_SECONDS
from jaxrec.errors import UserError
from tests import tiny_worlds
from tests.tiny_mind import write_tiny_mind

DIRT = (
  *(b'', b' ', b'NaN', b'inf', b'-1', b'-5', b'1e5', b'x', b'0', b'1.5'),
  *(str(sys.maxsize).encode(), b'9' * 400, b'9' * 5000, b'253402300800'),
  *(b'"', b'"open', b'a"b', b'a,b', b'a\tb', b'a|b', b'a::b', b'\0', b'\r'),
  *('Amélie'.encode('latin-1'), 'Amélie'.encode('utf-16'), b'\xed\xa0\x80'),
  *(b'x' * 100_000, b'9999-12-31T23:59:59Z', b'2009-02-30T00:00:00Z'),
)
JSON_DIRT = (
  *(None, math.nan, math.inf, -1, 0, 1.5, True, sys.maxsize, 10**400, [], ''),
  *([[None]], {'a': [1]}, '\ud800', '\0', 'x' * 100_000, [1, None, '\udfff']),
  *('None', '[', '[1', 10**30, -(10**30)),
)
BLANK = (b'', b' ')
# What drops none.
KEPT = (
  *('rows', 'items ', 'files ', 'times ', 'columns ', 'read: read'),
  baskets.FURTHER,
  tables.REPLACED,
)


@dataclasses.dataclass
class World:
  """Valid tiny files of one builder.

  Attributes:
    dataset: the builder's name.
    files: contents by name.
    separators: of each file's columns; b'' for JSON lines.
    header: whether a first line names the columns.
    write: of a file's bytes what goes to disk.
    counts_rows: configs whose counts have all rows.
    source: of tables that are brought.
  """

  dataset: str
  files: dict[str, bytes]
  separators: dict[str, bytes]
  header: bool = False
  write: object = lambda rng, content: content
  counts_rows: tuple[str, ...] = ('items', 'sequences')
  source: Source = dataclasses.field(default_factory=Source)


def _films(kind: str) -> World:
  films = [(i, f'Film {i} ({1980 + i})', 'Drama|War') for i in range(1, 9)]
  ratings = [
    (u, 1 + (u * i) % 8, 4, 10**9 + i) for u in (1, 2, 3) for i in range(4)
  ]
  if kind == 'csv':
    names = {'movies.csv': b',', 'ratings.csv': b','}
    films = [('movieId', 'title', 'genres'), *films]
    ratings = [('userId', 'movieId', 'rating', 'timestamp'), *ratings]
  elif kind == '1m':
    names = {'movies.dat': b'::', 'ratings.dat': b'::'}
  else:
    names = {'u.item': b'|', 'u.data': b'\t'}
    films = [(i, t, '', '', '', *[0, 1] * 9, 1) for i, t, _ in films]
  files = {
    name: tiny_worlds.lines(rows, separator.decode())
    for (name, separator), rows in zip(
      names.items(), (films, ratings), strict=True
    )
  }
  return World('movielens', files, names, header=kind == 'csv')


def _retail() -> World:
  return World(
    'online_retail',
    {'a.parquet': tiny_worlds.lines(tiny_worlds.retail())},
    {'a.parquet': b'\t'},
    header=True,
    write=as_parquet,
    counts_rows=('sequences',),
  )


def as_parquet(rng: random.Random, content: bytes) -> bytes:
  """Tab-separated lines as Parquet: bytes, or numbers where they all are."""
  names, *rows = [line.split(b'\t') for line in content.split(b'\n')[:-1]] or [
    [b'x']
  ]
  columns = []
  for i, name in enumerate(names):
    values = [r[i] if i < len(r) and r[i] else None for r in rows]
    kind = {b'Quantity': int, b'Price': float, b'timestamp': int}.get(name)
    try:
      column = pa.array([v if v is None else kind(v) for v in values])
    except (TypeError, ValueError, OverflowError, pa.ArrowInvalid):
      column = pa.array(values, pa.binary())
      # Bytes that are no text stay bytes.
      with contextlib.suppress(pa.ArrowInvalid):
        column = column.cast(pa.string())
    columns.append(column)
  names = [name.decode('utf8', 'replace') for name in names]
  buffer = io.BytesIO()
  pq.write_table(pa.Table.from_arrays(columns, names), buffer)
  whole = buffer.getvalue()
  return spoil_bytes(rng, whole) if rng.random() < 0.2 else whole


def as_gzip(rng: random.Random, content: bytes) -> bytes:
  """Compressed, and some of it spoilt."""
  whole = gzip.compress(content, 1, mtime=0)
  return spoil_bytes(rng, whole) if rng.random() < 0.2 else whole


def _amazon(gz: bool) -> World:
  end = '.gz' if gz else ''
  files = {
    f'{name}{end}': tiny_worlds.json_lines(rows)
    for name, rows in tiny_worlds.amazon().items()
  }
  write = as_gzip if gz else World.write
  return World('amazon', files, dict.fromkeys(files, b''), write=write)


def _lastfm() -> World:
  return World(
    'lastfm_1k',
    {tiny_worlds.LASTFM: tiny_worlds.lines(tiny_worlds.lastfm())},
    {tiny_worlds.LASTFM: b'\t'},
    counts_rows=('sequences',),
  )


def _tables(suffix: str, min_rating: float = 0.0) -> World:
  of = tiny_worlds.tables()
  separator = {'.csv': b',', '.jsonl': b''}.get(suffix, b'\t')
  if separator:
    files = {n: tiny_worlds.lines(r, separator.decode()) for n, r in of.items()}
  else:
    files = {
      n: tiny_worlds.json_lines(dict(zip(names, r, strict=True)) for r in rows)
      for n, (names, *rows) in of.items()
    }
  if suffix == '.csv':
    quoted = b'"Thing, ""1\n"""'
    files['items'] = files['items'].replace(b'Thing 1', quoted)
  files = {f'{name}{suffix}': content for name, content in files.items()}
  items, actions = files
  return World(
    'interactions',
    files,
    dict.fromkeys(files, separator),
    header=bool(separator),
    write={'.parquet': as_parquet, '.tsv.gz': as_gzip}.get(suffix, World.write),
    source=Source(actions, items, min_rating=min_rating),
  )


WORLDS = {
  'movielens_csv': lambda: _films('csv'),
  'movielens_100k': lambda: _films('100k'),
  'movielens_1m': lambda: _films('1m'),
  'online_retail': _retail,
  'amazon': lambda: _amazon(False),
  'amazon_gz': lambda: _amazon(True),
  'lastfm_1k': _lastfm,
  'interactions_tsv': lambda: _tables('.tsv', min_rating=2.5),
  'interactions_tsv_gz': lambda: _tables('.tsv.gz'),
  'interactions_csv': lambda: _tables('.csv'),
  'interactions_jsonl': lambda: _tables('.jsonl', min_rating=2.5),
  'interactions_parquet': lambda: _tables('.parquet'),
}


# ------------------------------------------------------------------ mutations
def spoil_bytes(rng: random.Random, content: bytes) -> bytes:
  """Cut, or some bits flipped."""
  if rng.random() < 0.3 or not content:
    return content[: rng.randrange(len(content) + 1)]
  spoilt = bytearray(content)
  for _ in range(rng.randrange(1, 8)):
    spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
  return bytes(spoilt)


def _columns(rng, line: bytes, separator: bytes, kind: str, at: int) -> bytes:
  """One line with a column dropped, doubled, moved or spoilt."""
  columns = line.split(separator)
  i = at % len(columns)
  if kind == 'drop':
    del columns[i]
  elif kind == 'double':
    columns.insert(i, columns[i])
  elif kind == 'move':
    columns.insert(0, columns.pop(i))
  else:
    columns[i] = rng.choice(BLANK if rng.random() < 0.2 else DIRT)
  return separator.join(columns)


def _object(rng, line: bytes, kind: str, at: int) -> bytes:
  """Likewise, of a JSON line."""
  try:
    fields = json.loads(line)
    key = sorted(fields)[at % len(fields)]
  except (ValueError, ZeroDivisionError, TypeError, RecursionError):
    return line
  if kind == 'drop':
    del fields[key]
  elif kind == 'double':
    return line[:-1] + b', ' + json.dumps({key: 'again'}).encode()[1:]
  elif kind == 'move':
    fields[key + 'x'] = fields.pop(key)
  else:
    fields[key] = rng.choice(JSON_DIRT)
    if rng.random() < 0.1:  # Deeper than a parser goes.
      deep = '[' * 3000 + ']' * 3000
      return json.dumps({**fields, key: 0}).encode()[:-1] + (
        f', "{key}": {deep}}}'.encode()
      )
  return json.dumps(fields).encode()


def mutate(rng: random.Random, content: bytes, separator: bytes) -> bytes:
  """One of the ways in which files break."""
  lines = content.split(b'\n')
  at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
  kind = rng.choice(
    (
      *('bytes', 'drop', 'double', 'move', 'lines', 'insert', 'repeat'),
      *('empty', 'head', 'separator', 'utf16', 'crlf', 'bom', 'huge'),
      'piece',
      *(['dirt'] * 6),
    )
  )
  if kind == 'bytes':
    return spoil_bytes(rng, content)
  if kind in ('drop', 'double', 'move', 'dirt'):
    column = rng.randrange(24)
    some = range(at, min(at + rng.randrange(1, 5), len(lines)))
    if kind != 'dirt' and rng.random() < 0.5:
      some = range(len(lines))
    for i in some:
      if lines[i] and separator:
        lines[i] = _columns(rng, lines[i], separator, kind, column)
      elif lines[i]:
        lines[i] = _object(rng, lines[i], kind, column)
  elif kind == 'lines':
    lines[at], lines[to] = lines[to], lines[at]
  elif kind == 'insert':
    lines.insert(at, rng.randbytes(rng.randrange(200)))
  elif kind == 'repeat':
    lines.insert(at, lines[to])
  elif kind == 'piece':
    begin, end = sorted(rng.choices(range(len(content) + 1), k=2))
    where = rng.randrange(len(content) + 1)
    return content[:where] + content[begin:end] + content[where:]
  elif kind == 'empty':
    return b'' if rng.random() < 0.3 else content
  elif kind == 'head':
    return lines[0] + b'\n'
  elif kind == 'separator' and separator and rng.random() < 0.5:
    return content.replace(separator, rng.choice([b';', b'\t', b',', b' ']))
  elif kind == 'utf16' and rng.random() < 0.3:
    return content.decode('latin-1').encode('utf-16')
  elif kind == 'crlf':
    return content.replace(b'\n', b'\r\n')
  elif kind == 'bom':
    return b'\xef\xbb\xbf' + content
  elif kind == 'huge' and rng.random() < 0.2:
    lines[at] = lines[at].replace(b'1', b'1' * (tables.MAX_BYTES + 9), 1)
  return b'\n'.join(lines)


# --------------------------------------------------------------------- checks
def spoil(
  make: collections.abc.Callable[[], World],
  directory: pathlib.Path,
  runs: int,
  seed: int = 0,
) -> collections.Counter:
  """Reads `runs` spoilt versions of a world; how they ended, by outcome."""
  rng, ends, world = random.Random(seed), collections.Counter(), make()
  raw = directory / 'raw'
  raw.mkdir()
  for name, content in world.files.items():
    (raw / name).write_bytes(world.write(random.Random(0), content))
  cls = builder_class(world.dataset).bound(str(raw), world.source)
  builders = {
    config: cls(config=config, data_dir=directory / 'out')
    for config in ('items', 'sequences')
  }
  for run in range(runs):
    contents = dict(world.files)
    for _ in range(rng.randrange(1, 4)):
      name = rng.choice(list(contents))
      contents[name] = mutate(rng, contents[name], world.separators[name])
    for name, content in contents.items():
      (raw / name).write_bytes(world.write(rng, content))
    if rng.random() < 0.01:
      (raw / name).unlink()
    try:
      items = _read(world, builders['items'], raw, 'items')
      actions = _read(world, builders['sequences'], raw, 'interactions')
    except UserError as e:
      assert '\n' not in str(e) and 20 < len(str(e)) < 2500, (run, str(e))
      ends['refused'] += 1
      continue
    except Exception as e:
      raise AssertionError(f'run {run} of seed {seed}') from e
    _check(items, actions, contents, world)
    ends['read'] += 1
    ends['interactions'] += len(actions)
    for config, builder in builders.items():
      ends['dropped'] += dropped(builder.counts)
      assert all(len(note) < 400 for note in builder.notes), (run, config)
  return ends


def dropped(counts: collections.Counter) -> int:
  """How many rows were set aside, by what was counted."""
  return sum(n for reason, n in counts.items() if not reason.startswith(KEPT))


def _read(world: World, builder, raw: pathlib.Path, what: str) -> list:
  builder._tally = Tally()
  # As TFDS takes them, which refuses a file without a usable line.
  numbered = builder._numbered(getattr(builder, what)(raw), 'read')
  results = [result for _, result in numbered]
  counts = builder.counts
  if builder.builder_config.name in world.counts_rows:
    in_rows = counts[tables.ROWS] + counts[baskets.FURTHER]
    assert in_rows == len(results) + dropped(counts), counts
    files = builder.files(raw)
    path = files[0 if what == 'items' else -1]
    rows = rows_of(path, world)
    assert rows is None or rows == counts[tables.ROWS], (path.name, counts)
  return results


def rows_of(path: pathlib.Path, world: World) -> int | None:
  """How many rows a file has, counted another way; None: lines say nothing."""
  if path.suffix == '.parquet':
    return pq.read_metadata(path).num_rows
  content = path.read_bytes()
  if path.suffix == '.gz':
    content = gzip.decompress(content)
  if world.separators[path.name] and b'"' in content:
    # TSV has no quotes, unless its first line has another separator.
    is_tsv = world.separators[path.name] == b'\t'
    if not is_tsv or b'\t' not in content.partition(b'\n')[0]:
      return None
  lines = content.removeprefix(b'\xef\xbb\xbf').split(b'\n')
  if world.header:
    del lines[0]
  return sum(bool(line.rstrip(b'\r')) for line in lines)


def _check(
  items: list, actions: list, contents: dict[str, bytes], world: World
) -> None:
  """What was read can be prepared, and was there."""
  assert len({item['item_id'] for item in items}) == len(items)
  is_plain = all(world.separators.values())
  brought = world.dataset == 'interactions'
  behaviours = {'movielens': {'liked', 'watched'}}.get(world.dataset, {''})
  for item in items:
    assert item['item_id'].strip()
    assert not brought or item['title'].strip()
    for value in item.values():
      value.encode()
  whole = b'\n'.join(contents.values())
  for user, item, time, behaviour in actions:
    assert user.strip() and (brought or behaviour in behaviours)
    behaviour.encode()
    assert 0 <= item < len(items)
    assert isinstance(time, int) and 0 <= time <= MAX_SECONDS
    if is_plain and user.isascii() and '"' not in user:
      assert user.encode() in whole


def spoil_mind(
  directory: pathlib.Path, runs: int, seed: int = 0
) -> collections.Counter:
  """Likewise, of MIND, which has impressions."""
  rng, ends = random.Random(seed), collections.Counter()
  write_tiny_mind(directory)
  cls = builder_class('mind')
  files = cls.files(directory)
  whole = {path: path.read_bytes() for path in files}
  builders = [
    cls(config=config, data_dir=directory / 'out')
    for config in ('items', 'impressions')
  ]
  for run in range(runs):
    contents = dict(whole)
    for _ in range(rng.randrange(1, 4)):
      path = rng.choice(files)
      contents[path] = mutate(rng, contents[path], b'\t')
    for path, content in contents.items():
      path.write_bytes(content)
    for builder in builders:
      builder._tally, builder._indexed = Tally(), None
    try:
      items = list(builders[0].items(directory))
      shown = [
        list(builders[1].impressions(directory, s)) for s in ('train', 'test')
      ]
    except UserError as e:
      assert '\n' not in str(e) and len(str(e)) < 2500, run
      ends['refused'] += 1
      continue
    except Exception as e:
      raise AssertionError(f'run {run} of seed {seed}') from e
    ends['read'] += 1
    there = [
      sum(
        bool(line.strip())
        for path in paths
        for line in contents[path].removeprefix(b'\xef\xbb\xbf').split(b'\n')
      )
      for paths in (files[0::2], files[1::2])
    ]
    of_items, of_shown = (builder.counts for builder in builders)
    bad = [
      sum(n for why, n in c.items() if why.startswith('malformed: '))
      for c in (of_items, of_shown)
    ]
    ends['dropped'] += sum(bad)
    again = ('duplicate news ids', 'dev news already in train')
    with_news = len(items) - of_items['candidates without news']
    assert with_news + bad[0] + sum(of_items[a] for a in again) == there[0]
    assert sum(map(len, shown)) + bad[1] == there[1]
    for example in [*shown[0], *shown[1]]:
      assert 0 <= example['time'] <= 253_402_300_800
      indices = example['history'] + example['candidates']
      assert all(0 <= i < len(items) for i in indices)
      assert len(example['labels']) == len(example['candidates'])
  return ends
