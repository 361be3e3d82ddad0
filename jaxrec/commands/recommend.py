"""--mode=recommend: a file of users -> a file of recommendations, streamed.

Users are read, asked for and written by the block, so that memory does not grow
with their number. Files are JSON lines (.jsonl, .ndjson) or Parquet (.parquet),
by their names.

    {"user_id": "U1", "history": ["N1", {"text": "Rain on the coast"}]}

may have `times` and `behaviours` as well, one for each entry; in Parquet,
histories are lists of ids. What is written has a line for each user, in the
order they came: `user_id`, `items`, `scores` and `probabilities`, best first.
A user who cannot be read has none; their line is named and counted.
"""

import contextlib
import json
import os
import pathlib
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from jaxrec.errors import UserError, choices
from jaxrec.inference.load import load
from jaxrec.inference.model import Model
from jaxrec.preflight import check_users

BLOCK = 1024  # Users that are in memory at once.
SUFFIXES = ('.jsonl', '.ndjson', '.parquet')
LONGEST = 1 << 24  # Bytes of a line.
NAMED = 20  # Bad lines that are named; all are counted.
KEYS = ('user_id', 'history', 'times', 'behaviours')
SECOND_TELL = 5.0


class User(NamedTuple):
  """A line of the users' file.

  Attributes:
    line: its number in the file, from 1.
    user_id, history, times, behaviours: see the module.
  """

  line: int
  user_id: str
  history: list
  times: list | None
  behaviours: list | None


class Counts(NamedTuple):
  """What became of the lines: users written, lines set aside, seconds."""

  users: int
  bad: int
  seconds: float


def recommend_file(
  bundle: pathlib.Path,
  users: pathlib.Path,
  output: pathlib.Path,
  *,
  k: int = 10,
  say=print,
  **options: Any,
) -> Counts:
  """Recommends to all users of a file.

  Args:
    bundle: a directory that --mode=export wrote.
    users, output: the files, see the module. `output` is written under another
      name and moved there once it is whole.
    k: items for each user at most.
    say: called with lines for people.
    options: of `Model.recommend_many`.

  Raises:
    UserError: a file that is missing, unreadable, or of an unknown form; an
      option that cannot be; no line was good.
  """
  for flag, path in (('users', users), ('output', output)):
    if path.suffix not in SUFFIXES:
      raise UserError(f'--{flag}={path}: {choices(path.suffix, SUFFIXES)}')
  check_users(users)
  if output.exists() and output.samefile(users):
    raise UserError(f'--output={output} is the file of users itself')
  model = load(bundle)
  model.recommend([], k, **options)  # What is wrong with these, is so for all.
  bad, done, start = 0, 0, time.monotonic()
  told, waiting = start, []

  def note(line: int, why: str):
    nonlocal bad
    bad += 1
    # A block is read before it is asked: its lines are told in order then.
    waiting.append((line, why))
    waiting.sort()
    del waiting[NAMED:]

  def tell(named: int) -> int:
    here = waiting[: NAMED - named]
    for line, why in here:
      say(f'  set aside: {users}:{line}: {why}')
    waiting.clear()
    return named + len(here)

  read = _read_parquet if users.suffix == '.parquet' else _read_lines
  named = 0
  with _writing(output) as write:
    for block in _blocks(read(users, note), BLOCK):
      if done and time.monotonic() - told > SECOND_TELL:  # There is more.
        told = time.monotonic()
        say(f'  {done:,} users, {done / (told - start):,.0f} a second')
      rows = _recommended(model, block, k, options, note)
      write(rows)
      done += len(rows)
      named = tell(named)
    named = tell(named)
    if bad and not done:
      raise UserError(f'{users}: no user could be read: {bad:,} lines are bad')
  seconds = time.monotonic() - start
  if bad > named:
    say(f'  set aside: {bad - named:,} more')
  say(
    f'{output}: {done:,} users in {seconds:,.1f} s'
    f'{f"; {bad:,} lines set aside" if bad else ""}'
  )
  return Counts(done, bad, seconds)


# -------------------------------------------------------------------- asking
def _recommended(model: Model, block, k, options, note) -> list[dict]:
  """Rows of a block; who cannot be read is noted, and the rest not harmed."""
  try:
    found = _asked(model, block, k, options)
  except UserError:  # Somebody's: one by one, to know whose.
    found, kept = [], []
    for user in block:
      try:
        found += _asked(model, [user], k, options)
      except UserError as e:
        note(user.line, str(e))
      else:
        kept.append(user)
    block = kept
  return [
    {
      'user_id': user.user_id,
      'items': [x.item_id for x in best],
      'scores': [x.score for x in best],
      'probabilities': [x.probability for x in best],
    }
    for user, best in zip(block, found, strict=True)
  ]


