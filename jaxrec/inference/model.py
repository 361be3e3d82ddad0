"""A loaded bundle: recommends, scores, takes new items.

model = jaxrec.load('bundle')
model.recommend(['N1', {'text': 'Rain on the coast'}], k=5)
"""

import threading
from collections.abc import Iterable, Mapping

from jaxrec.errors import UserError
from jaxrec.inference.answering import Answerer
from jaxrec.inference.answers import CatalogItem
from jaxrec.inference.index import IndexedItems
from jaxrec.inference.snapshot import Snapshot


class Model(Snapshot):
  """What `jaxrec.load` gives.

  Strategies of `recommend`, which differ in the score and the length of the
  list; the order is that of the logits, the trainer's own:

  top_k: the k best items. The score is the cosine of the user's vector and the
    item's, where all items count as long as the longest of the bundle
    (`Scale.cosine`), so that it has the order of the logits; of a bundle that
    version 0.1.0 wrote, (logit - bias) / scale.
  probability: the score is a probability, calibrated on validation; of the k
    best those with at least `threshold`. Of lists that were shown, that of a
    click. Where whole catalogs were ranked, that it is what the user does next:
    over all that may be recommended they add up to at most 1
    (`retrieval.choice`).

  A history's entry is the id of an item, or a dict: {'text': ...}, or the
  columns of the text template, {'title': ...}, of an item that need not be in
  the index. Of a history longer than `history_length` the latest are read.
  Without a history, `top_k` gives what is popular lately, the score its share
  of all that is done; `probability` what the model learned of such users.

  Methods may be called from any number of threads; what is asked while items
  change sees all of a change or nothing of it. Several calls that have to see
  the same items ask one `snapshot`.
  """

  def __init__(self, answerer: Answerer, index: IndexedItems):
    super().__init__(answerer, index)
    self._changes = threading.Lock()

  def snapshot(self) -> Snapshot:
    """The same model with the items as they are now, whatever comes later."""
    return Snapshot(self._answerer, self._index)

  def add_items(
    self, items: Iterable[Mapping[str, str]], *, strict: bool = True
  ) -> list[CatalogItem]:
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
    item_vectors = self._answerer.item_vectors
    checked = item_vectors.checked(items, strict)
    vectors, pooled = item_vectors.of_items(checked)
    with self._changes:
      index = self._index.with_items(checked, vectors, pooled)
      self._index = index
    return [
      self._answerer.item(index, index.rows[columns['item_id']])
      for columns in checked
    ]

  def remove_items(self, item_ids: Iterable[str]) -> None:
    """Takes items out of the index, all or none; UserError of an unknown id."""
    if isinstance(item_ids, str):
      raise UserError(f'item_ids is {item_ids!r}: want a list of ids')
    with self._changes:
      self._index = self._index.without_items(list(item_ids))
