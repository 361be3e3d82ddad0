"""The model's items as the server changes them: model and journal together."""

import threading
from collections.abc import Sequence
from typing import Any

from jaxrec.errors import UserError
from jaxrec.serve.journal import Journal

_AT_ONCE = 1024  # Items encoded together at the start.


class NotStored(Exception):
  """A change that could not be made durable, and was taken back."""


class UnknownItem(LookupError):
  """There is no item of an id."""

  def __init__(self, item_id: str):
    super().__init__(f'no item has the id {item_id[:100]!r}')


class LiveItems:
  """Adds and removes items, one change at a time."""

  def __init__(self, model: Any, journal: Journal | None):
    """Brings `model` to where the journal's changes had brought it.

    Raises:
      UserError: the model refuses an item of the journal.
    """
    self.model = model
    self.journal = journal
    self._lock = threading.Lock()
    if journal is None:
      return
    added = [item for item in journal.items.values() if item is not None]
    removed = [
      item_id for item_id, item in journal.items.items() if item is None
    ]
    try:
      for start in range(0, len(added), _AT_ONCE):
        # What was once taken is taken again, by another bundle too.
        model.add_items(added[start : start + _AT_ONCE], strict=False)
    except UserError as e:
      raise UserError(f'{journal.path}: {e}') from None
    # Added and removed again while serving: the model never had those.
    if present := [item_id for item_id in removed if item_id in model]:
      model.remove_items(present)

  def item(self, item_id: str) -> Any:
    """The item as it is now; raises UnknownItem."""
    item = self._or_none(item_id)
    if item is None:
      raise UnknownItem(item_id)
    return item

  def _or_none(self, item_id: str) -> Any | None:
    snapshot = self.model.snapshot()
    return snapshot.item(item_id) if item_id in snapshot else None

  def add(self, items: Sequence[dict[str, Any]]) -> list[str]:
    """Adds or replaces; on disk when it returns.

    Returns:
      The ids that were replaced.

    Raises:
      UserError: an item lacks what the model reads; nothing was changed.
      NotStored: nothing was changed.
    """
    with self._lock:
      before = {x['item_id']: self._or_none(x['item_id']) for x in items}
      self.model.add_items(items)
      self._keep('add', items, before)
      return [item_id for item_id, old in before.items() if old is not None]

  def remove(self, ids: Sequence[str]) -> None:
    """Removes; on disk when it returns.

    Raises:
      UnknownItem: nothing was changed.
      NotStored: nothing was changed.
    """
    with self._lock:
      ids = list(dict.fromkeys(ids))
      before = {item_id: self.item(item_id) for item_id in ids}
      self.model.remove_items(ids)
      self._keep('remove', ids, before)

  def _keep(
    self, change: str, changed: Sequence, before: dict[str, Any]
  ) -> None:
    """Writes a change that the model has made, or takes it back.

    Args:
      change: 'add' or 'remove'.
      changed: what was added or removed.
      before: the items by their ids as they were; None where there was none.
    """
    if self.journal is None:
      return
    try:
      getattr(self.journal, change)(changed)
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
