"""The public functions: what they hand on, and what they set up before."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest

import jaxrec
from jaxrec import presets
from jaxrec.commands import evaluate, export, recommend, setup, train

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def calls(monkeypatch):
  """What the commands were called with, in place of their work."""
  calls = []

  def replace(module, name):
    monkeypatch.setattr(
      module, name, lambda *args, **options: calls.append((name, args, options))
    )

  replace(setup, 'set_up')
  replace(train, 'train_and_evaluate')
  replace(evaluate, 'evaluate_workdir')
  replace(export, 'export_workdir')
  replace(recommend, 'recommend_file')
  return calls


def test_a_process_is_set_up_before_the_work(calls, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  config = presets.get_config('news')
  jaxrec.train(config, 'run')
  jaxrec.evaluate(config, pathlib.Path('run'), 'validation')
  jaxrec.export(config, 'run', '~/bundle')
  workdir, bundle = tmp_path / 'run', pathlib.Path.home() / 'bundle'
  set_up = ('set_up', (config,), {})
  assert calls == [
    set_up,
    ('train_and_evaluate', (config, workdir), {'verbose': False}),
    set_up,
    ('evaluate_workdir', (config, workdir, 'validation'), {}),
    set_up,
    ('export_workdir', (config, workdir, bundle), {}),
  ]


def test_files_are_recommended_to_by_what_a_bundle_needs(calls, tmp_path):
  jaxrec.recommend_file(
    tmp_path, tmp_path / 'u.jsonl', tmp_path / 'o.jsonl', k=3, threshold='auto'
  )
  ((name, args, options),) = calls
  assert name == 'recommend_file'
  assert args == (tmp_path, tmp_path / 'u.jsonl', tmp_path / 'o.jsonl')
  assert options == {'k': 3, 'say': print, 'threshold': 'auto'}


def test_set_up_leaves_accelerators_to_jax_and_keeps_programs(tmp_path):
  import tensorflow as tf

  config = presets.get_config('news')
  config.data.cache_dir = str(tmp_path)
  before = jax.config.jax_compilation_cache_dir
  setup.set_up(config)
  assert jax.config.jax_compilation_cache_dir == before  # Was told otherwise.
  assert not tf.config.get_visible_devices('GPU')
  names = (
    'jax_compilation_cache_dir',
    'jax_persistent_cache_min_compile_time_secs',
    'jax_persistent_cache_min_entry_size_bytes',
  )
  values = {name: getattr(jax.config, name) for name in names}
  try:
    jax.config.update('jax_compilation_cache_dir', None)
    setup.set_up(config)
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / 'compiled')
  finally:
    for name, value in values.items():
      jax.config.update(name, value)


def test_importing_the_package_imports_nothing_heavy():
  code = (
    'import sys, jaxrec; '
    "print({'jax', 'numpy', 'tensorflow', 'absl', 'ml_collections'} "
    '& set(sys.modules))'
  )
  done = subprocess.run(
    [sys.executable, '-c', code],
    cwd=ROOT,
    env=os.environ,
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout.strip() == 'set()'


def test_the_public_names_are_there():
  assert set(jaxrec.__all__) <= set(dir(jaxrec))
  for name in jaxrec.__all__:
    assert getattr(jaxrec, name) is not None
  with pytest.raises(AttributeError, match='configs'):
    _ = jaxrec.configs
  assert (ROOT / 'jaxrec' / 'py.typed').is_file()
