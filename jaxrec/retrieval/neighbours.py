"""Scores from item-item matrices of a few entries a row, on the host.

Training, evaluation and serving share this file. SciPy comes with JAX, so that
a machine that serves has it.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse


class Histories(NamedTuple):
  """Histories of B users, item by item.

  Attributes:
    owners: int64 [V], whose item it is, 0..B - 1; never falling.
    items: int [V], rows of the matrices; below 0 for none.
    ages: int64 [V], how many events of the user came after its own.
  """

  owners: np.ndarray
  items: np.ndarray
  ages: np.ndarray


class Added(NamedTuple):
  """What is added to some scores: pairs of a user and an item, sorted.

  Attributes:
    owners: int64 [P].
    items: int64 [P]; of a user each once.
    values: float32 [P].
  """

  owners: np.ndarray
  items: np.ndarray
  values: np.ndarray


@dataclasses.dataclass(frozen=True)
class Neighbours:
  """An item-item matrix, of each row its strongest entries.

  A user's score of an item is log(1 + s / unit), where s sums the entries of
  the history's items, each times decay ** (events after it). An item that comes
  again counts once, by the last time.

  Attributes:
    items: int32 [N, K], which items an item speaks for.
    weights: float32 [N, K], 0 or more; 0 for no entry.
    decay: see above, in (0, 1].
    unit: see above, above 0.
  """

  items: np.ndarray
  weights: np.ndarray
  decay: float
  unit: float

  def scores(
    self, histories: Histories, among: np.ndarray | None = None
  ) -> Added:
    """Of every user and item that is spoken for.

    Args:
      histories: of users.
      among: bool [N], the items that are looked at; None: all of them.
    """
    owners, items, ages = _last_times(histories)
    count = len(self.items)
    read = sparse.csr_array(
      (self.decay ** ages.astype(np.float64), (owners, items)),
      (int(owners[-1]) + 1 if len(owners) else 0, count),
    )
    sums = read @ self._matrix
    sums.sort_indices()
    of_user = np.repeat(np.arange(sums.shape[0]), np.diff(sums.indptr))
    kept = sums.data > 0  # So small a sum may be none.
    if among is not None:
      kept &= among[sums.indices]
    scores = np.log1p(sums.data[kept] / self.unit).astype(np.float32)
    return Added(of_user[kept], sums.indices[kept].astype(np.int64), scores)

  @functools.cached_property
  def _matrix(self) -> sparse.csr_array:
    """float64 [N, N], of the entries alone."""
    count = len(self.items)
    kept = self.weights > 0
    begins = np.concatenate([[0], np.cumsum(kept.sum(1))])
    return sparse.csr_array(
      (self.weights[kept].astype(np.float64), self.items[kept], begins),
      (count, count),
    )


def strongest(
  rows: Sequence[np.ndarray] | np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
  """The `count` largest entries above 0 of each dense row.

  Args:
    rows: [R, N].
    count: K at most.

  Returns:
    int32 and float32 [R, min(K, N)], items and weights; 0 and 0 where there
    are fewer.
  """
  rows = np.asarray(rows, np.float32)
  count = min(count, rows.shape[1])
  places = np.argpartition(-rows, count - 1, axis=1)[:, :count]
  values = np.take_along_axis(rows, places, 1)
  kept = values > 0
  return (
    np.where(kept, places, 0).astype(np.int32),
    np.where(kept, values, 0).astype(np.float32),
  )


def typical(weights: np.ndarray) -> float:
  """The median of the entries above 0; 1 of none."""
  some = weights[weights > 0]
  return float(np.median(some)) if len(some) else 1.0


def combined(
  members: Mapping[str, Neighbours],
  gains: Mapping[str, float],
  histories: Histories,
) -> Added:
  """The members' scores times their gains; a pair may be there several times.

  Args:
    members: by name.
    gains: by the same names.
    histories: of users.
  """
  parts = [
    member.scores(histories) for name, member in members.items() if gains[name]
  ]
  used = [gain for gain in gains.values() if gain]
  none = np.zeros(0, np.int64)
  return Added(
    np.concatenate([none, *(part.owners for part in parts)]),
    np.concatenate([none, *(part.items for part in parts)]),
    np.concatenate(
      [
        np.zeros(0, np.float32),
        *(
          np.float32(gain) * part.values
          for gain, part in zip(used, parts, strict=True)
        ),
      ]
    ),
  )


def looked_up(
  added: Added, owners: np.ndarray, items: np.ndarray
) -> np.ndarray:
  """The sums of what is added to pairs of a user and an item.

  Args:
    added: of users; a pair may be there several times.
    owners: int64 [Q].
    items: int64 [Q]; below 0 for none, to which nothing is added.

  Returns:
    float32 [Q].
  """
  width = int(max(items.max(initial=0), added.items.max(initial=0))) + 1
  keys, places = np.unique(
    added.owners * width + added.items, return_inverse=True
  )
  sums = np.bincount(places, added.values, len(keys)).astype(np.float32)
  if not len(keys):
    return np.zeros(len(items), np.float32)
  wanted = owners * width + items
  at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
  there = (keys[at] == wanted) & (items >= 0)
  return np.where(there, sums[at], 0).astype(np.float32)


def arrays_of(member: Neighbours) -> dict[str, np.ndarray]:
  """All of a member as arrays."""
  return {
    'items': member.items,
    'weights': member.weights,
    'scalars': np.array([member.decay, member.unit], np.float64),
  }


def member_of(arrays: Mapping[str, np.ndarray]) -> Neighbours:
  """What `arrays_of` was made of."""
  decay, unit = arrays['scalars'].tolist()
  return Neighbours(arrays['items'], arrays['weights'], decay, unit)


def _last_times(histories: Histories) -> Histories:
  """Each item of a user once, as of its last time; what is none left out."""
  owners, items, ages = histories
  known = items >= 0
  owners, items, ages = owners[known], items[known], ages[known]
  order = np.lexsort((ages, items, owners))  # The least age first.
  owners, items, ages = owners[order], items[order], ages[order]
  first = np.ones(len(items), bool)
  first[1:] = (owners[1:] != owners[:-1]) | (items[1:] != items[:-1])
  return Histories(owners[first], items[first], ages[first])
