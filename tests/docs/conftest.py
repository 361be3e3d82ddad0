"""What the docs speak of, in small: a trained demo, and its bundle."""

import contextlib
import functools
import importlib
import pathlib
import sys
from typing import NamedTuple

import pytest
import tensorflow_datasets as tfds

import jaxrec
from jaxrec.cli.flags import load_config
from jaxrec.data.datasets import demo
from tests.conftest import on_one_device
from tests.docs import pages


class Demo(NamedTuple):
  """Where a demo that was trained lies, and its bundle."""

  workdir: pathlib.Path
  bundle: pathlib.Path


def unregistered():
  """Within, TFDS may see a builder of the same name again."""
  return tfds.core.registered.skip_registration()


@pytest.fixture
def recipe(tmp_path, monkeypatch):
  """name of a part -> the module of the one block that defines it, a file."""
  directory = tmp_path / 'parts'
  directory.mkdir()
  monkeypatch.syspath_prepend(directory)

  def make(name: str):
    page = pages.ROOT / 'docs' / 'contributing.md'
    marks = (f'class {name}(', f"TEXT_MODELS['{name}']")
    (text,) = (
      block.text
      for block in pages.blocks(page)
      if any(mark in block.text for mark in marks)
    )
    path = directory / f'recipe_{name.lower().replace("-", "_")}.py'
    path.write_text(f'"""{name}."""\n\n{text}', encoding='utf8')
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, path.stem, raising=False)
    with unregistered():
      return importlib.import_module(path.stem)

  return make


@contextlib.contextmanager
def few_users():
  """Demo worlds of few users, with all the items."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(demo, 'USERS', 200)
    patch.setattr(demo, 'the_world', functools.cache(demo.make_world))
    yield


@pytest.fixture(scope='session')
def small_demo(tmp_path_factory, tiny_bert) -> Demo:
  """The README's first command, with few users, two layers and few steps."""
  commands = pages.commands(pages.ROOT / 'README.md')
  arguments = next(
    found
    for words in commands
    if (found := pages.arguments(words, 'jaxrec.main'))
  )
  config = load_config([a for a in arguments if a.startswith('--config')])
  config.update_from_flattened_dict(
    {
      'input.batch_size': 16,
      'evaluation.batch_size': 64,
      'training.num_steps': 4,
      'training.eval_every': 2,
      'training.checkpoint_every': 2,
      'model.text.pretrained': str(tiny_bert),
      'model.text.row_tokens': 128,
      'model.head.width': 8,
      'evaluation.baselines': 'popularity,mean_of_history',
      'evaluation.num_bootstrap': 20,
      'data.cache_dir': str(tmp_path_factory.mktemp('cache')),
    }
  )
  workdir, bundle = (tmp_path_factory.mktemp(n) for n in ('demo', 'bundle'))
  with few_users(), on_one_device():
    jaxrec.train(config, workdir)
    jaxrec.export(config, workdir, bundle)
  return Demo(workdir, bundle)
