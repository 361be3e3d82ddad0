"""The texts of items, as users pass them and as the index has them."""

from collections.abc import Iterable, Mapping

from jaxrec.data.items.template import Template
from jaxrec.errors import UserError, choices, cut
from jaxrec.inference.checks import check_text


class ItemTextReader:
  """A text of an item's columns, as in training.

  Args:
    template: '{title} {artist}'.
    columns: names of all columns that the bundle's items have.
  """

  def __init__(self, template: str, columns: Iterable[str] = ()):
    self._template = Template(template)
    self._known = {'item_id', 'text', *self._template.columns, *columns}

  def indexed(self, columns: Mapping[str, str]) -> str:
    """The text of an item of the index."""
    return (
      columns['text'] if 'text' in columns else self._template.fill(columns)
    )

  def text_of(self, columns: Mapping[str, str], where: str) -> str:
    """The text of an item as a user passes it: its 'text', or its columns.

    Raises:
      UserError: there is no text, or it is none; `where` names the item.
    """
    for name, value in columns.items():
      check_text(value, f'{where}: {name}')
    if 'text' in columns:
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
        raise UserError(f'{where}: column {choices(cut(name), self._known)}')
