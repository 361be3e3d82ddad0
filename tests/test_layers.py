"""Rooms import downwards only; heavy things stay where they belong."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# From the top; a room imports from rooms further down, and from itself.
LAYERS = (
  ('main', 'compare', '__main__'),
  ('cli',),
  ('commands', 'presets', 'serve'),
  ('training',),
  ('encoding', 'starts', 'report', 'evaluation', 'inference'),
  ('ensemble',),
  ('baselines', 'retrieval', 'workdirs', 'bundle'),
  ('data', 'console', 'models'),
  ('parallel', 'preflight', 'config'),
  ('batch', 'files'),
  ('errors',),
)
# What must hold whatever the layers are, and why.
NEVER = {
  'models': {'data', 'config', 'training'},  # A model is asked, it asks nobody.
  'data': {'models', 'training', 'evaluation'},
  'evaluation': {'training'},  # It judges any scorer alike.
  'inference': {'training', 'evaluation', 'baselines'},
  'serve': {'training', 'commands'},
  'config': {'data', 'models', 'training', 'evaluation'},
}
ONLY = {  # Who may import it.
  'tensorflow': {
    'data',
    'commands',
  },  # commands hides the accelerators from it.
  'tensorflow_datasets': {'data'},
  'ml_collections': {'cli', 'presets', 'commands', '__init__'},
  'absl': {'cli'},
  'optax': {'training'},
  'orbax': {'training'},
  'huggingface_hub': {'models'},
  'safetensors': {'models', 'bundle', 'inference', 'commands'},
  'tokenizers': {'data', 'inference'},
  'rich': {'console'},
  'clu': {'training', 'commands'},
  'plotly': {'report'},
  'jinja2': {'report'},
  'scipy': {'baselines', 'ensemble', 'evaluation', 'retrieval', 'starts'},
  'pyarrow': {'evaluation', 'data', 'commands', 'inference'},
  'openpyxl': {'data'},
  'fastapi': {'serve'},
  'starlette': {'serve'},
  'pydantic': {'serve'},
  'uvicorn': {'serve', 'cli'},
  'prometheus_client': {'serve'},
}
MODULES = sorted((ROOT / 'jaxrec').rglob('*.py'))
dotted = lambda path: '.'.join(path.relative_to(ROOT).with_suffix('').parts)


def imports(path: pathlib.Path) -> set[str]:
  """Dotted names of all that a file imports, at the top or within."""
  names = set()
  for node in ast.walk(ast.parse(path.read_text(encoding='utf8'))):
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      names |= {f'{node.module}.{alias.name}' for alias in node.names}
  return names


def room(name: str) -> str:
  """'jaxrec.data.datasets.mind' -> 'data'."""
  return name.split('.')[1]


def rooms_imported(path: pathlib.Path) -> set[str]:
  return {
    room(name)
    for name in imports(path)
    if name.startswith('jaxrec.') and name != 'jaxrec.__version__'
  }


def layer(name: str) -> int:
  return next(i for i, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize('path', MODULES, ids=dotted)
def test_imports_go_down_only(path):
  here = room(dotted(path))
  if here == '__init__':
    return  # It imports within functions, whatever is asked for.
  for other in rooms_imported(path) - {here}:
    if dotted(path) == 'jaxrec.serve.__main__':
      assert other == 'cli'  # python -m jaxrec.serve.
      continue
    assert layer(other) > layer(here), f'{dotted(path)} imports {other}'
    assert other not in NEVER.get(here, ()), f'{dotted(path)} imports {other}'
  for name in imports(path):
    top = name.split('.')[0]
    allowed = ONLY.get(top, {here})
    assert here in allowed, f'{dotted(path)} imports {name}'


def reached(start: str) -> dict[str, set[str]]:
  """Modules that `start` imports, by whatever way, and what else each does."""
  found, left = {}, [start]
  while left:
    module = left.pop()
    if module in found:
      continue
    path = ROOT.joinpath(*module.split('.'))
    path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
    found[module] = set()
    for name in imports(path):
      top = name.split('.')[0]
      if top == 'jaxrec':
        outer = name.rpartition('.')[0]
        inner = ROOT.joinpath(*name.split('.'))
        is_module = inner.with_suffix('.py').is_file() or inner.is_dir()
        left.append(name if is_module else outer)
      elif top not in sys.stdlib_module_names:
        found[module].add(top)
  return found


def test_a_bundle_needs_four_packages_alone():
  """Of the modules that `jaxrec.load` imports, by whatever way."""
  # SciPy is one that JAX cannot be installed without.
  allowed = {'numpy', 'jax', 'scipy', 'tokenizers', 'safetensors'}
  # Within functions, of paths that a bundle does not take.
  late = {'jaxrec.models.text.weights': {'ml_dtypes'}}
  modules = reached('jaxrec.inference.load')
  for module, packages in modules.items():
    assert packages <= allowed | late.get(module, set()), module
  assert 'jaxrec.retrieval.top_k' in modules
  assert 'jaxrec.inference.model' in modules


def test_a_config_is_read_without_what_trains():
  """A mistake in it is told before TensorFlow is there, which takes seconds."""
  code = 'import sys, jaxrec.cli.config_flag; print(*sys.modules)'
  loaded = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT
  ).stdout.split()
  assert 'jaxrec.training.settings' in loaded
  assert not {'tensorflow', 'clu', 'orbax', 'plotly'} & set(loaded)


def test_names_are_looked_at_before_jax_is_there():
  """A typo is told in a fraction of a second."""
  code = (
    'import sys\n'
    'from jaxrec.cli import command\n'
    'try:\n'
    "  command.run(['train', '--config=news', '--config.lr=1', '--wrkdir=w'])\n"
    'except SystemExit:\n'
    '  print(*sys.modules)'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT
  )
  lines = done.stderr.splitlines()
  assert len(lines) == 2 and 'optimizer.learning_rate' in done.stderr
  assert 'jaxrec.cli.mistakes' in done.stdout.split()
  slow = {'jax', 'numpy', 'flax', 'tensorflow', 'orbax', 'pyarrow', 'scipy'}
  assert not slow & set(done.stdout.split())


def test_every_room_has_a_layer():
  rooms = {path.relative_to(ROOT / 'jaxrec').parts[0] for path in MODULES}
  known = {name for names in LAYERS for name in names} | {'__init__'}
  assert {name.removesuffix('.py') for name in rooms} == known


def test_the_root_is_small():
  assert len(list((ROOT / 'jaxrec').glob('*.py'))) <= 11


@pytest.mark.parametrize(
  'path', sorted((ROOT / 'configs').glob('*.py')), ids=lambda p: p.stem
)
def test_configs_are_presets(path):
  assert rooms_imported(path) <= {'presets'}


def test_only_commands_read_flags():
  for path in MODULES:
    names = {
      node.attr
      for node in ast.walk(ast.parse(path.read_text(encoding='utf8')))
      if isinstance(node, ast.Attribute)
    }
    reads = 'FLAGS' in names or {n for n in names if n.startswith('DEFINE_')}
    assert not reads or room(dotted(path)) == 'cli', path


@pytest.mark.parametrize(
  ('registry', 'place'),
  [
    ('jaxrec.models.terms:TERMS', 'jaxrec.models.terms'),
    ('jaxrec.models.heads:HEADS', 'jaxrec.models.heads'),
    ('jaxrec.ensemble:MEMBERS', 'jaxrec.ensemble'),
    ('jaxrec.training.objectives:OBJECTIVES', 'jaxrec.training.objectives'),
  ],
)
def test_a_part_is_a_file_with_its_config_and_its_test(registry, place):
  module, _, name = registry.partition(':')
  parts = getattr(importlib.import_module(module), name)
  files = [part.__module__ for part in parts.values()]
  assert len(set(files)) == len(files)
  for part, file in zip(parts.values(), files, strict=True):
    assert file.startswith(f'{place}.')
    docs = ''.join(cls.__doc__ or '' for cls in part.Config.__mro__)
    assert 'Attributes:' in docs, file
