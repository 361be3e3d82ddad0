"""How a model answers: every answer from one state of the items.

The methods are given an `IndexedItems`, which never changes, and read nothing
else that does: lists, scores and texts of one answer fit together.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxrec.errors import UserError
from jaxrec.inference import checks
from jaxrec.inference.answers import CatalogItem, Recommendations, Scale
from jaxrec.inference.chances import Chances
from jaxrec.inference.diversity import diversified, pool
from jaxrec.inference.explain import by_term, contributions
from jaxrec.inference.index import IndexedItems, categories_of
from jaxrec.inference.item_vectors import ItemVectors
from jaxrec.inference.members import AddedToItems, Members, origins_of
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
    chances: from logits to probabilities.
    search: of items by their texts.
    members: closed forms that add to the logits.
  """

  manifest: dict
  reader: HistoryReader
  user_vectors: UserVectors
  item_vectors: ItemVectors
  scale: Scale
  chances: Chances
  search: Search
  members: Members

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
    histories = checks.check_list('histories', histories)
    count = len(histories)
    columns: list[Sequence] = []
    for name, given in (('behaviours', behaviours), ('times', times)):
      lists = None if given is None else checks.check_list(name, given)
      if lists is not None and len(lists) != count:
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
    diversity: float,
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
      diversity: 0 to 1, see `diversity.diversified`.
      explain: whether to say what each entry contributed.
    """
    users, new_vectors = self.encoded(index, histories)
    by_popularity = [
      not history.entries and strategy == 'top_k' for history in histories
    ]
    by_vector = [i for i, popular in enumerate(by_popularity) if not popular]
    count = pool(k) if diversity else k
    ranked = self.chances.ranked(
      index,
      [histories[i] for i in by_vector],
      users[by_vector],
      allowed,
      [histories[i].seen if exclude_seen else [] for i in by_vector],
      count,
    )
    rankings = dict(zip(by_vector, ranked, strict=True))
    popular = self._popular(
      index, histories, users, allowed, np.flatnonzero(by_popularity), count
    )
    answers = []
    for i, history in enumerate(histories):
      if by_popularity[i]:
        rows, scores, logits, chances = popular[i]
      else:
        rows, logits = rankings[i].rows, rankings[i].logits
        chances = self.chances.of_ranked(history, rankings[i])
        scores = self._scores(
          strategy, logits, users[i], chances, rankings[i].most_added
        )
      kept = np.arange(len(rows))
      if threshold is not None:
        kept = np.flatnonzero(scores >= threshold)
      if diversity:
        texts = index.texts_of(rows[kept])
        # Popularity is the relevance of what is listed by it.
        relevance = scores if by_popularity[i] else logits
        kept = kept[diversified(relevance[kept], texts, k, diversity)]
      rows, logits, scores = rows[kept], logits[kept], scores[kept]
      chances = None if chances is None else chances[kept]
      shares, terms = None, None
      if explain:
        items = _Items(index.vectors_of(rows), index.origins[rows])
        shares = self._shares(index, history, new_vectors[i], items)
        added = self.members.at(index, [history], items.origins)
        terms = self._terms(users[i], items.vectors, added)
      ids = [index.id_of(row) for row in rows.tolist()]
      answers.append(
        Recommendations.of(
          history, rows, ids, scores, logits, chances, shares, terms
        )
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
    entries = [
      [
        self.reader.candidate(index, candidate, f'candidates[{place}]')
        for place, candidate in enumerate(
          checks.check_list('candidates', its_candidates)
        )
      ]
      for its_candidates in candidates
    ]
    items = [
      _Items(self._candidate_vectors(index, es), origins_of(index, es))
      for es in entries
    ]
    rows = [np.array([e.row for e in es], np.int64) for es in entries]
    added = [
      self.members.at(index, [history], of_user.origins)
      for history, of_user in zip(histories, items, strict=True)
    ]
    logits = [
      self.user_vectors.logits(users[i : i + 1], of_user.vectors)[0]
      + added[i].total[0]
      for i, of_user in enumerate(items)
    ]
    chances = self.chances.of_any(
      index, histories, users, list(zip(rows, logits, strict=True))
    )
    most_added = self.members.most(index, histories)
    answers = []
    for i, history in enumerate(histories):
      shares, terms = None, None
      if explain:
        shares = self._shares(index, history, new_vectors[i], items[i])
        terms = self._terms(users[i], items[i].vectors, added[i])
      ids = [
        entry.columns.get('item_id', f'#{place}')
        if entry.columns is not None
        else index.id_of(entry.row)
        for place, entry in enumerate(entries[i])
      ]
      scores = self._scores(
        strategy, logits[i], users[i], chances[i], most_added[i]
      )
      answers.append(
        Recommendations.of(
          history, rows[i], ids, scores, logits[i], chances[i], shares, terms
        )
      )
    return answers

  def threshold(self, strategy: str, threshold: Any) -> float | None:
    """The least score of an item; None: any.

    Raises:
      UserError: this bundle has no such strategy or no such threshold.
    """
    checks.check_choice('strategy', strategy, STRATEGIES)
    if strategy == 'probability' and not self.scale.has_probabilities:
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
  def _scores(
    self,
    strategy: str,
    logits: np.ndarray,
    user: np.ndarray,
    chances: np.ndarray | None,
    most_added: float,
  ) -> np.ndarray:
    """float64 [C], what `strategy` ranks by; never falls with the logit."""
    if strategy == 'probability':
      assert chances is not None  # `threshold` sees to it.
      return chances
    return self.scale.cosine(logits, user, most_added)

  def _popular(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    users: np.ndarray,
    allowed: np.ndarray,
    which: np.ndarray,
    k: int,
  ) -> dict[int, tuple]:
    """Of the users `which`, who have no history: what is popular lately.

    Members add to items by the history alone: here, nothing.

    Returns:
      Rows, shares of all that is done, logits and probabilities, [C] each.
    """
    if not len(which):
      return {}
    rows, shares = index.most_popular(allowed, [], k)
    logits = self.user_vectors.logits(users[which], index.vectors_of(rows))
    chances = self.chances.of_any(
      index,
      [histories[i] for i in which],
      users[which],
      [(rows, of_user) for of_user in logits],
      allowed,
    )
    return {
      int(i): (rows, shares, of_user, its_chances)
      for i, of_user, its_chances in zip(which, logits, chances, strict=True)
    }

  def _candidate_vectors(
    self, index: IndexedItems, entries: Sequence[HistoryEntry]
  ) -> np.ndarray:
    """float32 [C, W]."""
    rows = np.array([entry.row for entry in entries], np.int64)
    vectors = index.vectors_of(np.maximum(rows, 0))
    new = [entry for entry in entries if entry.row < 0]
    if new:
      vectors = vectors.copy()
      vectors[rows < 0] = self.item_vectors.of_entries(new)
    return vectors

  def _shares(
    self,
    index: IndexedItems,
    history: RequestedHistory,
    new_vectors: np.ndarray,
    items: '_Items',
  ) -> np.ndarray:
    """Contributions [H, C] to items [C]."""
    places = {id(entry): i for i, entry in enumerate(_new_entries(history))}

    def logits_of(variants: Sequence[RequestedHistory]) -> np.ndarray:
      used = [places[id(e)] for v in variants for e in _new_entries(v)]
      users = self.user_vectors.encoded(index, variants, new_vectors[used])
      logits = self.user_vectors.logits(users, items.vectors)
      return logits + self.members.at(index, variants, items.origins).total

    return contributions(logits_of, history)

  def _terms(
    self, user: np.ndarray, vectors: np.ndarray, added: AddedToItems
  ) -> list[dict[str, float]] | None:
    """What each term and member adds to the logits of vectors [C, W].

    None of a bundle that does not say which columns are whose.
    """
    spans = self.manifest['model'].get('columns')
    if spans is None:
      return None
    members = {name: values[0] for name, values in added.by_member.items()}
    return by_term(user, vectors, spans, members, self.scale.bias)


class _Items(NamedTuple):
  """Vectors [C, W] and origins [C] of items, see `origins_of`."""

  vectors: np.ndarray
  origins: np.ndarray


def _new_entries(history: RequestedHistory) -> list[HistoryEntry]:
  """The entries that are in no index."""
  return [entry for entry in history.entries if entry.row < 0]
