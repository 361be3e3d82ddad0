"""The items that can be recommended: an immutable snapshot of them.

Rows of the table of item vectors; what is removed leaves a row free, what is
added takes one. A change makes another snapshot, so that whoever reads one sees
it whole, whatever happens meanwhile.
"""

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxrec.data.batches.packing import fit
from jaxrec.data.items.fields import split_names
from jaxrec.errors import UserError, choices
from jaxrec.inference.kept_texts import KeptTexts
from jaxrec.retrieval.top_k import GROUP

ROOM = 1024  # The table grows by as many rows, or by an eighth.
CHANGES = (1, 8, 64, 512)  # Rows moved at once: each is a compilation.
NEAR = 200_000  # Ids among which near misses are looked for.


@dataclasses.dataclass(frozen=True)
class IndexedItems:
  """Items by row; rows beyond `ids`, and those whose id is None, are free.

  Attributes:
    ids: of each row.
    rows: row of each id.
    table: float32 [R, W] on the device, R >= len(ids), a multiple of GROUP.
    free: bool [R], on the host, rows that are no items.
    popularity: float32 [R]; 0 of what is new.
    columns: of the rows that came with the bundle, strings by name.
    added: columns of the rows added since; those of `columns` are outdated.
    category: name of the column that items are filtered by; None: none.
    trained: index of an item of the training by its id.
    origins: int64 [R], that of each row; -1 for free rows and for items that
      the training did not have.
    texts: vectors of the items' texts; None: columns of the table are.
    text_columns: which, where they are.
  """

  ids: list[str | None]
  rows: dict[str, int]
  table: jax.Array
  free: np.ndarray
  popularity: np.ndarray
  columns: Mapping[str, Sequence[str]]
  added: dict[int, dict[str, str]]
  category: str | None
  trained: Mapping[str, int]
  origins: np.ndarray
  texts: KeptTexts | None
  text_columns: slice

  @classmethod
  def of(
    cls,
    vectors: np.ndarray,
    popularity: np.ndarray,
    columns: Mapping[str, Sequence[str]],
    category: str | None,
    texts: KeptTexts | None,
    text_columns: slice,
  ) -> 'IndexedItems':
    """From a bundle's arrays: vectors [N, W], popularity [N]."""
    ids: list[str | None] = list(columns['item_id'])
    size = _room(len(ids))
    pad = size - len(ids)
    free = np.arange(size) >= len(ids)
    rows = {item_id: row for row, item_id in enumerate(columns['item_id'])}
    return cls(
      ids=ids,
      rows=rows,
      table=jnp.pad(jnp.asarray(vectors), ((0, pad), (0, 0))),
      free=free,
      popularity=np.pad(popularity, (0, pad)),
      columns=columns,
      added={},
      category=category,
      trained=rows,
      origins=np.where(free, -1, np.arange(size)),
      texts=texts,
      text_columns=text_columns,
    )

  def __len__(self) -> int:
    return len(self.rows)

  def row(self, item_id: str) -> int:
    """An item's row; UserError with the near misses of an unknown id."""
    row = self.rows.get(item_id)
    if row is None:
      raise UserError(f'item id {self._unknown(item_id)}')
    return row

  def _unknown(self, item_id) -> str:
    if len(self.rows) <= 20 or not isinstance(item_id, str):
      known = list(self.rows)[:20]
      return choices(item_id, known) if known else f'{item_id!r} is unknown'
    shown = item_id if len(item_id) <= 60 else f'{item_id[:60]}...'
    near = None
    if len(item_id) <= 60 and len(self.rows) <= NEAR:
      near = self._plain_ids.get(_plain(item_id))
    hint = f'did you mean {near!r}? ' if near else ''
    return f'{shown!r} is unknown: {hint}it is none of {len(self.rows):,} items'

  @functools.cached_property
  def _plain_ids(self) -> dict[str, str]:
    """Ids by their letters and digits: cheaper than to compare with each."""
    return {_plain(item_id): item_id for item_id in self.rows}

  def id_of(self, row: int) -> str:
    """The id of a row that is not free."""
    item_id = self.ids[row]
    assert item_id is not None
    return item_id

  def fields(self, row: int) -> dict[str, str]:
    """The columns of a row, 'item_id' among them."""
    if row in self.added:
      return self.added[row]
    return {name: column[row] for name, column in self.columns.items()}

  def vectors_of(self, rows: np.ndarray) -> np.ndarray:
    """float32 [M, W] of rows [M], on the host."""
    parts = [np.zeros((0, self.table.shape[1]), np.float32)]
    for begin in range(0, len(rows), CHANGES[-1]):
      block = rows[begin : begin + CHANGES[-1]]
      room = fit(len(block), CHANGES) - len(block)
      taken = _taken(self.table, np.pad(block, (0, room)).astype(np.int32))
      parts.append(np.asarray(taken)[: len(block)])
    return np.concatenate(parts)

  def texts_of(self, rows: np.ndarray) -> np.ndarray:
    """float32 [M, D], vectors of the texts of rows [M], of any lengths."""
    if self.texts is not None:
      return self.texts.of(rows)
    return self.vectors_of(rows)[:, self.text_columns]

  @functools.cached_property
  def rows_of_origins(self) -> np.ndarray:
    """int64 [N], rows of the items of the training; -1 of what is not here."""
    rows = np.full(len(self.trained), -1)
    known = np.flatnonzero(self.origins >= 0)
    rows[self.origins[known]] = known
    return rows

  # ----------------------------------------------------------------- filters
  @functools.cached_property
  def categories(self) -> dict[str, np.ndarray]:
    """Rows of each category; of 'Drama|War' the item is in both."""
    if self.category is None:
      raise UserError(
        'categories: the items of this bundle have no category; its columns '
        f'are {", ".join(self.columns)}'
      )
    rows_of: dict[str, list[int]] = {}
    for row, item_id in enumerate(self.ids):
      if item_id is not None:
        for name in categories_of(self.fields(row), self.category):
          rows_of.setdefault(name, []).append(row)
    return {name: np.array(rows) for name, rows in rows_of.items()}

  def allowed(
    self,
    categories: Iterable[str] | None,
    only: Iterable[str] | None,
  ) -> np.ndarray:
    """bool [R]: rows that may be recommended.

    Raises:
      UserError: an unknown category, an unknown id.
    """
    allowed = ~self.free
    if categories is not None:
      wanted = np.zeros_like(allowed)
      for name in categories:
        if name not in self.categories:
          raise UserError(f'categories: {choices(name, self.categories)}')
        wanted[self.categories[name]] = True
      allowed &= wanted
    if only is not None:
      wanted = np.zeros_like(allowed)
      wanted[[self.row(item_id) for item_id in only]] = True
      allowed &= wanted
    return allowed

  def most_popular(
    self, allowed: np.ndarray, excluded: Sequence[int], k: int
  ) -> tuple[np.ndarray, np.ndarray]:
    """The k most popular items, and their shares of all that is done.

    Args:
      allowed: bool [R], rows that may be among them.
      excluded: rows that may not.
      k: at most.

    Returns:
      int64 rows, the most popular first, and float64 shares.
    """
    allowed = allowed.copy()
    allowed[list(excluded)] = False
    rows = np.flatnonzero(allowed)
    rows = rows[np.argsort(-self.popularity[rows], kind='stable')[:k]]
    total = max(float(self.popularity.sum(dtype=np.float64)), 1e-30)
    return rows, self.popularity[rows].astype(float) / total

  # ----------------------------------------------------------------- changes
  def with_items(
    self,
    items: Sequence[dict[str, str]],
    vectors: np.ndarray,
    pooled: np.ndarray,
  ) -> 'IndexedItems':
    """With items [M] added, or put in the place of those of the same ids.

    Args:
      items: their columns, 'item_id' among them, each once.
      vectors: float32 [M, W].
      pooled: float32 [M, D], of their texts.
    """
    ids, rows = list(self.ids), dict(self.rows)
    taken: list[int] = []
    new: list[int] = []
    unused = iter([i for i, x in enumerate(ids) if x is None])
    for item in items:
      row = rows.get(item['item_id'])
      if row is None:
        row = next(unused, len(ids))
        if row == len(ids):
          ids.append(None)
        new.append(row)
      ids[row], rows[item['item_id']] = item['item_id'], row
      taken.append(row)
    size = max(len(self.free), _room(len(ids)))
    pad = size - len(self.free)
    places = np.array(taken, np.int32)
    free, popularity = np.pad(self.free, (0, pad)), self.popularity
    free[len(self.free) :] = True
    free[places] = False
    popularity = np.pad(popularity, (0, pad))
    popularity[new] = 0
    origins = np.pad(self.origins, (0, pad), constant_values=-1)
    origins[places] = [self.trained.get(item['item_id'], -1) for item in items]
    table = self.table
    if pad:  # A pad of 0 is a copy too.
      table = jnp.pad(table, ((0, pad), (0, 0)))
    for begin in range(0, len(places), CHANGES[-1]):
      here = slice(begin, begin + CHANGES[-1])
      count = len(places[here])
      room = fit(count, CHANGES) - count
      table = _written(
        table,
        np.pad(places[here], (0, room), constant_values=size),
        np.pad(vectors[here], ((0, room), (0, 0))),
      )
    return dataclasses.replace(
      self,
      ids=ids,
      rows=rows,
      table=table,
      free=free,
      popularity=popularity,
      added=self.added
      | {row: dict(item) for row, item in zip(taken, items, strict=True)},
      origins=origins,
      texts=self.texts and self.texts.with_rows(taken, pooled),
    )

  def without_items(self, item_ids: Sequence[str]) -> 'IndexedItems':
    """Without the items called so; UserError of one that is not there."""
    places = [self.row(item_id) for item_id in item_ids]
    ids, rows, free = list(self.ids), dict(self.rows), self.free.copy()
    origins = self.origins.copy()
    for row in set(places):
      del rows[self.id_of(row)]
      ids[row] = None
    free[places], origins[places] = True, -1
    added = {row: x for row, x in self.added.items() if row not in places}
    return dataclasses.replace(
      self,
      ids=ids,
      rows=rows,
      free=free,
      added=added,
      origins=origins,
      texts=self.texts and self.texts.without_rows(places),
    )


def _plain(item_id: str) -> str:
  return re.sub(r'[\W_]+', '', item_id.casefold())


def categories_of(columns: Mapping[str, str], name: str | None) -> list[str]:
  """The categories of an item: 'Drama|War' is two; none without a column."""
  if name is None:
    return []
  return split_names(columns.get(name, ''))


@jax.jit
def _taken(table, rows):
  return table[rows]


@jax.jit
def _written(table, rows, vectors):
  return table.at[rows].set(vectors, mode='drop')


def _room(count: int) -> int:
  """Rows of a table that holds `count` and some more, so that few sizes are."""
  step = max(ROOM, 1 << max(count.bit_length() - 4, 0))
  return -(-(count + 1) // step) * step


assert ROOM % GROUP == 0
