"""Users whom a server knows by their ids: what they did, read from a file."""

import pathlib
from collections.abc import Callable, Mapping

from jaxrec.errors import UserError
from jaxrec.inference import user_files
from jaxrec.inference.user_files import User

NAMED = 3  # Lines set aside that are named; all are counted.


class UnknownUser(UserError):
  """There is no such user, or none at all."""


class KnownUsers:
  """Users by their ids.

  Args:
    users: of a file; of two of one id the last one counts.
    source: the file, for messages.
  """

  def __init__(self, users: Mapping[str, User], source: str):
    self._users, self._source = users, source

  def __len__(self) -> int:
    return len(self._users)

  def __getitem__(self, user_id: str) -> User:
    """A user; UnknownUser of another one."""
    try:
      return self._users[user_id]
    except KeyError:
      raise UnknownUser(
        f'user {user_id!r:.60} is not in {self._source}: send a history'
      ) from None


def read(
  path: pathlib.Path,
  names: Mapping[str, str],
  *,
  kinds: bool,
  longest: int,
  say: Callable[[str], None],
) -> KnownUsers:
  """The users of a file, all in memory.

  Args:
    path: see `inference.user_files`.
    names: what its columns are called, by ours.
    kinds: whether the model tells behaviours apart.
    longest: entries of a history that are kept, the latest.
    say: called with lines for people.

  Raises:
    UserError: it cannot be read, or no user of it can.
  """
  count, users = 0, {}

  def note(line: int, why: str) -> None:
    nonlocal count
    count += 1
    if count <= NAMED:
      say(f'  set aside: {path}:{line}: {why}')

  for user in user_files.read(path, note, names):
    behaviours = user.behaviours if kinds or user.rows == 1 else None
    users[user.user_id] = user._replace(
      history=user.history[-longest:],
      times=_latest(user.times, longest),
      behaviours=_latest(behaviours, longest),
    )
  if not users:
    raise UserError(f'--users={path}: no user can be read: {count:,} bad lines')
  aside = f'; {count:,} lines set aside' if count else ''
  say(f'{len(users):,} users of {path}{aside}')
  return KnownUsers(users, path.name)


def _latest(values, count: int):
  return values[-count:] if isinstance(values, list) else values
