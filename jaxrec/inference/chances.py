"""Logits -> probabilities: by a sigmoid, or among all that may be chosen."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from jaxrec.inference.answers import Scale
from jaxrec.inference.index import IndexedItems
from jaxrec.inference.members import Members
from jaxrec.inference.requests import RequestedHistory
from jaxrec.inference.user_vectors import RankedRows, UserVectors
from jaxrec.retrieval.choice import RANKS, Choice


@dataclasses.dataclass(frozen=True)
class Chances:
  """How likely items are, as the bundle was calibrated.

  Attributes:
    scale: says how.
    user_vectors: ranks the catalog.
    members: add to the logits.
  """

  scale: Scale
  user_vectors: UserVectors
  members: Members

  def ranked(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    users: np.ndarray,
    allowed: np.ndarray,
    excluded: Sequence[Sequence[int]],
    k: int,
  ) -> Iterator[RankedRows]:
    """The best k rows of each user, and all that `of_ranked` needs.

    Arguments are those of `UserVectors.ranked`, with the histories [U].
    """
    choice, tail = self.scale.choice, None
    if choice is not None:
      tail = choice.at(_lengths(histories))['tail']
    return self.user_vectors.ranked(
      index,
      users,
      allowed,
      excluded,
      k,
      lambda begin, end: self.members.of_index(index, histories[begin:end]),
      tail,
      choice is not None and choice.seen == 'kept',
    )

  def of_ranked(
    self, history: RequestedHistory, ranked: RankedRows
  ) -> np.ndarray | None:
    """float64 [C], of what `ranked` gave; None: the bundle has none."""
    choice = self.scale.choice
    if choice is None:
      return self.scale.sigmoid(ranked.logits)
    assert ranked.best is not None  # It was asked for.
    ranks = np.arange(len(ranked.rows))
    if choice.seen == 'kept':  # What is left out is between them.
      above = np.searchsorted(-ranked.best, -ranked.logits, 'left')
      ranks = np.maximum(ranks, above)
    return choice.probabilities(
      ranked.logits[None],
      ranks[None],
      ranked.best[None],
      np.array([ranked.tail]),
      _lengths([history]),
    )[0]

  def of_any(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    users: np.ndarray,
    items: Sequence[tuple[np.ndarray, np.ndarray]],
    allowed: np.ndarray | None = None,
  ) -> list[np.ndarray | None]:
    """Of items that are not a list of the best; None: the bundle has none.

    What may not be chosen, since it is in no index, not allowed, or seen where
    seen items count for nothing, has the chance that it would have if it alone
    were added.

    Args:
      index: the items.
      histories, users: of U users, and their vectors [U, W].
      items: of each user rows of the index, below 0 for what is in none, and
        logits, [C] both.
      allowed: bool [R], rows that may be chosen; None: all items.

    Returns:
      Of each user float64 [C].
    """
    choice = self.scale.choice
    if choice is None:
      return [self.scale.sigmoid(logits) for _, logits in items]
    allowed = ~index.free if allowed is None else allowed
    masked = choice.seen == 'masked'
    excluded = [history.seen if masked else [] for history in histories]
    best = self.ranked(index, histories, users, allowed, excluded, RANKS)
    return [
      self._among(choice, history, ranked, rows, logits, allowed, left_out)
      for history, ranked, (rows, logits), left_out in zip(
        histories, best, items, excluded, strict=True
      )
    ]

  def _among(
    self,
    choice: Choice,
    history: RequestedHistory,
    ranked: RankedRows,
    rows: np.ndarray,
    logits: np.ndarray,
    allowed: np.ndarray,
    left_out: Sequence[int],
  ) -> np.ndarray:
    """float64 [C], of items at `rows` beside those that were `ranked`."""
    assert ranked.best is not None and ranked.tail is not None
    counted = (rows >= 0) & allowed[rows] & ~np.isin(rows, left_out)
    above = np.searchsorted(-ranked.best, -logits, 'left')
    listed = dict(zip(ranked.rows.tolist(), itertools.count()))
    ranks = [
      listed.get(row, RANKS) if is_counted else place
      for row, is_counted, place in zip(
        rows.tolist(), counted, above, strict=True
      )
    ]
    # Each as a user of its own, since what there is to choose from differs.
    lengths = np.repeat(_lengths([history]), len(rows))
    reached = ranked.best[ranked.best > -np.inf]
    least = reached[-1] if len(reached) else 0.0
    own = choice.at(lengths)['tail'] * np.minimum(logits - least, 0)
    best = np.pad(
      np.broadcast_to(ranked.best, (len(rows), len(ranked.best))),
      ((0, 0), (0, 1)),
      constant_values=-np.inf,
    )
    best[:, -1] = np.where(counted | (logits < least), -np.inf, logits)
    return choice.probabilities(
      logits[:, None],
      np.array(ranks, np.int64).reshape(-1, 1),
      best,
      np.where(counted, ranked.tail, np.logaddexp(ranked.tail, own)),
      lengths,
    )[:, 0]


def _lengths(histories: Sequence[RequestedHistory]) -> np.ndarray:
  return np.array([len(history.entries) for history in histories], np.int64)
