"""Several datasets and seeds by one command."""

import json
import os
import pathlib
import stat
import subprocess
import sys

import pytest

from configs import news
from jaxrec import workdirs
from jaxrec.cli.compare import plan
from jaxrec.commands import compare, runs
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.parallel.processes import Stopped
from jaxrec.training import identity
from tests.cli.test_main import environment
from tests.report.test_comparison import one_seed

ROOT = pathlib.Path(__file__).parents[2]
NEWS, VIDEO = (str(ROOT / 'configs' / f'{x}.py') for x in ('news', 'video'))


def changes(config, plain) -> list[str]:
  """--set's that make `plain` the tiny config."""

  def flat(tree, prefix=''):
    for key, value in tree.items():
      if isinstance(value, dict):
        yield from flat(value, f'{prefix}{key}.')
      else:
        yield f'{prefix}{key}', value

  tiny, plain = (dict(flat(c.to_dict())) for c in (config, plain))
  return [f'{k}={v}' for k, v in tiny.items() if v != plain[k]]


@pytest.fixture
def in_process(monkeypatch, one_device):
  """Trains here, on one device: a process's start takes longer than that."""
  from jaxrec.commands import train

  def run_here(run):
    train.train_and_evaluate(run.config, run.workdir)

  return replaced(monkeypatch, run_here)


@pytest.fixture
def pretended(monkeypatch):
  """Trains nothing, and leaves what a training leaves."""

  def leave(run):
    if not pathlib.Path(run.config.data.dir or '.').exists():
      raise UserError(f'data.dir={run.config.data.dir}: there is none')
    left = one_seed(0.6, 0.5, 0.1, 0.002)
    left['train'] = {'steps': run.config.training.num_steps}
    identity.check(run.workdir, run.config, left['fingerprints'])
    identity.claim(run.workdir, run.config, left['fingerprints'])
    workdirs.write_json(run.workdir / 'results.json', left)

  return replaced(monkeypatch, leave)


def replaced(monkeypatch, train) -> list:
  """Puts `train` in place of a process; what it is called with."""
  trained = []

  def run_here(run):
    trained.append((run.name, run.seed))
    try:
      train(run)
    except UserError as e:
      return str(e)

  monkeypatch.setattr(runs, 'train', run_here)
  return trained


def check_that_failures_stop_no_other(directory, good, trained):
  """And are tried again, and what is finished is only read.

  Returns:
    --configs, and what compare.json holds.
  """
  copy = directory / 'papers.py'  # The same by another name compiles nothing.
  copy.write_text(pathlib.Path(NEWS).read_text())
  given = [f'{copy}:mind_small', f'{NEWS}:mind_small']
  bad = [*good, f'papers:data.dir={directory / "nowhere"}']
  go = lambda sets: compare.compare(
    plan(given, ['0'], sets, directory), directory, Display(quiet=True)
  )
  table = go(bad)
  assert trained == [('papers-mind_small', 0), ('news-mind_small', 0)]
  assert json.loads((directory / 'compare.json').read_text()) == table
  datasets = table['datasets']
  assert datasets['news-mind_small']['missing'] == {}
  missing = datasets['papers-mind_small']['missing']
  assert set(missing) == {'0'} and 'nowhere' in missing['0']
  assert 'methods' not in datasets['papers-mind_small']
  assert 'seed 0 failed: ' in (directory / 'compare.md').read_text()

  trained.clear()
  table = go(good)
  assert trained == [('papers-mind_small', 0)]
  papers = table['datasets']['papers-mind_small']
  assert papers['missing'] == {} and papers['metric'] == 'auc'
  kept = directory / 'papers-mind_small' / 'seed0' / 'results.json'
  left = json.loads(kept.read_text())
  best = papers['best_baseline']
  assert (
    papers['methods'][best]['auc']['mean'] == left['baselines'][best]['auc']
  )
  trained.clear()
  assert go(good) == table and not trained
  with pytest.raises(UserError, match=r'input\.batch_size \(there 8, now 16\)'):
    go([*good, 'input.batch_size=16'])
  return given, table


def test_a_failure_stops_no_other_and_is_tried_again(
  tmp_path, pretended, capsys
):
  _, table = check_that_failures_stop_no_other(
    tmp_path, ['input.batch_size=8'], pretended
  )
  compare.show(table, tmp_path, Display())
  shown = capsys.readouterr().out
  assert 'item_knn' in shown and 'papers-mind_small' in shown


