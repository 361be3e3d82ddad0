"""What sections of the report are made of: dicts for report.html.j2."""

from collections.abc import Sequence

from jaxrec.report import words
from jaxrec.report.words import CEILING


def section(
  name: str,
  title: str,
  read: str,
  plots: Sequence[dict],
  tables: Sequence[dict] = (),
  *,
  beside: bool = False,
) -> dict:
  """What the template shows.

  Args:
    name: its anchor.
    title: its heading.
    read: a sentence that says how to read it.
    plots: dicts of 'caption', 'figure' and maybe 'legend'.
    tables: see `table`; all but the first are folded.
    beside: whether the first table stands beside the plot.
  """
  return {
    'id': name,
    'title': title,
    'read': read,
    'plots': list(plots),
    'tables': list(tables),
    'beside': beside,
  }


def table(
  title: str, note: str, head: list[str], *, text: bool = False
) -> dict:
  """An empty table; `text` for columns of words, not of numbers."""
  return {'title': title, 'note': note, 'head': head, 'rows': [], 'text': text}


def row(name: str, cells: list[dict]) -> dict:
  return {'name': name, 'cells': cells}


def cell(text: str, *sub: str, strong: bool = False) -> dict:
  """A cell; `sub` are smaller lines under it."""
  return {'text': text, 'sub': [s for s in sub if s], 'strong': strong}


def best(values: dict) -> set[str]:
  """Those that none beats, of several; the ceiling does not take part."""
  values = {
    name: value
    for name, value in values.items()
    if name != CEILING and words.finite(value) is not None
  }
  if len(values) < 2:
    return set()
  return {name for name in values if values[name] == max(values.values())}
