"""The model's items as the server changes them: model and journal together."""

import threading
from collections.abc import Sequence
from typing import Any

from jaxrec.errors import UserError
from jaxrec.serve.journal import Store

_AT_ONCE = 1024  # Items encoded together at the start.


class NotStored(Exception):
  """A change that could not be made durable, and was taken back."""


class Catalog:
  """Adds and removes items, one change at a time."""

  def __init__(self, model: Any, store: Store | None):
    """Brings `model` to where `store`'s changes had brought it.

    Raises:
      UserError: the model refuses an item of the journal.
    """
    self.model = model
    self.store = store
    self._lock = threading.Lock()
    if store is None:
      return
    added = [item for item in store.items.values() if item is not None]
    removed = [item_id for item_id, item in store.items.items() if item is None]
    try:
      for start in range(0, len(added), _AT_ONCE):
        # What was once taken is taken again, by another bundle too.
        model.add_items(added[start : start + _AT_ONCE], strict=False)
    except UserError as e:
      raise UserError(f'{store.path}: {e}') from None
    # Added and removed again while serving: the model never had those.
    if known := [item_id for item_id in removed if self.find(item_id)]:
      model.remove_items(known)

  def find(self, item_id: str) -> Any | None:
    """The item, or None."""
    if item_id not in self.model:
      return None
    try:
      return self.model.item(item_id)
    except UserError:  # Removed this very moment.
      return None

  def add(self, items: Sequence[dict[str, Any]]) -> list[str]:
    """Adds or replaces; on disk when it returns.

    Returns:
      The ids that were replaced.

    Raises:
      UserError: an item lacks what the model reads; nothing was changed.
      NotStored: nothing was changed.
    """
    with self._lock:
      before = {item['item_id']: self.find(item['item_id']) for item in items}
      self.model.add_items(items)
      self._keep('add', items, before)
      return [item_id for item_id, old in before.items() if old is not None]

  def remove(self, ids: Sequence[str]) -> None:
    """Removes; on disk when it returns.

    Raises:
      UserError: an id is unknown; nothing was changed.
      NotStored: nothing was changed.
    """
    with self._lock:
      ids = list(dict.fromkeys(ids))
      before = {item_id: self.find(item_id) for item_id in ids}
      self.model.remove_items(ids)
      self._keep('remove', ids, before)

  def _keep(self, change: str, what: list, before: dict[str, Any]) -> None:
    """Writes a change that the model has made, or takes it back."""
    if self.store is None:
      return
    try:
      getattr(self.store, change)(what)
    except OSError as e:
      old = [item.fields for item in before.values() if item is not None]
      new = [item_id for item_id, item in before.items() if item is None]
      if old:
        self.model.add_items(old, strict=False)
      if new:
        self.model.remove_items(new)
      raise NotStored(
        f'not stored, and taken back: {e.strerror or e}: mend it and try again'
      ) from e
