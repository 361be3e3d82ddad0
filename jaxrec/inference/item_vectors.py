"""Items as users give them -> item vectors, as the trainer makes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import jax
import numpy as np

from jaxrec.bundle.functions import Function
from jaxrec.data.items import fields
from jaxrec.errors import UserError
from jaxrec.inference.index import Index
from jaxrec.inference.requests import Entry
from jaxrec.inference.texts import (
  MOST,
  Template,
  TextEncoder,
  check_text,
  fit,
  shown,
)

LONGEST_ID = 512  # Characters.
SIZES = (1, 8, 64, 512)  # Items projected at once: each is a compilation.


class ItemEncoder:
  """Texts, fields and what is known of ids -> item vectors.

  Args:
    template: of texts.
    texts: text -> pooled vector.
    function: pooled vectors [M, D], items [M], fields [M, F, V] -> [M, W].
    params: the function's, by name; those `per_item` are arrays of one row for
      each item of the training, mapped from the disk, of which rows are given.
    per_item: their names.
    trained: index of an item of the training by its id.
    item_fields: the fields that the model reads.
    width: W.
  """

  def __init__(
    self,
    *,
    template: Template,
    texts: TextEncoder,
    function: Function,
    params: Mapping[str, np.ndarray],
    per_item: Mapping[str, Callable],
    trained: Mapping[str, int],
    item_fields: Sequence[fields.Field],
    width: int,
  ):
    self._template, self._texts = template, texts
    self._params = jax.device_put(dict(params))
    self._inputs = set(function.inputs)
    self._call = jax.jit(function.call)
    self._per_item, self._trained = per_item, trained
    self._fields, self._width = item_fields, width

  def checked(
    self, items: Iterable[Mapping[str, str]], strict: bool = True
  ) -> list[dict]:
    """Items to be added, every one of them in order; UserError if not.

    Args:
      items: dicts of columns.
      strict: whether an unknown column and an empty text are errors.
    """
    if isinstance(items, str | Mapping) or not isinstance(items, Iterable):
      raise UserError(f'items is {shown(items)}: want a list of dicts')
    found, ids = [], set()
    for i, item in enumerate(items):
      where = f'items[{i}]'
      if not isinstance(item, Mapping):
        raise UserError(f"{where} is {shown(item)}: want {{'item_id': ...}}")
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
        self._template.check_columns(item, where)
        self._template.readable(item, where)
      else:
        self._template.text_of(item, where)  # Raises.
      found.append(dict(item))
    return found

  def vectors(self, items: Sequence[Mapping[str, str]]) -> np.ndarray:
    """float32 [M, W] of items whose texts are in order."""
    texts = [self._template.text_of(item, 'item') for item in items]
    return self._vectors(items, texts)

  def of_entries(self, entries: Sequence[Entry]) -> np.ndarray:
    """float32 [M, W] of entries that are in no index."""
    return self._vectors([e.item for e in entries], [e.text for e in entries])

  def nearest(self, index: Index, text: str, k: int) -> list[int]:
    """Rows of the k items whose texts are nearest to `text`, nearest first."""
    text = check_text(text, 'text')[:MOST]
    query = self._vectors([{}], [text])[0]
    width = self._texts.width
    table = np.asarray(index.table)[:, :width]
    with np.errstate(invalid='ignore', divide='ignore'):
      lengths = np.sqrt(np.einsum('rw,rw->r', table, table))
      cosine = table @ query[:width] / lengths
    cosine = np.where(index.free | np.isnan(cosine), -np.inf, cosine)
    rows = np.argsort(-cosine, kind='stable')[: min(k, len(index))]
    return rows.tolist()

  def _vectors(self, items, texts) -> np.ndarray:
    if not items:
      return np.zeros((0, self._width), np.float32)
    distinct = list(dict.fromkeys(texts))
    pooled = self._texts(distinct)
    places = {text: i for i, text in enumerate(distinct)}
    pooled = pooled[[places[text] for text in texts]]
    parts = []
    for begin in range(0, len(items), SIZES[-1]):
      end = begin + SIZES[-1]
      parts.append(self._projected(items[begin:end], pooled[begin:end]))
    return np.concatenate(parts)

  def _projected(self, items, pooled) -> np.ndarray:
    count = len(items)
    size = fit(count, SIZES)
    rows = [self._trained.get(item.get('item_id'), -1) for item in items]
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
