"""Config sections: from what users write to frozen dataclasses, and back.

Users write a ConfigDict (`--config.model.head.type=gru`). Behind it each part
of the program has a frozen dataclass beside it, which checks itself in
`__post_init__`; the functions here make them of plain mappings. Nothing here
knows any part: a field says by its metadata where its parts are registered.

    head: HeadConfig = one_of(HEADS, 'lstm')    {'type': 'lstm', 'width': 256}
    terms: Parts = some_of(TERMS, 'text')       {'text': {...}, 'ids': {...}}

A registry is a dict of names; what a name stands for has a dataclass as its
attribute `Config`, and that has its own name as its class attribute `type`.
"""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxrec.errors import UserError, choices

Parts = Mapping[str, Any]  # The configs of those parts that are there.


def one_of(registry: Mapping[str, Any], default: str) -> Any:
  """A field that holds the config of one part, named by its key 'type'."""
  return dataclasses.field(
    default_factory=lambda: registry[default].Config(),
    metadata={'one_of': registry},
  )


def some_of(registry: Mapping[str, Any], *defaults: str) -> Any:
  """A field that holds the configs of several parts, each under its name."""
  return dataclasses.field(
    default_factory=lambda: {
      name: registry[name].Config() for name in defaults
    },
    metadata={'some_of': registry},
  )


class Choice(NamedTuple):
  """A place in a config that parts are chosen for.

  Attributes:
    registry: of the parts.
    several: whether some of them are there, or just one.
  """

  registry: Mapping[str, Any]
  several: bool


def choices_of(cls: Any, prefix: str = '') -> dict[str, Choice]:
  """The places of a config that parts are chosen for, by dotted path."""
  places = {}
  for field in dataclasses.fields(cls):
    path = f'{prefix}{field.name}'
    for kind in ('one_of', 'some_of'):
      if kind in field.metadata:
        places[path] = Choice(field.metadata[kind], kind == 'some_of')
    if path not in places and dataclasses.is_dataclass(field.type):
      places |= choices_of(field.type, f'{path}.')
  return places


def from_mapping(cls: type, values: Mapping[str, Any], path: str = '') -> Any:
  """The config section `cls` of what users wrote.

  Args:
    cls: a dataclass, or one of plain values in its fields.
    values: by the names of its fields; what is missing has its default.
    path: of the section, 'model.head', for messages.

  Raises:
    UserError: an unknown key, a value of another type, or one that the section
      refuses; names the key.
  """
  fields = {field.name: field for field in dataclasses.fields(cls)}
  _check_is_section(values, path)
  made = {}
  for key, value in values.items():
    place = f'{path}.{key}' if path else key
    if key not in fields:
      raise UserError(f'{place}: {unknown_key(key, fields)}')
    made[key] = _field_value(fields[key], value, place)
  try:
    return cls(**made)
  except UserError as e:
    # A section says which of its keys is wrong, and we where that lies.
    text = str(e)
    where = '' if not path or text.startswith(f'{path}.') else f'{path}.'
    raise UserError(f'{where}{text}') from e


def to_mapping(section: Any) -> dict[str, Any]:
  """Nested dicts of plain values: what `from_mapping` makes the same of."""
  values = {}
  for field in dataclasses.fields(section):
    value = getattr(section, field.name)
    if 'one_of' in field.metadata:
      value = {'type': value.type, **to_mapping(value)}
    elif 'some_of' in field.metadata:
      registry = field.metadata['some_of']
      value = {n: to_mapping(value[n]) for n in registry if n in value}
    elif dataclasses.is_dataclass(value):
      value = to_mapping(value)
    values[field.name] = value
  return values


def flattened(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
  """Nested mappings as one, by dotted keys."""
  flat: dict[str, Any] = {}
  for key, value in tree.items():
    if isinstance(value, Mapping):
      flat |= flattened(value, f'{prefix}{key}.')
    else:
      flat[f'{prefix}{key}'] = value
  return flat


def unknown_key(key: str, known: Mapping[str, Any]) -> str:
  """What to say of a key that is none: its near misses."""
  near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
  hint = f'did you mean {" or ".join(near)}? ' if near else ''
  return f'unknown key; {hint}(there are: {", ".join(known) or "none"})'


def _field_value(field: dataclasses.Field, value: Any, place: str) -> Any:
  if 'one_of' in field.metadata:
    return _one_part(field.metadata['one_of'], value, place)
  if 'some_of' in field.metadata:
    registry = field.metadata['some_of']
    _check_is_section(value, place)
    for name in value:
      if name not in registry:
        raise UserError(f'{place}.{name}: {unknown_key(name, registry)}')
    return {
      name: from_mapping(part.Config, value[name], f'{place}.{name}')
      for name, part in registry.items()
      if name in value
    }
  kind: Any = field.type
  if dataclasses.is_dataclass(kind):
    assert isinstance(kind, type)
    return from_mapping(kind, value, place)
  if kind is float and isinstance(value, int) and not isinstance(value, bool):
    return float(value)
  if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
    raise UserError(f'{place}={value!r}: must be of type {kind.__name__}')
  return value


def _one_part(registry: Mapping[str, Any], values: Any, place: str) -> Any:
  _check_is_section(values, place)
  rest = dict(values)
  name = rest.pop('type', None)
  if name not in registry:
    raise UserError(f'{place}.type: {choices(name, registry)}')
  return from_mapping(registry[name].Config, rest, place)


def _check_is_section(value: Any, place: str) -> None:
  """UserError where one value stands for what is a section of keys."""
  if not hasattr(value, 'items'):  # A ConfigDict is no Mapping.
    raise UserError(f'{place}={value!r}: must be a section of keys')
