"""Each benchmark as a command: its help, and what it says of mistakes."""

import pathlib
import re
import subprocess
import sys

import pytest

from benchmarks import (
  baselines,
  encoder,
  kills,
  plan,
  scale,
  setup,
  train,
)
from jaxrec.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = sorted(
  path.stem
  for path in (ROOT / 'benchmarks').glob('*.py')
  if "__name__ == '__main__'" in path.read_text(encoding='utf8')
)


def test_every_benchmark_is_known():
  """By a test that runs its main."""
  assert [
    *('baselines', 'catalog_loss', 'encoder', 'evaluate', 'kills', 'limits'),
    *('pipeline', 'plan', 'ranking', 'recommend', 'scale', 'serve', 'train'),
  ] == COMMANDS
  tests = pathlib.Path(__file__).parent.glob('test_*.py')
  tested = '\n'.join(path.read_text(encoding='utf8') for path in tests)
  for name in COMMANDS:
    assert re.search(rf'\b{name}\.main\b', tested), name


@pytest.mark.parametrize('name', COMMANDS)
def test_help_is_printed_at_once(name):
  """JAX, TensorFlow and torch take seconds to import."""
  heavy = '{"jax", "tensorflow", "torch"} & set(sys.modules)'
  program = (
    'import atexit, runpy, sys\n'
    f'atexit.register(lambda: print("imported:", {heavy} or "none"))\n'
    f'sys.argv = ["x", "--help"]\n'
    f'runpy.run_module("benchmarks.{name}", run_name="__main__")\n'
  )
  ended = subprocess.run(
    [sys.executable, '-c', program], cwd=ROOT, capture_output=True, text=True
  )
  assert ended.returncode == 0, ended.stderr
  assert ended.stdout.startswith('usage: ')
  assert ended.stdout.endswith('imported: none\n')


@pytest.mark.parametrize(
  ('module', 'flags', 'message'),
  [
    (baselines, ['--config=configs/new.py'], 'no such file'),
    (baselines, ['--config=configs/news.py:mund'], 'did you mean'),
    (encoder, ['--width=50'], 'no multiple of 12 heads'),
    (encoder, ['--rows=32,x'], '--rows=32,x: give positive numbers'),
    (encoder, ['--attention=xlb'], "--attention: 'xlb' is unknown: did you"),
    (kills, ['--workdir={tmp_path}'], 'is there already'),
    (kills, ['--workdir={tmp_path}/x', '--steps=3'], 'give at least 4'),
    (plan, ['--mesh', '8,1'], '--mesh 8,1: give data,fsdp,tensor'),
    (scale, ['--batch=33'], 'is no multiple of 32'),
    (train, ['--data=x', '--cases=al'], "--cases: 'al' is unknown: did you"),
  ],
)
def test_a_mistake_is_an_error_of_one_line(
  module, flags, message, tmp_path, capsys
):
  flags = [flag.format(tmp_path=tmp_path) for flag in flags]
  with pytest.raises(SystemExit) as ended:
    setup.run(lambda: module.main(flags))
  assert ended.value.code == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith('error: ') and message in line


def test_torch_is_measured_beside_a_cpu_alone(monkeypatch):
  parser = setup.parser('x')
  setup.add_against(parser)
  parse = lambda *flags: parser.parse_args(['--data=x', *flags])
  monkeypatch.setattr('jax.default_backend', lambda: 'gpu')
  setup.check_against(parse())
  monkeypatch.setattr(setup.importlib.util, 'find_spec', lambda name: name)
  with pytest.raises(UserError, match='JAX on gpu: set JAX_PLATFORMS=cpu'):
    setup.check_against(parse('--against=torch'))
  monkeypatch.setattr(setup.importlib.util, 'find_spec', lambda name: None)
  with pytest.raises(UserError, match='there is no torch'):
    setup.check_against(parse('--against=torch'))
