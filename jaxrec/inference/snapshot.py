"""What can be asked of a model, about the items as they are at one moment."""

import os
from collections.abc import Iterable, Sequence

from jaxrec.errors import UserError
from jaxrec.inference import checks
from jaxrec.inference.answering import Answerer
from jaxrec.inference.answers import CatalogItem, Recommendations
from jaxrec.inference.index import IndexedItems


class Snapshot:
  """A model whose items stay as they are; see `Model` and `Model.snapshot`.

  Args:
    answerer: how it is answered.
    index: the items.
  """

  def __init__(self, answerer: Answerer, index: IndexedItems):
    self._answering, self._process = answerer, os.getpid()
    # A Model replaces it. So every method reads it once, and answers from what
    # it has read.
    self._index = index

  @property
  def _answerer(self) -> Answerer:
    """UserError in a process that was forked: JAX's threads are not in it."""
    if os.getpid() != self._process:
      raise UserError(
        f'the model was loaded by process {self._process} and cannot answer in '
        'one that was forked from it: load it in each process, or start them '
        "by multiprocessing's 'spawn'"
      )
    return self._answering

  def __repr__(self) -> str:
    manifest = self.manifest
    return (
      f'<jaxrec.{type(self).__name__} of {manifest["dataset"]}, '
      f'{len(self):,} items, step {manifest["step"]}>'
    )

  @property
  def manifest(self) -> dict:
    """The bundle's."""
    return self._answering.manifest

  @property
  def history_length(self) -> int:
    """Entries of a history that are read."""
    return self._answering.reader.length

  # ------------------------------------------------------------------- items
  def __len__(self) -> int:
    return len(self._index)

  def __contains__(self, item_id: str) -> bool:
    return item_id in self._index.rows

  @property
  def item_ids(self) -> list[str]:
    """Of all items, in no particular order."""
    return list(self._index.rows)

  @property
  def categories(self) -> list[str]:
    """Those that `recommend` can be told; [] where items have none."""
    index = self._index
    return [] if index.category is None else sorted(index.categories)

  def item(self, item_id: str) -> CatalogItem:
    """An item; UserError of an unknown id."""
    index = self._index
    return self._answerer.item(index, index.row(item_id))

  def items_of(
    self, answer: Recommendations, most: int | None = None
  ) -> list[CatalogItem | None]:
    """The items that an answer of this snapshot is about, as they were scored.

    Args:
      answer: what `recommend_many` or `score_many` of this snapshot gave.
      most: only the first so many; None: all.

    Returns:
      One for each; None for a candidate that was given by its columns.
    """
    index = self._index
    return [
      None if row < 0 else self._answerer.item(index, row)
      for row in answer.rows[:most]
    ]

  def search(self, text: str, k: int = 10) -> list[CatalogItem]:
    """Items whose id or text has `text` in it, then the nearest by meaning.

    Of those that have it: the id first, then whole words, then beginnings of
    words, then the rest.

    Args:
      text: '' for the most popular.
      k: how many items.
    """
    index = self._index
    k = checks.check_count(k)
    rows = self._answerer.searched(index, text, k)
    return [self._answerer.item(index, row) for row in rows]

  # ------------------------------------------------------------ recommending
  def recommend(
    self,
    history: Sequence = (),
    k: int = 10,
    *,
    strategy: str = 'top_k',
    threshold: float | str | None = None,
    exclude_seen: bool = True,
    categories: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
    behaviours: Sequence[str] | None = None,
    times: Sequence[float] | None = None,
    now: float | None = None,
    unknown: str = 'error',
  ) -> Recommendations:
    """The best items for one user; see `recommend_many`."""
    return self.recommend_many(
      [history],
      k,
      strategy=strategy,
      threshold=threshold,
      exclude_seen=exclude_seen,
      categories=categories,
      only=only,
      diversity=diversity,
      explain=explain,
      behaviours=None if behaviours is None else [behaviours],
      times=None if times is None else [times],
      now=now,
      unknown=unknown,
    )[0]

  def recommend_many(
    self,
    histories: Sequence[Sequence],
    k: int = 10,
    *,
    strategy: str = 'top_k',
    threshold: float | str | None = None,
    exclude_seen: bool = True,
    categories: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
    behaviours: Sequence[Sequence[str] | None] | None = None,
    times: Sequence[Sequence[float] | None] | None = None,
    now: float | None = None,
    unknown: str = 'error',
  ) -> list[Recommendations]:
    """The best items for each of many users.

    Args:
      histories: see Model.
      k: items at most.
      strategy: 'top_k' or 'probability', see Model.
      threshold: of 'probability'; 'auto': the bundle's, at which the F1 of
        calling candidates clicked was highest on validation.
      exclude_seen: whether items of the history, all of it, are left out.
      categories: of these alone; one of them is enough.
      only: ids of the items that may be recommended.
      diversity: 0 to 1: how much the texts of a list are to differ, by maximal
        marginal relevance among the 10 * k best, at least 100; 0: the best,
        whatever their texts.
      explain: whether to say what each entry that was read contributed.
      behaviours: for each history what was done with each entry, by the names
        in the manifest; None: the one that is predicted.
      times: for each history unix seconds of each entry, never falling. Entries
        of one time are one event.
      now: entries of later times are not read.
      unknown: 'error', or 'skip' to leave unknown ids of histories out.

    Raises:
      UserError: an argument that does not do, named with what would.
    """
    index, answerer = self._index, self._answerer
    k = checks.check_count(k)
    checks.check_share('diversity', diversity)
    least = answerer.threshold(strategy, threshold)
    allowed = index.allowed(
      checks.check_names('categories', categories),
      checks.check_names('only', only),
    )
    return answerer.best(
      index,
      answerer.histories(
        index,
        histories,
        behaviours=behaviours,
        times=times,
        now=now,
        unknown=unknown,
      ),
      k,
      strategy=strategy,
      threshold=least,
      exclude_seen=exclude_seen,
      allowed=allowed,
      diversity=diversity,
      explain=explain,
    )

  def score(
    self,
    history: Sequence,
    candidates: Sequence,
    *,
    strategy: str = 'top_k',
    explain: bool = False,
    behaviours: Sequence[str] | None = None,
    times: Sequence[float] | None = None,
    now: float | None = None,
    unknown: str = 'error',
  ) -> Recommendations:
    """What one user would make of the candidates; see `score_many`."""
    return self.score_many(
      [history],
      [candidates],
      strategy=strategy,
      explain=explain,
      behaviours=None if behaviours is None else [behaviours],
      times=None if times is None else [times],
      now=now,
      unknown=unknown,
    )[0]

  def score_many(
    self,
    histories: Sequence[Sequence],
    candidates: Sequence[Sequence],
    *,
    strategy: str = 'top_k',
    explain: bool = False,
    behaviours: Sequence[Sequence[str] | None] | None = None,
    times: Sequence[Sequence[float] | None] | None = None,
    now: float | None = None,
    unknown: str = 'error',
  ) -> list[Recommendations]:
    """For each history its own candidates, in the order given.

    Args:
      histories: see Model.
      candidates: for each, ids, or dicts of items that need not be in the
        index, as in histories; such a one's `item_id` is its own if it has one,
        else its place, '#3'.
      strategy: whose score is given.
      explain, behaviours, times, now, unknown: see `recommend_many`; an unknown
        candidate is always an error.

    Raises:
      UserError: an argument that does not do, named with what would.
    """
    index, answerer = self._index, self._answerer
    answerer.threshold(strategy, None)
    histories = checks.check_list('histories', histories)
    candidates = checks.check_list('candidates', candidates)
    if len(candidates) != len(histories):
      raise UserError(
        f'candidates: {len(candidates)} lists for {len(histories)} histories'
      )
    return answerer.scored(
      index,
      answerer.histories(
        index,
        histories,
        behaviours=behaviours,
        times=times,
        now=now,
        unknown=unknown,
      ),
      candidates,
      strategy=strategy,
      explain=explain,
    )
