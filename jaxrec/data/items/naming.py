"""Columns of items by the names that their owner's files have.

What a file calls `name` may be our `title` (`data.columns.title=name`), and
'País de origen' is `País_de_origen`. Both names may be used: in templates, as
fields, and for items that a bundle is given. Several names given together are
all the file's if one of them is not ours, so that a file which has `name` for
our `title` can have a `title` of its own.
"""

import string
from collections.abc import Collection, Iterable, Mapping


def ours(
  names: Iterable[str], own_names: Mapping[str, str], known: Collection[str]
) -> dict[str, str]:
  """What we call some columns, by the names given.

  Args:
    names: ours, or the file's.
    own_names: our names by the file's, where they differ.
    known: all of ours.

  Returns:
    Names that nobody knows stay as they are.
  """
  names = list(names)
  if all(name in known for name in names):
    return {name: name for name in names}
  return {name: own_names.get(name, name) for name in names}


def with_our_names(
  template: str, own_names: Mapping[str, str], known: Collection[str]
) -> str:
  """'{name}: {brand}' -> '{title}: {brand}', where a file says so.

  Args:
    template: as `Template` takes it.
    own_names, known: see `ours`.
  """
  pieces = list(string.Formatter().parse(template))
  by_name = ours((name for _, name, _, _ in pieces if name), own_names, known)
  if all(name == other for name, other in by_name.items()):
    return template
  parts: list[str] = []
  for literal, name, form, conversion in pieces:
    parts.append(literal.replace('{', '{{').replace('}', '}}'))
    if name is not None:
      convert = f'!{conversion}' if conversion else ''
      parts.append(f'{{{by_name[name]}{convert}{f":{form}" if form else ""}}}')
  return ''.join(parts)
