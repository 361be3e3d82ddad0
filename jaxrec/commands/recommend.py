"""jaxrec recommend: a file of users -> a file of recommendations, streamed.

Users are read, recommended to and written by the block, so that memory does not
grow with their number, where a file has a row for each (`inference.user_files`
has the forms). What is written, JSON lines (.jsonl, .ndjson) or Parquet, has a
line for each user, in the order they came: `user_id`, `items`, `scores` and
`probabilities`, best first. A user who cannot be read has none; their line is
named and counted.
"""

import bisect
import contextlib
import json
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from jaxrec.bundle import layout
from jaxrec.errors import UserError, choices
from jaxrec.inference import user_files
from jaxrec.inference.load import load
from jaxrec.inference.model import Model
from jaxrec.inference.user_files import Note, User

BLOCK = 1024  # Users that are in memory at once.
SUFFIXES = ('.jsonl', '.ndjson', '.parquet')  # Of what is written.
NAMED = 20  # Bad lines that are named; all are counted.
SECONDS_BETWEEN = 5.0  # Lines that say how far it is.

Say = Callable[[str], None]
Write = Callable[[list[dict]], None]  # Of rows.


class LineCounts(NamedTuple):
  """What became of the lines of a users' file.

  Attributes:
    users: who were written.
    bad: lines that were set aside.
    seconds: that it took.
    good: lines that were not.
  """

  users: int
  bad: int
  seconds: float
  good: int = 0


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
  user_files.check_name(users)
  if output.suffix not in SUFFIXES:
    raise UserError(f'--output={output}: {choices(output.suffix, SUFFIXES)}')
  if output.exists() and output.samefile(users):
    raise UserError(f'--output={output} is the file of users itself')
  model = load(bundle)
  model.recommend([], k, **options)  # What is wrong with these, is so for all.
  start = last_said = time.monotonic()
  num_users, num_good, bad_lines = 0, 0, _BadLines(users, say)
  read = _users(users, bad_lines.note, bundle, model)
  with _writing(output) as write:
    for block in _blocks(read, BLOCK):
      seconds = time.monotonic() - start
      if num_users and start + seconds - last_said > SECONDS_BETWEEN:
        last_said = start + seconds
        say(f'  {num_users:,} users, {num_users / seconds:,.0f} a second')
      rows, good = _recommended(model, block, k, options, bad_lines.note)
      write(rows)
      num_users += len(rows)
      num_good += good
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
  return LineCounts(num_users, bad_lines.total, seconds, num_good)


def _users(
  path: pathlib.Path, note: Note, bundle: pathlib.Path, model: Model
) -> Iterator[User]:
  """The users of a file, with behaviours where the bundle tells them apart."""
  kinds = any(model.manifest.get('behaviours') or ())
  for user in user_files.read(path, note, layout.column_names(bundle)):
    # Of a log; whoever lists them himself is told that there are none.
    of_log = user.rows > 1 and not kinds
    yield user._replace(behaviours=None) if of_log else user


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

  def note(self, line: int, why: str, times: int = 1) -> None:
    """Counts a line, or several of one user; the first is named later.

    A block is read before recommendations are made for it, and either may find
    bad lines: they are sorted once both are done.
    """
    self.total += times
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
  model: Model, block: list[User], k: int, options: dict, note: Callable
) -> tuple[list[dict], int]:
  """Rows of a block, and how many lines these users had.

  A user who cannot be read is noted, and has no row.
  """
  try:
    recommendations = _recommend(model, block, k, options)
  except UserError:  # One by one, to know whose line it is.
    recommendations, good = [], []
    for user in block:
      try:
        recommendations += _recommend(model, [user], k, options)
      except UserError as e:
        note(user.line, str(e), user.rows)
      else:
        good.append(user)
    block = good
  rows = [
    {
      'user_id': user.user_id,
      'items': [x.item_id for x in best],
      'scores': [x.score for x in best],
      'probabilities': [x.probability for x in best],
    }
    for user, best in zip(block, recommendations, strict=True)
  ]
  return rows, sum(user.rows for user in block)


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
