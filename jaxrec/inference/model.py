"""A loaded bundle: recommends, scores, takes new items.

model = jaxrec.load('bundle')
model.recommend(['N1', {'text': 'Rain on the coast'}], k=5)
"""

import threading
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from jaxrec.errors import UserError
from jaxrec.inference.answers import (
  Item,
  Recommendation,
  Recommendations,
  Scale,
)
from jaxrec.inference.explain import contributions
from jaxrec.inference.index import Index, categories_of
from jaxrec.inference.item_vectors import ItemEncoder
from jaxrec.inference.requests import History, Reader
from jaxrec.inference.search import Search
from jaxrec.inference.texts import known, shown
from jaxrec.inference.user_vectors import Ranked, Users

STRATEGIES = ('top_k', 'probability')
MOST = 10_000  # Items of a list that can be asked for.


class Model:
  """What `jaxrec.load` gives.

  Strategies of `recommend`, which differ in the score and the length of the
  list; the order is that of the logits, the trainer's own:

  top_k: the k items nearest to the user. The score is the cosine of the two
    vectors; where the model adds what it knows beside the texts (ids, fields,
    what everybody likes), that in the cosine's units: (logit - bias) / scale.
  probability: the score is the sigmoid of the logit, calibrated on validation
    (Platt); of the k best those with at least `threshold`.

  A history's entry is the id of an item, or a dict: {'text': ...}, or the
  columns of the text template, {'title': ...}, of an item that need not be in
  the index. Of a history longer than `history_length` the latest are read.
  Without a history, `top_k` gives what is popular lately, the score its share
  of all that is done; `probability` what the model learned of such users.

  Methods may be called from any number of threads; what is asked while items
  change sees all of a change or nothing of it.

  Args:
    manifest: the bundle's.
    index: its items.
    reader, users, encoder: see there.
    scale: see Scale.
  """

  def __init__(
    self,
    manifest: dict,
    *,
    index: Index,
    reader: Reader,
    users: Users,
    encoder: ItemEncoder,
    scale: Scale,
  ):
    self.manifest = manifest
    self._index = index  # Replaced, never changed.
    self._reader, self._users, self._encoder = reader, users, encoder
    self._scale = scale
    self._search = Search(reader.template)
    self._changes = threading.Lock()

  def __repr__(self) -> str:
    told = self.manifest
    return (
      f'<jaxrec.Model of {told["dataset"]}, {len(self):,} items, step '
      f'{told["step"]}>'
    )

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
  def history_length(self) -> int:
    """Entries of a history that are read."""
    return self._reader.length

  @property
  def categories(self) -> list[str]:
    """Those that `recommend` can be told; [] where items have none."""
    index = self._index
    return [] if index.category is None else sorted(index.categories)

  def item(self, item_id: str) -> Item:
    """An item; UserError of an unknown id."""
    index = self._index
    return self._item(index, index.row(item_id))

  def _item(self, index: Index, row: int) -> Item:
    columns = index.fields(row)
    template = self._reader.template
    name = index.category
    found = categories_of(columns, name) if name else []
    return Item(
      item_id=columns['item_id'],
      text=template.shown(columns),
      category=found[0] if found else None,
      fields=columns,
    )

  def search(self, text: str, k: int = 10) -> list[Item]:
    """Items whose id or text has `text` in it, then the nearest by meaning.

    Of those that have it: the id first, then whole words, then beginnings of
    words, then the rest.

    Args:
      text: '' for the most popular.
      k: how many items.
    """
    index = self._index
    _check_k(k)
    if not text.strip():
      order = np.argsort(-np.where(index.free, -1, index.popularity))
      return [self._item(index, r) for r in order[: min(k, len(index))]]
    rows = self._search(index, text)[:k]
    if len(rows) < k:
      nearest = self._encoder.nearest(index, text, k + len(rows))
      rows = list(dict.fromkeys([*rows, *nearest]))[:k]
    return [self._item(index, row) for row in rows]

  def add_items(
    self, items: Iterable[Mapping[str, str]], *, strict: bool = True
  ) -> list[Item]:
    """Encodes items and puts them into the index, all or none.

    Args:
      items: dicts of 'item_id' and either the columns of the text template or
        'text'; the bundle's other columns are kept, and read where the model
        has fields. One whose id exists takes its place, and keeps what was
        learned of the id.
      strict: False: columns that the bundle does not have are kept as well, and
        a text may be empty.

    Returns:
      The items, as they are now.

    Raises:
      UserError: an item without an id or a text, an unknown column, an id that
        is there twice.
    """
    items = self._encoder.checked(items, strict)
    vectors = self._encoder.vectors(items)
    with self._changes:
      index = self._index.with_items(items, vectors)
      self._index = index
    return [self._item(index, index.rows[x['item_id']]) for x in items]

  def remove_items(self, item_ids: Iterable[str]) -> None:
    """Takes items out of the index, all or none; UserError of an unknown id."""
    if isinstance(item_ids, str):
      raise UserError(f'item_ids is {item_ids!r}: want a list of ids')
    with self._changes:
      self._index = self._index.without_items(list(item_ids))

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
      explain: whether to tell what each entry read contributed.
      behaviours: for each history what was done with each entry, by the names
        in the manifest; None: the one that is predicted.
      times: for each history unix seconds of each entry, never falling. Entries
        of one time are one event.
      now: entries of later times are not read.
      unknown: 'error', or 'skip' to leave unknown ids of histories out.

    Raises:
      UserError: what of it cannot be.
    """
    index = self._index
    _check_k(k)
    cut = self._threshold(strategy, threshold)
    allowed = index.allowed(
      _listed('categories', categories), _listed('only', only)
    )
    read = self._read_all(index, histories, behaviours, times, now, unknown)
    users, extra = self._encoded(index, read)
    lists: list[Ranked | None] = [None] * len(read)
    prior = [not h.entries and strategy == 'top_k' for h in read]
    rest = [i for i, use in enumerate(prior) if not use]
    ranked = self._users.ranked(
      index,
      users[rest],
      allowed,
      [read[i].seen if exclude_seen else [] for i in rest],
      k,
    )
    for i, best in zip(rest, ranked, strict=True):
      lists[i] = best
    found = []
    for i, history in enumerate(read):
      if prior[i]:
        seen = history.seen if exclude_seen else []
        rows, scores = self._popular(index, allowed, seen, k)
        logits = self._users.logits(users[i : i + 1], _rows(index, rows))[0]
      else:
        rows, logits = lists[i]
        scores = self._scale.score(strategy, logits)
        if cut is not None:
          keep = scores >= cut
          rows, logits, scores = rows[keep], logits[keep], scores[keep]
      shares = None
      if explain:
        shares = self._explained(index, history, extra[i], _rows(index, rows))
      ids = [index.ids[row] for row in rows.tolist()]
      found.append(self._told(history, ids, scores, logits, shares))
    return found

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
    """
    index = self._index
    self._threshold(strategy, None)
    if len(_list('candidates', candidates)) != len(histories):
      raise UserError(
        f'candidates: {len(candidates)} lists for {len(histories)} histories'
      )
    read = self._read_all(index, histories, behaviours, times, now, unknown)
    users, extra = self._encoded(index, read)
    found = []
    for i, (history, wanted) in enumerate(zip(read, candidates, strict=True)):
      entries = [
        self._reader.entry(index, x, f'candidates[{place}]')
        for place, x in enumerate(_list('candidates', wanted))
      ]
      new = [entry for entry in entries if entry.row < 0]
      vectors = _rows(index, np.array([e.row for e in entries], np.int64))
      if new:
        vectors = vectors.copy()
        vectors[[e.row < 0 for e in entries]] = self._encoder.of_entries(new)
      logits = self._users.logits(users[i : i + 1], vectors)[0]
      shares = None
      if explain:
        shares = self._explained(index, history, extra[i], vectors)
      ids = [
        index.ids[e.row] if e.row >= 0 else e.item.get('item_id', f'#{place}')
        for place, e in enumerate(entries)
      ]
      scores = self._scale.score(strategy, logits)
      found.append(self._told(history, ids, scores, logits, shares))
    return found

  # ----------------------------------------------------------------- details
  def _threshold(self, strategy, threshold) -> float | None:
    known('strategy', strategy, STRATEGIES)
    if strategy == 'probability' and self._scale.slope is None:
      raise UserError(
        "strategy='probability': this bundle is not calibrated "
        f"({self.manifest['calibration']['why']}): use 'top_k'"
      )
    if threshold is None:
      return None
    if strategy != 'probability':
      raise UserError(
        f"threshold={shown(threshold)}: only strategy='probability' has one"
      )
    if threshold == 'auto':
      threshold = self.manifest['threshold']
      if threshold is None:
        raise UserError(
          "threshold='auto': the bundle has none, since nobody was shown lists "
          'in its data: give a number'
        )
    is_number = isinstance(threshold, int | float)
    if not is_number or isinstance(threshold, bool) or not 0 <= threshold <= 1:
      raise UserError(
        f"threshold={shown(threshold)}: want 'auto' or a probability, 0 to 1"
      )
    return float(threshold)

  def _read_all(
    self, index, histories, behaviours, times, now, unknown
  ) -> list[History]:
    many = len(_list('histories', histories))
    each = []
    for name, given in (('behaviours', behaviours), ('times', times)):
      if given is not None and len(_list(name, given)) != many:
        raise UserError(f'{name}: {len(given)} lists for {many} histories')
      each.append([None] * many if given is None else given)
    found = []
    for i, (history, ways, when) in enumerate(
      zip(histories, *each, strict=True)
    ):
      try:
        found.append(
          self._reader.read(
            index,
            history,
            behaviours=ways,
            times=when,
            now=now,
            unknown=unknown,
          )
        )
      except UserError as e:
        where = f'histories[{i}]: ' if many > 1 else ''
        raise UserError(f'{where}{e}') from None
    return found

  def _encoded(self, index, read) -> tuple[np.ndarray, list[np.ndarray]]:
    """User vectors [U, W], and of each history its new items' vectors."""
    new = [[e for e in h.entries if e.row < 0] for h in read]
    extra = self._encoder.of_entries([e for mine in new for e in mine])
    users = self._users.vectors(index, read, extra)
    return users, np.split(extra, np.cumsum([len(x) for x in new])[:-1])

  def _popular(self, index, allowed, seen, k) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the most popular, and their shares of all that is done."""
    allowed = allowed.copy()
    allowed[seen] = False
    rows = np.flatnonzero(allowed)
    order = np.argsort(-index.popularity[rows], kind='stable')[:k]
    total = max(float(index.popularity.sum(dtype=np.float64)), 1e-30)
    return rows[order], index.popularity[rows[order]].astype(float) / total

  def _explained(self, index, history, extra, vectors) -> np.ndarray:
    """Contributions [H, C] to items of vectors [C, W]."""

    def logits_of(variants):
      places = {id(e): i for i, e in enumerate(_new(history))}
      taken = [places[id(e)] for variant in variants for e in _new(variant)]
      users = self._users.vectors(index, variants, extra[taken])
      return self._users.logits(users, vectors)

    return contributions(logits_of, history)

  def _told(self, history, ids, scores, logits, shares) -> Recommendations:
    chances = self._scale.probability(logits)
    columns = (
      ids,
      scores.tolist(),
      logits.tolist(),
      [None] * len(ids) if chances is None else chances.tolist(),
      [None] * len(ids) if shares is None else map(tuple, shares.T.tolist()),
    )
    found = Recommendations(map(Recommendation, *columns))
    found.read, found.unknown = tuple(history.places), tuple(history.unknown)
    return found


def _new(history: History):
  return [entry for entry in history.entries if entry.row < 0]


def _rows(index: Index, rows: np.ndarray) -> np.ndarray:
  """Vectors [C, W] of rows of the index; anything of rows below 0."""
  if not len(rows):
    return np.zeros((0, index.table.shape[1]), np.float32)
  return index.vectors_of(np.maximum(rows, 0))


def _check_k(k) -> None:
  if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MOST:
    raise UserError(f'k={shown(k)}: want a whole number, 1 to {MOST:,}')


def _list(name: str, given) -> Sequence:
  if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
    raise UserError(f'{name} is {shown(given)}: want a list')
  return given


def _listed(name: str, given):
  """None, or a list of texts."""
  if given is None:
    return None
  if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
    raise UserError(f'{name} is {shown(given)}: want a list')
  given = list(given)
  for value in given:
    if not isinstance(value, str):
      raise UserError(f'{name}: {shown(value)} is no text')
  return given
