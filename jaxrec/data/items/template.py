"""Texts of items, made of their columns: '{title}: {abstract}'."""

import string
from collections.abc import Mapping

from jaxrec.errors import UserError


def template_columns(template: str) -> list[str]:
  """The names of the columns that `template` is filled with, sorted.

  Raises:
    UserError: it cannot be read, or names no column.
  """
  try:
    names = {
      name for _, name, _, _ in string.Formatter().parse(template) if name
    }
  except ValueError as e:
    raise UserError(f'data.text_template={template!r}: {e}') from e
  if not names:
    raise UserError(
      f"data.text_template={template!r} names no column: give e.g. '{{title}}'"
    )
  return sorted(names)


class Template:
  """Makes the texts of items, in training and wherever a bundle is asked.

  Attributes:
    columns: names of those that a text is made of, sorted.
  """

  def __init__(self, template: str):
    """Raises UserError, as `template_columns` does."""
    self.columns = template_columns(template)
    self._template = template

  def fill(self, columns: Mapping[str, str]) -> str:
    """The text of one item, which must have all of the `columns` named."""
    values = {name: columns[name] for name in self.columns}
    return self._template.format(**values)
