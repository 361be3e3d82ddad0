"""Every command of README and docs can be typed: flags, keys, files."""

import dataclasses
import importlib
import pathlib
import shlex

import pytest

from jaxrec.cli import completion
from jaxrec.cli.command import SHARED, VERBS
from jaxrec.cli.compare import plan
from jaxrec.cli.flags import define, load_config, parse
from jaxrec.ensemble import MEMBERS
from jaxrec.errors import UserError
from jaxrec.models.heads import HEADS
from jaxrec.models.terms import TERMS
from jaxrec.training.objectives import OBJECTIVES
from jaxrec.training.settings import Config
from jaxrec.training.trackers import TRACKERS
from tests.docs import pages

READER_FILLS_IN = {
  '--config=...': '--config=configs/news.py',
  '--process_id=I': '--process_id=0',
  '--num_processes=N': '--num_processes=2',
}
# In sentences, of other programs.
OTHERS = {'dry-run', 'no-deps', 'mode', 'help', 'version'}
PRESETS = ('news', 'video:movielens')  # Of impressions, and of sequences.
each_page = pytest.mark.parametrize('page', pages.PAGES, ids=pages.name_of)


@pytest.fixture(autouse=True)
def recipes(recipe, monkeypatch):
  """The parts that docs/contributing.md adds are there."""
  monkeypatch.setitem(HEADS, 'blend', recipe('Blend').Blend)
  member = recipe('BoughtWith').BoughtWith
  monkeypatch.setitem(MEMBERS, 'bought_with', member)
  monkeypatch.setitem(TERMS, 'popular', recipe('Popular').Popular)
  monkeypatch.setitem(OBJECTIVES, 'squared', recipe('Squared').Squared)
  monkeypatch.setitem(TRACKERS, 'print', recipe('PrintTracker').PrintTracker)


def verb_flags(verb: str) -> list:
  """The flags of a verb; of those that share theirs, all of them."""
  names = SHARED if verb in SHARED else (verb,)
  verbs = [importlib.import_module(f'jaxrec.cli.{name}').VERB for name in names]
  return list({flag.name: flag for v in verbs for flag in v.flags}.values())


def server_parser():
  return importlib.import_module('jaxrec.cli.serve')._parser()


def check(words: list[str]) -> bool:
  """Whether a command is one of ours, whose arguments can be parsed.

  Raises:
    UserError: what the command would tell.
  """
  program = pathlib.PurePath(words[0]).name
  if program == 'jaxrec':
    check_verb(words[1], words[2:])
    return True
  if words[0].startswith('launch/') or words[0] == 'sbatch':
    script, *rest = [
      word
      for word in words
      if word != 'sbatch' and not word.startswith('--nodes')
    ]
    assert (pages.ROOT / script).is_file(), script
    check_verb('train', [word for word in rest if word.startswith('--')])
    return True
  if words[1:2] != ['-m']:
    return False
  module, given = words[2], words[3:]
  if module == 'jaxrec.main':
    modes = [w.partition('=')[2] for w in given if w.startswith('--mode=')]
    rest = [word for word in given if not word.startswith('--mode=')]
    check_verb(modes[0] if modes else 'train', rest)
  elif module in ('jaxrec.compare', 'jaxrec.serve'):
    check_verb(module.removeprefix('jaxrec.'), given)
  elif module.startswith('benchmarks.'):
    check_benchmark(module, given)
  return module.partition('.')[0] in ('jaxrec', 'benchmarks')


