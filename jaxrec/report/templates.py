"""Fills the templates (*.j2) that lie beside this file."""

import importlib.resources
from typing import Any

import jinja2

from jaxrec.report import words


def fill(name: str, **values: Any) -> str:
  """The text of a template; what it does not find is an error.

  Args:
    name: of its file.
    values: by the template's names; they are escaped.
  """
  environment = jinja2.Environment(
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  environment.filters |= {'number': words.number, 'count': words.count}
  source = importlib.resources.files('jaxrec.report').joinpath(name)
  template = environment.from_string(source.read_text(encoding='utf8'))
  return template.render(**values)
