"""Which keys a config may have, read from the sources without running them.

What the keys stand for brings JAX in, and that takes seconds. A mistake in a
name is answered at once: sections and parts are dataclasses, and their names
are in the sources for whoever parses them. `tests/cli/test_known_keys.py` holds
that these are the keys which the classes themselves have.
"""

import ast
import dataclasses
import functools
import pathlib
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

ROOT = pathlib.Path(__file__).parents[1]
PLAIN = ('int', 'float', 'str', 'bool')
ONE, SOME = 'one_of', 'some_of'  # See `jaxrec.config`.


class Key(NamedTuple):
  """A key of a config.

  Attributes:
    path: with dots, as it is typed.
    kind: of its value: one of PLAIN; or ONE, SOME: names of parts.
    part: of which part it is, 'model.head.type=lstm' or 'model.terms.ids'; '':
      every config has it.
    names: of the parts there are to choose from.
    default: of them, those that a config has that does not say.
  """

  path: str
  kind: str
  part: str = ''
  names: tuple[str, ...] = ()
  default: tuple[str, ...] = ()


def known_keys() -> tuple[Key, ...]:
  """All keys, in the order of sections; of heads one after another.

  Where the classes are there already they are asked: parts of others may have
  been registered since.
  """
  settings = sys.modules.get('jaxrec.training.settings')
  if settings is not None:
    return tuple(keys_of_classes(settings.Config()))
  return keys_of_sources()


@functools.cache
def keys_of_sources() -> tuple[Key, ...]:
  """All keys, as the sources have them."""
  return tuple(_keys(_Class('jaxrec.training.settings', 'Config'), '', ''))


def keys_of_classes(
  section: Any, prefix: str = '', part: str = ''
) -> Iterator[Key]:
  """All keys of a dataclass with its values, and of the parts it may have."""
  for field in dataclasses.fields(section):
    path, value = f'{prefix}{field.name}', getattr(section, field.name)
    if ONE in field.metadata:
      registry = field.metadata[ONE]
      yield Key(f'{path}.type', ONE, part, tuple(registry), (value.type,))
      for name, cls in registry.items():
        inner = f'{path}.type={name}'
        yield from keys_of_classes(cls.Config(), f'{path}.', inner)
    elif SOME in field.metadata:
      registry = field.metadata[SOME]
      yield Key(path, SOME, part, tuple(registry), tuple(value))
      for name, cls in registry.items():
        inner = f'{path}.{name}'
        yield from keys_of_classes(cls.Config(), f'{inner}.', inner)
    elif dataclasses.is_dataclass(value):
      yield from keys_of_classes(value, f'{path}.', part)
    else:
      yield Key(path, type(value).__name__, part)


class _Source:
  """A module's classes, values and imports, by name.

  Args:
    name: dotted.
  """

  def __init__(self, name: str):
    path = ROOT.joinpath(*name.split('.')[1:])
    path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
    self.classes: dict[str, ast.ClassDef] = {}
    self.values: dict[str, ast.expr] = {}
    self.origins: dict[str, tuple[str, str]] = {}
    for node in ast.parse(path.read_text(encoding='utf8')).body:
      if isinstance(node, ast.ClassDef):
        self.classes[node.name] = node
      elif isinstance(node, ast.AnnAssign) and node.value is not None:
        self.values[_name(node.target)] = node.value
      elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
          self.origins[alias.asname or alias.name] = node.module, alias.name


_source = functools.cache(_Source)


class _Class:
  """A class somewhere, by its module and its name there."""

  def __init__(self, module: str, name: str):
    while name not in (source := _source(module)).classes:
      module, name = source.origins[name]
    self.module, self.node = module, source.classes[name]

  @property
  def bases(self) -> list['_Class']:
    """Those that jaxrec has."""
    source = _source(self.module)
    names = [_name(base) for base in self.node.bases]
    return [
      _Class(self.module, name)
      for name in names
      if name in source.classes
      or source.origins.get(name, ('',))[0].startswith('jaxrec.')
    ]

  def fields(self) -> dict[str, tuple[str, str, ast.expr | None]]:
    """Of a dataclass: module, annotation and default, by name."""
    fields: dict[str, tuple[str, str, ast.expr | None]] = {}
    for base in self.bases:
      fields |= base.fields()
    for node in self.node.body:
      if isinstance(node, ast.AnnAssign) and not _is_of_class(node):
        kind = _name(node.annotation)
        fields[_name(node.target)] = self.module, kind, node.value
    return fields

  def config(self) -> '_Class':
    """Of a part: its `Config`."""
    for node in self.node.body:
      if isinstance(node, ast.AnnAssign) and _name(node.target) == 'Config':
        return _Class(self.module, _name(node.value))
    return self.bases[0].config()


def _keys(section: _Class, prefix: str, part: str) -> Iterator[Key]:
  for name, (module, kind, value) in section.fields().items():
    path = f'{prefix}{name}'
    if isinstance(value, ast.Call) and _name(value.func) in (ONE, SOME):
      yield from _parts(value, module, path, part)
    elif kind in PLAIN:
      yield Key(path, kind, part)
    else:
      yield from _keys(_Class(module, kind), f'{path}.', part)


def _parts(call: ast.Call, module: str, path: str, part: str) -> Iterator[Key]:
  """Keys of a place that parts are chosen for: one_of(HEADS, 'lstm')."""
  how, registry = _name(call.func), _name(call.args[0])
  default = tuple(ast.literal_eval(x) for x in call.args[1:])
  while registry not in (source := _source(module)).values:
    module, registry = source.origins[registry]
  entries = source.values[registry]
  assert isinstance(entries, ast.Dict)
  classes = {
    ast.literal_eval(key): _Class(module, _name(value))
    for key, value in zip(entries.keys, entries.values, strict=True)
    if key is not None
  }
  place = f'{path}.type' if how == ONE else path
  yield Key(place, how, part, tuple(classes), default)
  for name, cls in classes.items():
    if how == ONE:
      yield from _keys(cls.config(), f'{path}.', f'{place}={name}')
    else:
      yield from _keys(cls.config(), f'{path}.{name}.', f'{path}.{name}')


def _name(node: ast.AST | None) -> str:
  """'HeadConfig' of a name; of what is none, how it is written."""
  if isinstance(node, ast.Name):
    return node.id
  return '' if node is None else ast.unparse(node)


def _is_of_class(node: ast.AnnAssign) -> bool:
  return _name(node.annotation).startswith('ClassVar')
