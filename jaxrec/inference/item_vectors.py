"""Items as users pass them -> item vectors, as the trainer makes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import jax
import numpy as np

from jaxrec.bundle.functions import Function
from jaxrec.data.batches.packing import fit
from jaxrec.data.items import fields
from jaxrec.errors import UserError
from jaxrec.inference.checks import LONGEST_TEXT, check_text, shortened
from jaxrec.inference.index import IndexedItems
from jaxrec.inference.item_texts import ItemTextReader
from jaxrec.inference.requests import HistoryEntry
from jaxrec.inference.text_vectors import TextVectors

LONGEST_ID = 512  # Characters.
SIZES = (1, 8, 64, 512)  # Items projected at once: each is a compilation.


class ItemVectors:
  """Makes the vectors of items: of texts, fields, and what ids have learned.

  Args:
    texts: makes items' texts.
    text_vectors: text -> pooled vector.
    function: pooled vectors [M, D], items [M], fields [M, F, V] -> [M, W].
    params: the function's, by name, but for those in `per_item`.
    per_item: those that have a row for each item of the training: by name a
      function that reads rows, [n] -> [n, ...], from the disk.
    trained: index of an item of the training by its id.
    item_fields: the fields that the model reads.
    width: W.
  """

  def __init__(
    self,
    *,
    texts: ItemTextReader,
    text_vectors: TextVectors,
    function: Function,
    params: Mapping[str, np.ndarray],
    per_item: Mapping[str, Callable],
    trained: Mapping[str, int],
    item_fields: Sequence[fields.Field],
    width: int,
  ):
    self._texts, self._text_vectors = texts, text_vectors
    self._params = jax.device_put(dict(params))
    self._inputs = set(function.inputs)
    self._call = jax.jit(function.call)
    self._per_item, self._trained = per_item, trained
    self._fields, self._width = item_fields, width

  def checked(
    self, items: Iterable[Mapping[str, str]], strict: bool = True
  ) -> list[dict[str, str]]:
    """Items to be added, once each was found to have an id and a text.

    Args:
      items: dicts of columns.
      strict: whether an unknown column and an empty text are errors.

    Raises:
      UserError: names the first item that does not do.
    """
    if isinstance(items, str | Mapping) or not isinstance(items, Iterable):
      raise UserError(f'items is {shortened(items)}: want a list of dicts')
    checked: list[dict[str, str]] = []
    ids: set[str] = set()
    for i, item in enumerate(items):
      where = f'items[{i}]'
      if not isinstance(item, Mapping):
        raise UserError(
          f"{where} is {shortened(item)}: want {{'item_id': ...}}"
        )
      item = self._texts.named(item, where)
      item_id = check_text(item.get('item_id'), f'{where}: item_id')
      if not item_id or len(item_id) > LONGEST_ID:
        raise UserError(
          f'{where}: item_id has {len(item_id):,} characters: want 1 to '
          f'{LONGEST_ID}'
        )
      if item_id in ids:
        raise UserError(f'{where}: item_id {item_id!r} is there twice')
      ids.add(item_id)
      if strict:
        self._texts.check_columns(item, where)
        self._texts.readable(item, where)
      else:
        self._texts.text_of(item, where)  # Raises.
      checked.append(dict(item))
    return checked

  def of_items(
    self, items: Sequence[Mapping[str, str]]
  ) -> tuple[np.ndarray, np.ndarray]:
    """Of items that were `checked`: vectors [M, W], and their texts' [M, D]."""
    pooled = self._pooled([self._texts.text_of(item, 'item') for item in items])
    return self._vectors(items, pooled), pooled

  def of_entries(self, entries: Sequence[HistoryEntry]) -> np.ndarray:
    """float32 [M, W] of entries that are in no index."""
    return self._vectors(
      [entry.columns or {} for entry in entries],
      self._pooled([entry.text for entry in entries]),
    )

  def nearest(self, index: IndexedItems, text: str, k: int) -> list[int]:
    """Rows of the k items whose texts are nearest to `text`, nearest first."""
    text = check_text(text, 'text')[:LONGEST_TEXT]
    pooled = self._pooled([text])
    if index.texts is not None:
      cosine = index.texts.cosines(pooled[0], len(index.free))
    else:
      query = self._vectors([{}], pooled)[0, index.text_columns]
      table = np.asarray(index.table)[:, index.text_columns]
      with np.errstate(invalid='ignore', divide='ignore'):
        lengths = np.sqrt(np.einsum('rw,rw->r', table, table))
        cosine = table @ query / lengths
    # What has no direction comes last, behind it rows that are no items.
    last = np.finfo(np.float32).min
    cosine = np.where(np.isnan(cosine), last, cosine)
    cosine = np.where(index.free, -np.inf, cosine)
    rows = np.argsort(-cosine, kind='stable')[: min(k, len(index))]
    return rows.tolist()

  def _pooled(self, texts: Sequence[str]) -> np.ndarray:
    """float32 [M, D]."""
    if not texts:
      return np.zeros((0, self._text_vectors.width), np.float32)
    distinct = list(dict.fromkeys(texts))
    pooled = self._text_vectors(distinct)
    places = {text: i for i, text in enumerate(distinct)}
    return pooled[[places[text] for text in texts]]

  def _vectors(
    self, items: Sequence[Mapping[str, str]], pooled: np.ndarray
  ) -> np.ndarray:
    parts = [np.zeros((0, self._width), np.float32)]
    for begin in range(0, len(items), SIZES[-1]):
      end = begin + SIZES[-1]
      parts.append(self._projected(items[begin:end], pooled[begin:end]))
    return np.concatenate(parts)

  def _projected(
    self, items: Sequence[Mapping[str, str]], pooled: np.ndarray
  ) -> np.ndarray:
    count = len(items)
    size = fit(count, SIZES)
    rows = [
      self._trained.get(item['item_id'], -1) if 'item_id' in item else -1
      for item in items
    ]
    known = np.array([row >= 0 for row in rows])
    places = np.full(size, -1, np.int32)
    places[:count][known] = np.flatnonzero(known)
    columns = {
      field.name: [item.get(field.name, '') for item in items]
      for field in self._fields
    }
    numbers = np.full((size, len(self._fields), fields.VALUES), -1, np.int32)
    numbers[:count] = fields.numbered(self._fields, columns, count)
    inputs = {
      'pooled': np.pad(pooled, ((0, size - count), (0, 0))),
      'items': places,
      'fields': numbers,
    }
    params = dict(self._params)
    for name, read in self._per_item.items():
      values = read([row for row in rows if row >= 0])
      params[name] = np.zeros((size, *values.shape[1:]), np.float32)
      params[name][:count][known] = values
    inputs = {name: x for name, x in inputs.items() if name in self._inputs}
    return np.asarray(self._call(params, inputs))[:count]
