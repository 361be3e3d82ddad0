"""How a model answers: every answer from one state of the items.

The methods are given an `IndexedItems`, which never changes, and read nothing
else that does: lists, scores and texts of one answer fit together.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxrec.errors import UserError
from jaxrec.inference import checks
from jaxrec.inference.answers import (
  CatalogItem,
  Recommendation,
  Recommendations,
  Scale,
)
from jaxrec.inference.explain import by_term, contributions
from jaxrec.inference.index import IndexedItems, categories_of
from jaxrec.inference.item_vectors import ItemVectors
from jaxrec.inference.requests import (
  HistoryEntry,
  HistoryReader,
  RequestedHistory,
)
from jaxrec.inference.search import Search
from jaxrec.inference.user_vectors import UserVectors

STRATEGIES = ('top_k', 'probability')


@dataclasses.dataclass(frozen=True)
class Answerer:
  """What a bundle's files came to, beside its items.

  Attributes:
    manifest: the bundle's.
    reader: of histories and candidates.
    user_vectors, item_vectors: the two encoders.
    scale: from logits to scores.
    search: of items by their texts.
  """

  manifest: dict
  reader: HistoryReader
  user_vectors: UserVectors
  item_vectors: ItemVectors
  scale: Scale
  search: Search

  # ------------------------------------------------------------------- items
  def item(self, index: IndexedItems, row: int) -> CatalogItem:
    """The item of a row."""
    columns = index.fields(row)
    categories = categories_of(columns, index.category)
    return CatalogItem(
      item_id=columns['item_id'],
      text=self.reader.texts.indexed(columns),
      category=categories[0] if categories else None,
      fields=columns,
    )

  def searched(self, index: IndexedItems, text: str, k: int) -> list[int]:
    """Rows of what `Snapshot.search` finds."""
    if not text.strip():
      order = np.argsort(-np.where(index.free, -1, index.popularity))
      return order[: min(k, len(index))].tolist()
    rows = self.search(index, text)[:k]
    if len(rows) < k:
      nearest = self.item_vectors.nearest(index, text, k + len(rows))
      rows = list(dict.fromkeys([*rows, *nearest]))[:k]
    return rows

  # --------------------------------------------------------------- histories
  def histories(
    self,
    index: IndexedItems,
    histories: Sequence[Sequence],
    *,
    behaviours: Sequence[Sequence[str] | None] | None,
    times: Sequence[Sequence[float] | None] | None,
    now: float | None,
    unknown: str,
  ) -> list[RequestedHistory]:
    """Histories as a user passes them, read; see `Snapshot.recommend_many`.

    Raises:
      UserError: what cannot be read, and of which history.
    """
    count = len(checks.check_list('histories', histories))
    columns: list[Sequence] = []
    for name, lists in (('behaviours', behaviours), ('times', times)):
      if lists is not None and len(checks.check_list(name, lists)) != count:
        raise UserError(f'{name}: {len(lists)} lists for {count} histories')
      columns.append([None] * count if lists is None else lists)
    read = []
    for i, (history, its_behaviours, its_times) in enumerate(
      zip(histories, *columns, strict=True)
    ):
      try:
        read.append(
          self.reader.read(
            index,
            history,
            behaviours=its_behaviours,
            times=its_times,
            now=now,
            unknown=unknown,
          )
        )
      except UserError as e:
        where = f'histories[{i}]: ' if count > 1 else ''
        raise UserError(f'{where}{e}') from None
    return read

  def encoded(
    self, index: IndexedItems, histories: Sequence[RequestedHistory]
  ) -> tuple[np.ndarray, list[np.ndarray]]:
    """User vectors [U, W], and of each history its new items' vectors."""
    new = [_new_entries(history) for history in histories]
    vectors = self.item_vectors.of_entries([e for es in new for e in es])
    users = self.user_vectors.encoded(index, histories, vectors)
    ends = np.cumsum([len(entries) for entries in new])
    return users, np.split(vectors, ends[:-1])

  # ----------------------------------------------------------------- answers
  def best(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    k: int,
    *,
    strategy: str,
    threshold: float | None,
    exclude_seen: bool,
    allowed: np.ndarray,
    explain: bool,
  ) -> list[Recommendations]:
    """The best items for each of many users.

    Args:
      index: the items.
      histories: the users'.
      k: items at most.
      strategy: one of STRATEGIES.
      threshold: the least score; None: any.
      exclude_seen: whether items of the history are left out.
      allowed: bool [R], rows that may be recommended.
      explain: whether to say what each entry contributed.
    """
    users, new_vectors = self.encoded(index, histories)
    by_popularity = [
      not history.entries and strategy == 'top_k' for history in histories
    ]
    by_vector = [i for i, popular in enumerate(by_popularity) if not popular]
    ranked = self.user_vectors.ranked(
      index,
      users[by_vector],
      allowed,
      [histories[i].seen if exclude_seen else [] for i in by_vector],
      k,
    )
    rankings = dict(zip(by_vector, ranked, strict=True))
    answers = []
    for i, history in enumerate(histories):
      if by_popularity[i]:
        seen = history.seen if exclude_seen else []
        rows, scores = index.most_popular(allowed, seen, k)
        logits = self.user_vectors.logits(
          users[i : i + 1], index.vectors_of(rows)
        )[0]
      else:
        rows, logits = rankings[i]
        scores = self.scale.score(strategy, logits)
        if threshold is not None:
          enough = scores >= threshold
          rows, logits, scores = rows[enough], logits[enough], scores[enough]
      shares, terms = None, None
      if explain:
        vectors = index.vectors_of(rows)
        shares = self._shares(index, history, new_vectors[i], vectors)
        terms = self._terms(users[i], vectors)
      ids = [index.id_of(row) for row in rows.tolist()]
      answers.append(
        self._answer(history, rows, ids, scores, logits, shares, terms)
      )
    return answers

  def scored(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    candidates: Sequence[Sequence],
    *,
    strategy: str,
    explain: bool,
  ) -> list[Recommendations]:
    """The candidates of each of many users, in the order given.

    Raises:
      UserError: a candidate that cannot be read.
    """
    users, new_vectors = self.encoded(index, histories)
    answers = []
    for i, (history, its_candidates) in enumerate(
      zip(histories, candidates, strict=True)
    ):
      entries = [
        self.reader.candidate(index, candidate, f'candidates[{place}]')
        for place, candidate in enumerate(
          checks.check_list('candidates', its_candidates)
        )
      ]
      rows = np.array([entry.row for entry in entries], np.int64)
      vectors = index.vectors_of(np.maximum(rows, 0))
      new = [entry for entry in entries if entry.row < 0]
      if new:
        vectors = vectors.copy()
        vectors[rows < 0] = self.item_vectors.of_entries(new)
      logits = self.user_vectors.logits(users[i : i + 1], vectors)[0]
      scores = self.scale.score(strategy, logits)
      shares, terms = None, None
      if explain:
        shares = self._shares(index, history, new_vectors[i], vectors)
        terms = self._terms(users[i], vectors)
      ids = [
        entry.columns.get('item_id', f'#{place}')
        if entry.columns is not None
        else index.id_of(entry.row)
        for place, entry in enumerate(entries)
      ]
      answers.append(
        self._answer(history, rows, ids, scores, logits, shares, terms)
      )
    return answers

  def threshold(self, strategy: str, threshold: Any) -> float | None:
    """The least score of an item; None: any.

    Raises:
      UserError: this bundle has no such strategy or no such threshold.
    """
    checks.check_choice('strategy', strategy, STRATEGIES)
    if strategy == 'probability' and self.scale.slope is None:
      raise UserError(
        "strategy='probability': this bundle is not calibrated "
        f"({self.manifest['calibration']['why']}): use 'top_k'"
      )
    if threshold is None:
      return None
    if strategy != 'probability':
      raise UserError(
        f'threshold={checks.shortened(threshold)}: only '
        "strategy='probability' has one"
      )
    if threshold == 'auto':
      threshold = self.manifest['threshold']
      if threshold is None:
        raise UserError(
          "threshold='auto': the bundle has none, since nobody was shown lists "
          'in its data: give a number'
        )
    return checks.check_probability('threshold', threshold)

  # ----------------------------------------------------------------- details
  def _shares(
    self,
    index: IndexedItems,
    history: RequestedHistory,
    new_vectors: np.ndarray,
    vectors: np.ndarray,
  ) -> np.ndarray:
    """Contributions [H, C] to items of vectors [C, W]."""
    places = {id(entry): i for i, entry in enumerate(_new_entries(history))}

    def logits_of(variants: Sequence[RequestedHistory]) -> np.ndarray:
      used = [places[id(e)] for v in variants for e in _new_entries(v)]
      users = self.user_vectors.encoded(index, variants, new_vectors[used])
      return self.user_vectors.logits(users, vectors)

    return contributions(logits_of, history)

  def _terms(
    self, user: np.ndarray, vectors: np.ndarray
  ) -> list[dict[str, float]] | None:
    """What each term adds to the logits of vectors [C, W]; None if unknown."""
    spans = self.manifest['model'].get('columns')
    if spans is None:
      return None
    return by_term(user, vectors, spans, self.scale.bias)

  def _answer(
    self,
    history: RequestedHistory,
    rows: np.ndarray,
    ids: Sequence[str],
    scores: np.ndarray,
    logits: np.ndarray,
    shares: np.ndarray | None,
    terms: list[dict[str, float]] | None,
  ) -> Recommendations:
    probabilities = self.scale.probability(logits)
    none = [None] * len(ids)
    answer = Recommendations(
      map(
        Recommendation,
        ids,
        scores.tolist(),
        logits.tolist(),
        none if probabilities is None else probabilities.tolist(),
        none if shares is None else map(tuple, shares.T.tolist()),
        none if terms is None else terms,
      )
    )
    answer.read = tuple(history.places)
    answer.unknown = tuple(history.unknown)
    answer.rows = tuple(rows.tolist())
    return answer


def _new_entries(history: RequestedHistory) -> list[HistoryEntry]:
  """The entries that are in no index."""
  return [entry for entry in history.entries if entry.row < 0]
