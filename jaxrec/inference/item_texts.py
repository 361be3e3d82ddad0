"""The texts of items, as users pass them and as the index has them."""

import types
from collections.abc import Iterable, Mapping
from typing import Any

from jaxrec.data.items import naming
from jaxrec.data.items.template import Template
from jaxrec.errors import UserError, choices, cut
from jaxrec.inference.checks import check_text


class ItemTextReader:
  """A text of an item's columns, as in training.

  Where the bundle's items have a column of their own that is called 'text', it
  is one like any other: the template's columns make the text.

  Args:
    template: '{title} {artist}'.
    columns: names of all columns that the bundle's items have.
    own_names: what the files of the training called columns, see `naming`.
  """

  def __init__(
    self,
    template: str,
    columns: Iterable[str] = (),
    own_names: Mapping[str, str] = types.MappingProxyType({}),
  ):
    self._template = Template(template)
    self._own_names, columns = own_names, set(columns)
    self._known = {'item_id', 'text', *self._template.columns, *columns}
    self._has_column_text = 'text' in {*columns, *self._template.columns}

  def named(self, columns: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Columns by our names, whether they come by these or by the files'.

    Raises:
      UserError: two names of one column; `where` names the item.
    """
    if all(name in self._known for name in columns):  # Nearly always.
      return dict(columns)
    ours = naming.ours(columns, self._own_names, self._known)
    named: dict[str, Any] = {}
    for name, value in columns.items():
      if ours[name] in named:
        raise UserError(f'{where}: {cut(name)} is {ours[name]!r} once more')
      named[ours[name]] = value
    return named

  def indexed(self, columns: Mapping[str, str]) -> str:
    """The text of an item of the index."""
    if self._is_whole(columns):
      return columns['text']
    return self._template.fill(columns)

  def _is_whole(self, columns: Mapping[str, str]) -> bool:
    """Whether 'text' is all of an item's text, and no column of it."""
    if 'text' not in columns:
      return False
    names = self._template.columns
    return not self._has_column_text or (
      'text' not in names and not all(name in columns for name in names)
    )

  def text_of(self, columns: Mapping[str, str], where: str) -> str:
    """The text of an item as a user passes it: its 'text', or its columns.

    Raises:
      UserError: there is no text, or it is none; `where` names the item.
    """
    for name, value in columns.items():
      check_text(value, f'{where}: {name}')
    if self._is_whole(columns):
      return columns['text']
    names = self._template.columns
    for name in names:
      if name not in columns:
        self.check_columns(columns, where)
        raise UserError(
          f"{where} has no {name!r}: give {', '.join(names)}, or 'text'"
        )
    return self._template.fill(columns)

  def readable(self, columns: Mapping[str, str], where: str) -> str:
    """`text_of`; UserError of a text that says nothing, too."""
    text = self.text_of(columns, where)
    if not text or text.isspace():
      raise UserError(f'{where}: its text is empty: say what it is about')
    return text

  def check_columns(self, columns: Mapping[str, str], where: str) -> None:
    """UserError of a column that the bundle's items do not have."""
    for name in columns:
      if name not in self._known:
        known = {*self._known, *self._own_names}
        raise UserError(f'{where}: column {choices(cut(name), known)}')
