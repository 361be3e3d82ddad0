"""What was read of files and what was set aside, counted by reason."""

import collections
from typing import Protocol

from jaxrec.errors import UserError


class Note(Protocol):
  """What readers report to, such as `Tally.note`."""

  def __call__(self, reason: str, where: str = '', times: int = 1) -> None:
    """Counts `times` of `reason`; `where` is 'file:line: what is wrong'."""


class Tally:
  """What was read and what was set aside, by reason, and notes of some.

  At most `MAX_NOTES` places a reason are kept (file:line: why); all of them
  are counted.
  """

  MAX_NOTES = 5

  def __init__(self):
    self.counts: collections.Counter = collections.Counter()
    self._places: list[tuple[str, str]] = []  # (reason, where)
    self._kept: collections.Counter = collections.Counter()

  @property
  def notes(self) -> list[str]:
    """The places that are kept, in the order they came."""
    return [where for _, where in self._places]

  def note(self, reason: str, where: str = '', times: int = 1) -> None:
    """Counts something; `where` is 'file:line: what is wrong'."""
    self.counts[reason] += times
    if where and self._kept[reason] < self.MAX_NOTES:
      self._kept[reason] += 1
      self._places.append((reason, where))

  def add(self, other: 'Tally') -> None:
    """Adds the counts and notes of a later piece."""
    for reason, where in other._places:
      self.note(reason, where, times=0)
    self.counts.update(other.counts)


def check_some_read(name: str, split: str, tally: Tally) -> None:
  """UserError where nothing of a dataset's split could be used."""
  if not tally.counts[f'{split}: read']:
    raise UserError(
      f'{name}: the split {split!r} has no usable line; '
      f'set aside: {dict(tally.counts)}; first: {tally.notes[:3]}'
    )