def _asked(model: Model, block: list[User], k: int, options) -> list:
  column = lambda name: [getattr(user, name) for user in block]
  return model.recommend_many(
    column('history'),
    k,
    times=column('times'),
    behaviours=column('behaviours'),
    **options,
  )


def _blocks(users: Iterable[User], size: int) -> Iterator[list[User]]:
  block = []
  for user in users:
    block.append(user)
    if len(block) == size:
      yield block
      block = []
  if block:
    yield block


# ------------------------------------------------------------------- reading
def _read_lines(path: pathlib.Path, note) -> Iterator[User]:
  with _opened(path) as file:
    number = 0
    while line := file.readline(LONGEST):
      number += 1
      if len(line) == LONGEST and not line.endswith(b'\n'):
        while (rest := file.readline(LONGEST)) and not rest.endswith(b'\n'):
          pass
        note(number, f'over {LONGEST:,} bytes')
        continue
      if not line.strip():
        continue
      try:
        value = json.loads(line)
      except (ValueError, RecursionError) as e:
        note(number, f'no JSON: {e}')
        continue
      if (user := _user(number, value, note)) is not None:
        yield user


def _opened(path: pathlib.Path):
  try:
    return open(path, 'rb')
  except OSError as e:
    raise UserError(f'--users={path}: cannot be read: {e}') from e


def _read_parquet(path: pathlib.Path, note) -> Iterator[User]:
  import pyarrow as pa
  import pyarrow.parquet as pq

  try:
    with pq.ParquetFile(path) as file:
      have = file.schema_arrow.names
      for name in KEYS[:2]:
        if name not in have:
          raise UserError(f'{path} has no column {name}: it has {have}')
      names = [name for name in KEYS if name in have]
      number = 0
      for batch in file.iter_batches(BLOCK, columns=names):
        for value in batch.to_pylist():
          number += 1
          user = _user(number, value, note)
          if user is not None:
            yield user
  except (pa.ArrowException, OSError) as e:
    raise UserError(f'{path}: no readable Parquet: {e}') from e


def _user(line: int, value, note) -> User | None:
  """A User, or None: then it was noted why."""
  if not isinstance(value, dict):
    note(line, 'want {"user_id": ..., "history": [...]}')
    return None
  user_id = value.get('user_id')
  if isinstance(user_id, int) and not isinstance(user_id, bool):
    user_id = str(user_id)
  if not isinstance(user_id, str):
    note(line, f'user_id is {user_id!r:.60}: want text')
    return None
  history = value.get('history')
  if not isinstance(history, list):
    note(line, f'history is {history!r:.60}: want a list')
    return None
  if unknown := value.keys() - set(KEYS):
    note(line, choices(min(unknown), KEYS))
    return None
  return User(
    line, user_id, history, value.get('times'), value.get('behaviours')
  )


# ------------------------------------------------------------------- writing
@contextlib.contextmanager
def _writing(path: pathlib.Path):
  """Gives a function that writes rows; `path` is there once all went well."""
  partial = path.with_name(f'{path.name}.partial{os.getpid()}')
  try:
    with contextlib.ExitStack() as stack:
      if path.suffix == '.parquet':
        yield _parquet_writer(stack, partial)
      else:
        file = stack.enter_context(open(partial, 'w', encoding='utf8'))

        def write(rows: list[dict]):
          file.writelines(json.dumps(row) + '\n' for row in rows)

        yield write
    partial.replace(path)
  except OSError as e:
    raise UserError(f'--output={path}: cannot be written: {e}') from e
  finally:
    partial.unlink(missing_ok=True)


def _parquet_writer(stack: contextlib.ExitStack, path: pathlib.Path):
  import pyarrow as pa
  import pyarrow.parquet as pq

  schema = pa.schema(
    {
      'user_id': pa.string(),
      'items': pa.list_(pa.string()),
      'scores': pa.list_(pa.float64()),
      'probabilities': pa.list_(pa.float64()),
    }
  )
  writer = stack.enter_context(pq.ParquetWriter(path, schema))
  held: list[dict] = []

  def flush():
    if held:
      writer.write_table(pa.Table.from_pylist(held, schema))
      held.clear()

  stack.callback(flush)

  def write(rows: list[dict]):
    held.extend(rows)  # Row groups of a few blocks.
    if len(held) >= 16 * BLOCK:
      flush()

  return write