@pytest.mark.slow
def test_trainings_are_compared(tiny_config, tmp_path, in_process):
  good = changes(tiny_config(), news.get_config('mind_small'))
  given, table = check_that_failures_stop_no_other(tmp_path, good, in_process)
  assert table['datasets']['papers-mind_small']['best_baseline'] == 'popularity'
  # And the command itself, in a process, finds the very same.
  done = command(
    f'--configs={",".join(given)}',
    f'--workdir={tmp_path}',
    *(f'--set={change}' for change in good),
  )
  assert done.returncode == 0, done.stderr
  assert '2 runs, 2 of them finished' in done.stdout
  assert 'popularity' in done.stdout
  assert json.loads((tmp_path / 'compare.json').read_text()) == table


def test_only_a_training_that_came_to_its_end_is_finished(tmp_path):
  (run,) = plan([f'{NEWS}:demo'], ['0'], [], tmp_path)
  assert runs.finished(run) is None and not run.workdir.exists()
  run.workdir.mkdir(parents=True)
  identity.claim(run.workdir, run.config, {'data': 'd'})
  assert runs.finished(run) is None
  for train, done in (
    ({}, False),
    ({'steps': 10}, False),
    ({'steps': 1500}, 1),
  ):
    # The first is what --mode=evaluate leaves of one that is under way.
    (run.workdir / 'results.json').write_text(json.dumps({'train': train}))
    assert bool(runs.finished(run)) == bool(done)


def test_what_was_started_is_told_from_what_was_not(tmp_path):
  planned = plan([f'{NEWS}:demo'], ['0', '1'], [], tmp_path)
  planned[1].workdir.mkdir(parents=True)
  (planned[1].workdir / 'config.json').write_text('{}')
  done = dict.fromkeys(run.workdir for run in planned)
  table = compare.tell(planned, done, {}, tmp_path)
  missing = table['datasets']['news-demo']['missing']
  assert missing == {'0': 'has not run yet', '1': 'started, not finished'}
  text = (tmp_path / 'compare.md').read_text()
  assert 'seed 1 started, not finished' in text


@pytest.mark.parametrize(
  ('script', 'error'),
  [
    ('exit 0', None),
    ('echo warned >&2; echo "jaxrec: error: no data" >&2; exit 2', 'no data'),
    (
      'printf "ValueError: \\033[1mbad\\n\\n" >&2; exit 1',
      'ValueError:  [1mbad',
    ),
    ('exit 3', 'ended with exit code 3'),
    ('kill -9 $$', 'ended by SIGKILL'),
  ],
  ids=str,
)
def test_what_a_run_failed_with(script, error, tmp_path, monkeypatch, capsys):
  stand_in(script, tmp_path, monkeypatch)
  (run,) = plan([f'{NEWS}:demo'], ['4'], ['input.batch_size=8'], tmp_path / 'w')
  assert runs.train(run) == error
  assert (tmp_path / 'arguments').read_text().split() == [
    '-m',
    'jaxrec.main',
    f'--config={NEWS}:demo',
    '--config.input.batch_size=8',
    '--config.seed=4',
    f'--workdir={run.workdir}',
  ]
  assert ('warned' in capsys.readouterr().err) == ('warned' in script)


def test_sigterm_goes_to_the_run_and_ends_the_comparison(tmp_path, monkeypatch):
  script = (
    'trap "echo saved >&2; exit 0" TERM; kill -TERM $PPID; i=0\n'
    'while [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done; exit 9'
  )
  stand_in(script, tmp_path, monkeypatch)
  planned = plan([f'{NEWS}:demo'], ['0', '1'], [], tmp_path / 'w')
  with pytest.raises(Stopped):
    compare.compare(planned, tmp_path / 'w', Display(quiet=True))
  table = json.loads((tmp_path / 'w' / 'compare.json').read_text())
  missing = table['datasets']['news-demo']['missing']
  assert missing == dict.fromkeys('01', 'has not run yet')


def stand_in(script, directory, monkeypatch):
  """A program in place of Python's that writes down what it is given."""
  path = directory / 'python'
  path.write_text(f'#!/bin/sh\necho "$@" >{directory}/arguments\n{script}\n')
  path.chmod(path.stat().st_mode | stat.S_IXUSR)
  monkeypatch.setattr(sys, 'executable', str(path))


def command(*args):
  return subprocess.run(
    [sys.executable, '-m', 'jaxrec.compare', *args],
    cwd=ROOT,
    env=environment() | {'PYTHONPATH': os.fspath(ROOT)},
    capture_output=True,
    text=True,
    timeout=200,
  )
