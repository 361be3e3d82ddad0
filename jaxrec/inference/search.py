"""Items by a piece of their text."""

import re
import threading
from collections.abc import Mapping

from jaxrec.inference.index import IndexedItems
from jaxrec.inference.item_texts import ItemTextReader


class Search:
  """Rows of items whose id or text has some text in it, best first.

  Args:
    texts: makes items' texts.
  """

  def __init__(self, texts: ItemTextReader):
    self._reader = texts
    # Of the rows of `IndexedItems.columns`.
    self._texts: list[str] | None = None
    self._lock = threading.Lock()

  def __call__(self, index: IndexedItems, text: str) -> list[int]:
    """Rows: of the id itself, whole words, beginnings of words, the rest."""
    wanted = text.strip().lower()
    texts = self._of_bundle(index)
    rows = [row for row, x in enumerate(texts) if wanted in x]
    rows = [
      row for row in rows if row not in index.added and not index.free[row]
    ]
    matches = [(row, texts[row]) for row in rows]
    matches += [
      (row, lowered)
      for row in index.added
      if wanted in (lowered := self._lowered(index.fields(row)))
    ]
    begins = re.compile(rf'(?<!\w){re.escape(wanted)}')
    word = re.compile(rf'{begins.pattern}(?!\w)')

    def place(match: tuple[int, str]) -> int:
      row, lowered = match
      if index.id_of(row).lower() == wanted:
        return 0
      return 1 if word.search(lowered) else 2 if begins.search(lowered) else 3

    return [row for row, _ in sorted(matches, key=place)]

  def _of_bundle(self, index: IndexedItems) -> list[str]:
    """Made once: what came with the bundle never changes."""
    with self._lock:
      if self._texts is None:
        names = list(index.columns)
        self._texts = [
          self._lowered(dict(zip(names, values, strict=True)))
          for values in zip(*index.columns.values(), strict=True)
        ]
      return self._texts

  def _lowered(self, columns: Mapping[str, str]) -> str:
    return f'{columns["item_id"]}\n{self._reader.indexed(columns)}'.lower()
