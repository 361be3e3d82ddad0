"""The console script `jaxrec`: its verbs, their help, and presets by name."""

import functools
import importlib
import pathlib
import tomllib

import pytest

import jaxrec
from jaxrec import presets
from jaxrec.cli import command
from jaxrec.cli.flags import load_config
from jaxrec.cli.main_keys import MAIN_KEYS
from jaxrec.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
OTHERS = ('serve', 'completion')  # Their flags are of another kind.
VERBS_OF_FLAGS = [verb for verb in command.VERBS if verb not in OTHERS]


def error_of(capsys, *argv, entry=command.run) -> str:
  """The line that a command ends with, and 2."""
  with pytest.raises(SystemExit) as stopped:
    entry(list(argv))
  assert stopped.value.code == 2
  printed = capsys.readouterr()
  (line,) = printed.err.splitlines()
  assert line.startswith('jaxrec: error: ') and not printed.out
  return line


def test_the_script_is_installed_by_the_package():
  metadata = tomllib.loads((ROOT / 'pyproject.toml').read_text())
  assert metadata['project']['scripts'] == {'jaxrec': 'jaxrec.cli.command:run'}


def test_help_lists_every_verb_with_a_line(capsys):
  command.run(['--help'])
  lines = capsys.readouterr().out.splitlines()
  for verb, summary in command.VERBS.items():
    assert [line for line in lines if line.split() == [verb, *summary.split()]]
  assert max(map(len, lines)) <= 80
  with pytest.raises(SystemExit, match='2'):
    command.run([])
  assert capsys.readouterr().err.splitlines() == lines


def test_every_verb_is_a_file():
  files = {path.stem for path in (ROOT / 'jaxrec' / 'cli').glob('*.py')}
  assert set(command.VERBS) <= files


@pytest.mark.parametrize('verb', VERBS_OF_FLAGS)
def test_a_verb_tells_its_own_flags(verb, capsys):
  command.run([verb, '--help'])
  text = capsys.readouterr().out
  module = command._module(verb)
  lines = text.splitlines()
  end = next((i for i, line in enumerate(lines) if line[:4] == 'keys'), None)
  listed = [line for line in lines[:end] if line[2:4] == '--']
  flags = [line.split('=')[0].strip() for line in listed]
  own = {flag.name: flag for flag in module.VERB.flags}
  assert {f.removeprefix('--').removeprefix('[no]') for f in flags} == {
    *own,
    *(['config.KEY'] if 'config' in own else []),
  }
  assert set(module.VERB.needed) <= set(own)
  assert all(own[name].hint for name in module.VERB.needed)
  assert max(map(len, lines)) <= 80
  assert ('\n  news ' in text) == ('config' in own)


def test_the_main_keys_are_keys(capsys):
  preset = 'ecommerce:interactions'
  config = presets.get_config(preset)
  assert len(MAIN_KEYS) >= 12
  for key, value, _ in MAIN_KEYS:
    functools.reduce(getattr, key.split('.'), config)
    if value.islower() or value[0].isdigit():
      load_config(
        ['--config=ecommerce:interactions', f'--config.{key}={value}']
      )
  command.run(['train', '--help'])
  help_text = capsys.readouterr().out
  assert all(f'--config.{key}=' in help_text for key, _, _ in MAIN_KEYS)


@pytest.mark.parametrize(
  'argv',
  [
    ['--version'],
    ['version'],
    ['-V'],
    ['train', '--version'],
    ['serve', '--version'],
    ['export', '--workdir=w', '-V'],
  ],
  ids=' '.join,
)
def test_version(argv, capsys):
  command.run(argv)
  assert capsys.readouterr().out == f'jaxrec {jaxrec.__version__}\n'


def test_version_of_main(capsys):
  command.run_mode(['--config=news', '--version'])
  assert capsys.readouterr().out == f'jaxrec {jaxrec.__version__}\n'


@pytest.mark.parametrize(
  'argv',
  [['help'], ['-h'], ['help', 'export'], ['--config=news', '--help']],
  ids=' '.join,
)
def test_help_in_other_words(argv, capsys):
  command.run(argv)
  assert capsys.readouterr().out.startswith('usage: jaxrec ')


def test_what_is_not_installed_is_one_line(capsys, monkeypatch):
  missing = ModuleNotFoundError("No module named 'absl'", name='absl')
  monkeypatch.setattr(
    importlib, 'import_module', lambda _: (_ for _ in ()).throw(missing)
  )
  line = error_of(capsys, 'train', '--config=news')
  assert 'not installed: absl: pip install' in line


def test_mistakes(capsys, tmp_path):
  workdir = f'--workdir={tmp_path / "w"}'
  assert "did you mean 'train'?" in error_of(capsys, 'trian', workdir)
  assert 'give a verb first' in error_of(capsys, '--config=news', workdir)
  line = error_of(capsys, 'train', '--confg=news', workdir)
  assert line.endswith('unknown flag --confg: did you mean --config?')
  # As a mode it takes what other verbs need; as a verb only what is its own.
  line = error_of(capsys, 'train', '--config=news', workdir, '--bundle=b')
  assert 'unknown flag --bundle' in line
  line = error_of(capsys, '--config=news', '--bundle=b', entry=command.run_mode)
  assert '--workdir is missing' in line
  line = error_of(capsys, '--mode=sevre', entry=command.run_mode)
  assert "did you mean 'serve'" in line
  assert not (tmp_path / 'w').exists()


def test_the_last_mode_counts():
  assert command._mode(['--a', '--mode=b', '--mode', 'c', '-d']) == (
    'c',
    ['--a', '-d'],
  )
  assert command._mode(['--config=news']) == ('train', ['--config=news'])


def test_help_of_main(capsys):
  command.run_mode(['--mode=train', '--help'])
  text = capsys.readouterr().out
  assert 'python -m jaxrec.main' in text and command.overview() in text
  assert 'usage: jaxrec train' in text


@pytest.mark.parametrize('name', presets.files())
def test_a_preset_is_the_config_file_of_that_name(name, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  for variant in presets.variants(name):
    preset = f'{name}:{variant}'
    given = [f'--config={preset}', '--config.seed=3']
    config = load_config(given)
    path = ROOT / 'configs' / f'{name}.py'
    assert config == load_config([f'--config={path}:{variant}', given[1]])
    assert config.seed == 3
    config = presets.get_config(preset)
    assert config.is_locked and config == load_config([given[0]])
  assert presets.get_config(name) == presets.get_config(f'{name}:demo')


def test_flagfiles_are_read(tmp_path):
  (tmp_path / 'flags').write_text('--config=news:mind_small\n--config.seed=7\n')
  config = load_config([f'--flagfile={tmp_path / "flags"}'])
  assert (config.data.name, config.seed) == ('mind_small', 7)


@pytest.mark.parametrize(
  ('preset', 'message'),
  [
    ('newz', "did you mean 'news'"),
    ('common', 'choices: ecommerce, music, news, video'),
    ('news:mind_smal', "did you mean 'mind_small'"),
  ],
)
def test_unknown_presets_are_answered_by_the_near_ones(preset, message):
  with pytest.raises(UserError, match=message):
    presets.get_config(preset)
  with pytest.raises(UserError):
    load_config([f'--config={preset}'])