def check_verb(verb: str, given: list[str]) -> None:
  """Parses all there is; a command by its name alone has nothing to parse."""
  assert verb in VERBS
  is_whole = bool(given) and '...' not in given
  given = [READER_FILLS_IN.get(word, word) for word in given if word != '...']
  if verb == 'serve':
    server_parser().parse_args(given)
    return
  if verb == 'completion':
    assert given[0] in completion.SHELLS
    return
  values, config = define(verb_flags(verb))
  parse(values, ['jaxrec', *given], config)
  if is_whole and given != ['--help']:
    needed = set(importlib.import_module(f'jaxrec.cli.{verb}').VERB.needed)
    if verb in ('train', 'evaluate', 'export') and values.workdir:
      needed -= {'config'}  # It may be that of the workdir.
    for name in needed:
      assert values[name].value, f'{verb} {given}: --{name} is missing'
  if is_whole and verb == 'compare':
    plan(values.configs, values.seeds, values['set'].value, pathlib.Path('/x'))


def refused(words: list[str], preset: str) -> str | None:
  """What is said of changes to a preset; None: they are taken."""
  try:
    load_config([f'--config={preset}', *words])
  except UserError as e:
    return str(e)
  return None


def check_benchmark(module: str, given: list[str]) -> None:
  """That it is there and names the flags, or shares those of all."""
  path = pages.ROOT.joinpath(*module.split('.')).with_suffix('.py')
  shared = path.with_name('setup.py').read_text(encoding='utf8')
  text = path.read_text(encoding='utf8') + shared
  for word in given:
    flag = word.partition('=')[0]
    if flag.startswith('--'):
      by_field = module == 'benchmarks.plan'  # Of a dataclass's fields.
      assert f"'{flag}'" in text or by_field, f'{module} has no {flag}'


@each_page
def test_commands_can_be_typed(page, monkeypatch):
  monkeypatch.chdir(pages.ROOT)
  for words in pages.commands(page):
    check(words)


def test_the_pages_have_commands_of_every_kind(monkeypatch):
  monkeypatch.chdir(pages.ROOT)
  words = [w for page in pages.PAGES for w in pages.commands(page)]
  ours = [' '.join(w) for w in words if check(w)]
  for part in (
    *('jaxrec.main --config', '--mode=export', '--mode=recommend'),
    *('jaxrec.compare', 'jaxrec.serve', 'benchmarks.train', 'jaxrec train'),
    *('launch/slurm.sbatch', 'launch/tpu_vm.sh'),
  ):
    assert any(part in command for command in ours), part
  for wrong in (
    'python -m jaxrec.main --config=configs/news.py --config.head.typo=1',
    'python -m jaxrec.main --config=configs/news.py:nothing',
    'python -m jaxrec.main --config=configs/nothing.py',
    'python -m jaxrec.main --wrkdir=DIR',
    'jaxrec export --config=news --config.seed=none',
    'jaxrec compare --configs=news:demo --set=no.such.key=1 --workdir=x',
  ):
    with pytest.raises(UserError):
      check(wrong.split())


@each_page
def test_settings_in_sentences_exist(page, monkeypatch):
  """`--config.KEY=VALUE` without a command: on top of one of these configs."""
  monkeypatch.chdir(pages.ROOT)
  sections = {field.name for field in dataclasses.fields(Config)}
  for span in pages.spans(page):
    if span.startswith('--config.'):
      words = shlex.split(span)
      assert any(refused(words, preset) is None for preset in PRESETS), [
        refused(words, preset) for preset in PRESETS
      ]
      # Earlier names of keys are read as well, but not used in the docs.
      for word in words:
        key = word.partition('=')[0].removeprefix('--config.')
        assert key.partition('.')[0] in sections, word


@each_page
def test_flags_in_sentences_exist(page):
  verbs = [verb for verb in VERBS if verb not in ('serve', 'completion')]
  known = {f'--{flag.name}' for verb in verbs for flag in verb_flags(verb)}
  known |= {s for a in server_parser()._actions for s in a.option_strings}
  known |= {f'--{name}' for name in OTHERS}
  for span in pages.spans(page):
    for word in shlex.split(span) if span.startswith('--') else ():
      flag = word.partition('=')[0]
      assert flag in known or flag.startswith('--config.'), span
