"""Imports go down only; heavy things stay where they belong."""

import ast
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# From the top; a module imports from its own layer or below.
LAYERS = (
  ('main', 'compare', 'serve'),
  ('train', 'evaluate', 'export', 'recommend'),
  ('experiment', 'runs'),
  ('command_line',),
  ('config_checks', 'text_encoder'),
  ('start', 'prepare'),
  ('results', 'scores', 'report', 'encode'),
  ('evaluation',),
  ('baselines',),
  ('bundle',),
  ('steps', 'checkpoints', 'data', 'display', 'pace', 'flops', 'ranking'),
  ('train_state', 'sharding', 'optim', 'losses', 'metrics', 'models'),
  ('distributed', 'early', 'types', 'errors', 'files'),
)
ONLY = {  # Who may import it.
  'tensorflow': {'data', 'main'},  # main hides the accelerators from it.
  'tensorflow_datasets': {'data'},
  'ml_collections': {'main', 'runs'},
  # main and compare read flags; runs makes its own, as main would.
  'absl': {'main', 'compare', 'runs', 'command_line'},
  'optax': {'optim', 'steps', 'losses', 'train_state'},
  'orbax': {'checkpoints'},
  'huggingface_hub': {'models'},
  'safetensors': {'models', 'bundle', 'export'},
  'tokenizers': {'data', 'bundle'},
  'rich': {'display'},
  'clu': {'train'},
  'plotly': {'report'},
  'jinja2': {'report'},
  'scipy': {'baselines', 'evaluation'},
  'pyarrow': {'evaluation', 'data', 'recommend'},
  'openpyxl': {'data'},
  'fastapi': {'serve'},
  'starlette': {'serve'},
  'pydantic': {'serve'},
  'uvicorn': {'serve'},
  'prometheus_client': {'serve'},
}
MODULES = sorted((ROOT / 'jaxrec').rglob('*.py'))


def imports(path: pathlib.Path) -> set[str]:
  """Dotted names of all that a file imports, at the top or within."""
  found = set()
  for node in ast.walk(ast.parse(path.read_text(encoding='utf8'))):
    if isinstance(node, ast.Import):
      found |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      found |= {f'{node.module}.{alias.name}' for alias in node.names}
  return found


def part(name: str) -> str:
  """'jaxrec.data.datasets.mind' -> 'data'."""
  return name.split('.')[1]


def layer(name: str) -> int:
  return next(i for i, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize('path', MODULES, ids=lambda p: p.stem)
def test_imports_go_down_only(path):
  dotted = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
  if dotted == 'jaxrec.__init__':
    assert imports(path) == {'jaxrec.inference.load.load'}  # In a function.
    return
  mine = part(dotted)
  for name in imports(path):
    top = name.split('.')[0]
    if top == 'jaxrec' and name not in ('jaxrec', 'jaxrec.__version__'):
      assert layer(part(name)) >= layer(mine), f'{dotted} imports {name}'
    assert mine in ONLY.get(top, {mine}), f'{dotted} imports {name}'


def test_a_bundle_needs_four_packages_alone():
  """Of the modules that `jaxrec.load` imports, by whatever way."""
  allowed = {'numpy', 'jax', 'tokenizers', 'safetensors'}
  # Within functions, of paths that a bundle does not take.
  late = {
    'jaxrec.models.text.weights': {'ml_dtypes'},
  }
  found, left = set(), ['jaxrec.inference.load']
  while left:
    dotted = left.pop()
    if dotted in found:
      continue
    found.add(dotted)
    path = ROOT.joinpath(*dotted.split('.'))
    path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
    for name in imports(path):
      top = name.split('.')[0]
      if top == 'jaxrec':
        inner = name.rpartition('.')[0]
        is_module = ROOT.joinpath(*name.split('.')).with_suffix('.py').is_file()
        left.append(name if is_module else inner)
      elif top not in sys.stdlib_module_names | late.get(dotted, set()):
        assert top in allowed, f'{dotted} imports {name}'
  assert (
    'jaxrec.retrieval.sharded_index' in found
    and 'jaxrec.inference.model' in found
  )


def test_every_module_has_a_layer():
  parts = {path.relative_to(ROOT / 'jaxrec').parts[0] for path in MODULES}
  known = {name for names in LAYERS for name in names} | {'__init__'}
  assert {p.removesuffix('.py') for p in parts} == known


@pytest.mark.parametrize(
  'path', sorted((ROOT / 'configs').glob('*.py')), ids=lambda p: p.stem
)
def test_configs_import_only_ml_collections(path):
  allowed = {'ml_collections', 'configs', 'difflib'}
  assert {name.split('.')[0] for name in imports(path)} <= allowed


def test_only_commands_read_the_flags_of_the_process():
  """runs.py parses arguments of its own, in a FlagValues of its own."""
  for path in MODULES:
    names = {
      node.attr
      for node in ast.walk(ast.parse(path.read_text(encoding='utf8')))
      if isinstance(node, ast.Attribute)
    }
    reads = 'FLAGS' in names or {n for n in names if n.startswith('DEFINE_')}
    if path.stem == 'runs':
      assert 'FLAGS' not in names and 'FlagValues' in names
    else:
      assert bool(reads) == (path.stem in ('main', 'compare')), path
