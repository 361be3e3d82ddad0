"""The command of tomorrow: what a workdir says need not be said again."""

import json
import re

import pytest

from configs import ecommerce, news
from jaxrec.cli.flags import CONFIG, WORKDIR, define, load_config, parse
from jaxrec.errors import UserError
from jaxrec.training import identity
from jaxrec.training.settings import Config
from tests.cli.test_command import ROOT, error_of

CHANGED = (
  ('seed', 3),
  ('input.batch_size', 16),
  ('optimizer.schedule', 'constant'),
)


def configured(*changes, domain=news, variant=None) -> Config:
  config = domain.get_config(variant).to_dict()
  for key, value in (*CHANGED, *changes):
    *sections, name = key.split('.')
    place = config
    for section in sections:
      place = place[section]
    place[name] = value
  return Config.from_dict(config)


def read(workdir, *given, may_grow=False) -> Config:
  """The config that --workdir and flags on top make, without --config."""
  values, config = define([CONFIG, WORKDIR])
  argv = ['jaxrec', f'--workdir={workdir}', *given]
  parse(values, argv, config, may_grow=may_grow)
  return Config.from_dict(values.config)


@pytest.fixture
def workdir(tmp_path):
  """A workdir that a training was begun in."""
  directory = tmp_path / 'w'
  directory.mkdir()
  identity.claim(directory, configured(), {})
  return directory


def test_no_config_is_that_of_the_workdir(workdir):
  assert read(workdir) == configured()


def test_free_keys_may_be_others(workdir):
  changed = read(
    workdir,
    '--config.mesh.fsdp=2',
    '--config.evaluation.batch_size=8',
    '--config.data.cache_dir=/elsewhere',
    '--config.seed=3',  # As it was.
  )
  assert changed.mesh.fsdp == 2 and changed.data.cache_dir == '/elsewhere'
  assert changed.input.batch_size == 16


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    ('--config.seed=4', r'seed \(there 3, now 4\): leave that flag out, or'),
    ('--config.model.head.type=gru', r'head\.type \(there lstm, now gru\)'),
    ('--config.model.terms.appeal.learning_rate=2', 'terms.appeal.learning'),
    ('--config.training.num_steps=9', r'num_steps \(there 1500, now 9\)'),
    ('--config.training.num_steps=3000', r'num_steps \(there 1500, now 3000\)'),
    ('--config.lr=4', 'did you mean optimizer.learning_rate'),
  ],
)
def test_others_are_refused(workdir, given, message):
  with pytest.raises(UserError, match=message):
    read(workdir, given)


def test_a_training_that_goes_on_may_grow(workdir):
  longer = read(workdir, '--config.training.num_steps=3000', may_grow=True)
  assert longer.training.num_steps == 3000


def test_a_config_that_is_given_is_the_config(workdir):
  assert read(workdir, '--config=news:mind_small').data.name == 'mind_small'


def test_a_training_like_another_one(workdir):
  path = workdir / 'config.json'
  given = [f'--config={path}', '--config.training.num_steps=3000']
  config = Config.from_dict(load_config(given))
  assert config == configured(('training.num_steps', 3000))
  (workdir / 'other.json').write_text('{}')
  for name in ('other.json', 'none.json'):
    with pytest.raises(UserError, match=r'\.json'):
      load_config([f'--config={workdir / name}'])


@pytest.mark.parametrize('directory', ['', 'tables'])
def test_relative_names_are_those_of_then(tmp_path, monkeypatch, directory):
  tables = tmp_path / 'then' / directory
  tables.mkdir(parents=True)
  for name in ('log.csv', 'items.csv'):
    (tables / name).write_text('a\n')
  config = configured(
    ('data.dir', directory),
    ('data.interactions_file', 'log.csv'),
    ('data.items_file', 'items.csv'),
    domain=ecommerce,
    variant='interactions',
  )
  workdir = tmp_path / 'w'
  workdir.mkdir()
  monkeypatch.chdir(tmp_path / 'then')
  identity.claim(workdir, config, {})
  (tmp_path / 'now').mkdir()
  monkeypatch.chdir(tmp_path / 'now')
  assert read(workdir).data.dir == str(tables)
  # They were moved, and are named where they lie.
  given = ['--config.data.dir=/x', '--config.data.items_file=/i.csv']
  moved = read(workdir, *given)
  assert (moved.data.dir, moved.data.items_file) == ('/x', '/i.csv')
  identity.check(workdir, moved, {})


@pytest.mark.parametrize('verb', ['train', 'evaluate', 'export'])
def test_without_a_config_anywhere(verb, tmp_path, capsys):
  bundle = ['--bundle=b'] * (verb == 'export')
  line = error_of(capsys, verb, f'--workdir={tmp_path}', *bundle)
  assert ('--config is missing' in line) == (verb == 'train')
  assert ('train there first' in line) == (verb != 'train')


def test_a_workdir_is_near(workdir, tmp_path, capsys):
  wrong = tmp_path / 'ww'
  line = error_of(capsys, 'export', f'--workdir={wrong}', '--bundle=b')
  assert f'did you mean {workdir}?' in line


def test_a_bundle_is_no_workdir(workdir, capsys):
  (workdir / 'manifest.json').write_text('{}')
  (workdir / 'config.json').write_text('{"seed": 0}')
  line = error_of(capsys, 'evaluate', f'--workdir={workdir}')
  assert "but a bundle's" in line


@pytest.mark.parametrize('name', ['news', 'shop', 'unfinished'])
def test_a_workdir_of_an_earlier_version_says_what_its_command_said(
  name, monkeypatch
):
  monkeypatch.chdir(ROOT)
  kept = ROOT / 'tests' / 'compat' / 'v0_1_0'
  given = json.loads((kept / 'commands.json').read_text())[name]
  given = [re.sub(':interactions$', ':interactions_v0_1', x) for x in given]
  free = '--config.data.cache_dir=x'
  config = Config.from_dict(load_config([*given, free]))
  assert read(kept / f'{name}.workdir', free) == config
