"""jaxrec recommend: a file of users -> a file of recommendations, streamed.

Users are read, recommended to and written by the block, so that memory does not
grow with their number. Files are JSON lines (.jsonl, .ndjson) or Parquet
(.parquet), by their names.

    {"user_id": "U1", "history": ["N1", {"text": "Rain on the coast"}]}

may have `times` and `behaviours` as well, one for each entry; in Parquet,
histories are lists of ids. What is written has a line for each user, in the
order they came: `user_id`, `items`, `scores` and `probabilities`, best first.
A user who cannot be read has none; their line is named and counted.
"""

import bisect
import contextlib
import json
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from jaxrec.errors import UserError, choices
from jaxrec.inference.load import load
from jaxrec.inference.model import Model
from jaxrec.preflight import check_users

BLOCK = 1024  # Users that are in memory at once.
SUFFIXES = ('.jsonl', '.ndjson', '.parquet')
LONGEST = 1 << 24  # Bytes of a line.
NAMED = 20  # Bad lines that are named; all are counted.
KEYS = ('user_id', 'history', 'times', 'behaviours')
SECONDS_BETWEEN = 5.0  # Lines that say how far it is.

Say = Callable[[str], None]
Note = Callable[[int, str], None]  # Of a bad line: its number, and why.
Write = Callable[[list[dict]], None]  # Of rows.


class User(NamedTuple):
  """A line of the users' file.

  Attributes:
    line: its number in the file, from 1.
    user_id, history, times, behaviours: see the module.
  """

  line: int
  user_id: str
  history: list[Any]
  times: Any
  behaviours: Any


class LineCounts(NamedTuple):
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
  say: Say = print,
  **options: Any,
) -> LineCounts:
  """Recommends to all users of a file.

  Args:
    bundle: a directory that jaxrec export wrote.
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
  start = last_said = time.monotonic()
  num_users, bad_lines = 0, _BadLines(users, say)
  read = _read_parquet if users.suffix == '.parquet' else _read_lines
  with _writing(output) as write:
    for block in _blocks(read(users, bad_lines.note), BLOCK):
      seconds = time.monotonic() - start
      if num_users and start + seconds - last_said > SECONDS_BETWEEN:
        last_said = start + seconds
        say(f'  {num_users:,} users, {num_users / seconds:,.0f} a second')
      rows = _recommended(model, block, k, options, bad_lines.note)
      write(rows)
      num_users += len(rows)
      bad_lines.name()
    bad_lines.name()
    if bad_lines.total and not num_users:
      raise UserError(
        f'{users}: no user could be read: {bad_lines.total:,} lines are bad'
      )
  seconds = time.monotonic() - start
  if bad_lines.total > bad_lines.named:
    say(f'  set aside: {bad_lines.total - bad_lines.named:,} more')
  aside = f'; {bad_lines.total:,} lines set aside' if bad_lines.total else ''
  say(f'{output}: {num_users:,} users in {seconds:,.1f} s{aside}')
  return LineCounts(num_users, bad_lines.total, seconds)


class _BadLines:
  """Counts bad lines, and names the first NAMED, in the order of the file.

  Attributes:
    total: how many there are.
    named: how many of them were named.
  """

  def __init__(self, users: pathlib.Path, say: Say):
    self.total = self.named = 0
    self._users, self._say = users, say
    self._waiting: list[tuple[int, str]] = []

  def note(self, line: int, why: str) -> None:
    """Counts a line; it is named later.

    A block is read before recommendations are made for it, and either may find
    bad lines: they are sorted once both are done.
    """
    self.total += 1
    bisect.insort(self._waiting, (line, why))
    del self._waiting[NAMED:]

  def name(self) -> None:
    """Names those that were noted since."""
    for line, why in self._waiting[: NAMED - self.named]:
      self._say(f'  set aside: {self._users}:{line}: {why}')
      self.named += 1
    self._waiting.clear()


# -------------------------------------------------------------- recommending
def _recommended(
  model: Model, block: list[User], k: int, options: dict, note: Note
) -> list[dict]:
  """Rows of a block; a user who cannot be read is noted, and has none."""
  try:
    recommendations = _recommend(model, block, k, options)
  except UserError:  # One by one, to know whose line it is.
    recommendations, good = [], []
    for user in block:
      try:
        recommendations += _recommend(model, [user], k, options)
      except UserError as e:
        note(user.line, str(e))
      else:
        good.append(user)
    block = good
  return [
    {
      'user_id': user.user_id,
      'items': [x.item_id for x in best],
      'scores': [x.score for x in best],
      'probabilities': [x.probability for x in best],
    }
    for user, best in zip(block, recommendations, strict=True)
  ]


def _recommend(model: Model, block: list[User], k: int, options: dict) -> list:
  """The best items of each user; UserError: one of them cannot be read."""
  return model.recommend_many(
    [user.history for user in block],
    k,
    times=[user.times for user in block],
    behaviours=[user.behaviours for user in block],
    **options,
  )


def _blocks(users: Iterable[User], size: int) -> Iterator[list[User]]:
  block: list[User] = []
  for user in users:
    block.append(user)
    if len(block) == size:
      yield block
      block = []
  if block:
    yield block


# ------------------------------------------------------------------- reading
def _read_lines(path: pathlib.Path, note: Note) -> Iterator[User]:
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


def _opened(path: pathlib.Path) -> BinaryIO:
  try:
    return open(path, 'rb')
  except OSError as e:
    raise UserError(f'--users={path}: cannot be read: {e}') from e


def _read_parquet(path: pathlib.Path, note: Note) -> Iterator[User]:
  import pyarrow as pa
  import pyarrow.parquet as pq

  try:
    with pq.ParquetFile(path) as file:
      columns = file.schema_arrow.names
      for name in KEYS[:2]:
        if name not in columns:
          raise UserError(f'{path} has no column {name}: it has {columns}')
      names = [name for name in KEYS if name in columns]
      number = 0
      for batch in file.iter_batches(BLOCK, columns=names):
        for value in batch.to_pylist():
          number += 1
          user = _user(number, value, note)
          if user is not None:
            yield user
  except (pa.ArrowException, OSError) as e:
    raise UserError(f'{path}: no readable Parquet: {e}') from e


def _user(line: int, value: Any, note: Note) -> User | None:
  """A User; None: it cannot be read, and why was noted."""
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
def _writing(path: pathlib.Path) -> Iterator[Write]:
  """Gives a function that writes rows; `path` is there once all went well."""
  partial = path.with_name(f'{path.name}.partial{os.getpid()}')
  try:
    with contextlib.ExitStack() as stack:
      if path.suffix == '.parquet':
        yield _parquet_writer(stack, partial)
      else:
        file = stack.enter_context(open(partial, 'w', encoding='utf8'))

        def write(rows: list[dict]) -> None:
          file.writelines(json.dumps(row) + '\n' for row in rows)

        yield write
    partial.replace(path)
  except OSError as e:
    raise UserError(f'--output={path}: cannot be written: {e}') from e
  finally:
    partial.unlink(missing_ok=True)


def _parquet_writer(stack: contextlib.ExitStack, path: pathlib.Path) -> Write:
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

  def flush() -> None:
    if held:
      writer.write_table(pa.Table.from_pylist(held, schema))
      held.clear()

  stack.callback(flush)

  def write(rows: list[dict]) -> None:
    held.extend(rows)  # Row groups of a few blocks.
    if len(held) >= 16 * BLOCK:
      flush()

  return write
