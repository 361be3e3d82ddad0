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
from jaxrec.cli import compare
from jaxrec.commands import runs
from jaxrec.console import Display
from jaxrec.errors import UserError
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
    left['train'] = {'steps': run.config.num_train_steps}
    workdirs.check_workdir(run.workdir, run.config, left['fingerprints'])
    workdirs.claim_workdir(run.workdir, run.config, left['fingerprints'])
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
    runs.plan(given, ['0'], sets, directory), directory, Display(quiet=True)
  )
  told = go(bad)
  assert trained == [('papers-mind_small', 0), ('news-mind_small', 0)]
  assert json.loads((directory / 'compare.json').read_text()) == told
  found = told['datasets']
  assert found['news-mind_small']['missing'] == {}
  missing = found['papers-mind_small']['missing']
  assert set(missing) == {'0'} and 'nowhere' in missing['0']
  assert 'methods' not in found['papers-mind_small']
  assert 'seed 0 failed: ' in (directory / 'compare.md').read_text()

  trained.clear()
  told = go(good)
  assert trained == [('papers-mind_small', 0)]
  papers = told['datasets']['papers-mind_small']
  assert papers['missing'] == {} and papers['metric'] == 'auc'
  kept = directory / 'papers-mind_small' / 'seed0' / 'results.json'
  left = json.loads(kept.read_text())
  best = papers['best_baseline']
  assert (
    papers['methods'][best]['auc']['mean'] == left['baselines'][best]['auc']
  )
  trained.clear()
  assert go(good) == told and not trained
  with pytest.raises(UserError, match=r'batch_size \(there 8, now 16\)'):
    go([*good, 'batch_size=16'])
  return given, told


def test_a_failure_stops_no_other_and_is_tried_again(
  tmp_path, pretended, capsys
):
  _, told = check_that_failures_stop_no_other(
    tmp_path, ['batch_size=8'], pretended
  )
  compare._show(told, tmp_path, Display())
  shown = capsys.readouterr().out
  assert 'item_knn' in shown and 'papers-mind_small' in shown


@pytest.mark.slow
def test_trainings_are_compared(tiny_config, tmp_path, in_process):
  good = changes(tiny_config(), news.get_config('mind_small'))
  given, told = check_that_failures_stop_no_other(tmp_path, good, in_process)
  assert told['datasets']['papers-mind_small']['best_baseline'] == 'popularity'
  # And the command itself, in a process, finds the very same.
  done = command(
    f'--configs={",".join(given)}',
    f'--workdir={tmp_path}',
    *(f'--set={change}' for change in good),
  )
  assert done.returncode == 0, done.stderr
  assert '2 runs, 2 of them finished' in done.stdout
  assert 'popularity' in done.stdout
  assert json.loads((tmp_path / 'compare.json').read_text()) == told


def test_only_a_training_that_came_to_its_end_is_finished(tmp_path):
  (run,) = runs.plan([f'{NEWS}:demo'], ['0'], [], tmp_path)
  assert runs.finished(run) is None and not run.workdir.exists()
  run.workdir.mkdir(parents=True)
  config = json.loads(run.config.to_json_best_effort())
  identity = {'config': config, 'fingerprints': {'data': 'd'}}
  (run.workdir / 'config.json').write_text(json.dumps(identity))
  assert runs.finished(run) is None
  for train, done in (
    ({}, False),
    ({'steps': 10}, False),
    ({'steps': 1500}, 1),
  ):
    # The first is what --mode=evaluate leaves of one that is under way.
    (run.workdir / 'results.json').write_text(json.dumps({'train': train}))
    assert bool(runs.finished(run)) == bool(done)


def test_overrides_are_typed_and_go_to_whom_they_name(tmp_path):
  sets = [
    'batch_size=16',
    'optim.clip_norm=2',
    'video:num_train_steps=10',
    'news-demo:data.dir=/a=b:c,d',
  ]
  asked = runs.plan([f'{NEWS}:demo', VIDEO], ['3', '1', '3'], sets, tmp_path)
  assert [(r.name, r.seed) for r in asked] == [
    ('news-demo', 3),
    ('video', 3),
    ('news-demo', 1),
    ('video', 1),
  ]
  demo, films = asked[0].config, asked[1].config
  assert demo.batch_size == 16 and isinstance(demo.batch_size, int)
  assert demo.optim.clip_norm == 2 and isinstance(demo.optim.clip_norm, float)
  assert demo.data.dir == '/a=b:c,d' and films.data.dir == ''
  assert films.num_train_steps == 10 and demo.num_train_steps == 1500
  assert demo.seed == 3 and asked[2].config.seed == 1
  assert asked[3].workdir == tmp_path / 'video' / 'seed1'


def test_what_was_started_is_told_from_what_was_not(tmp_path):
  asked = runs.plan([f'{NEWS}:demo'], ['0', '1'], [], tmp_path)
  asked[1].workdir.mkdir(parents=True)
  (asked[1].workdir / 'config.json').write_text('{}')
  done = dict.fromkeys(run.workdir for run in asked)
  told = compare.tell(asked, done, {}, tmp_path)
  missing = told['datasets']['news-demo']['missing']
  assert missing == {'0': 'has not run yet', '1': 'started, not finished'}
  text = (tmp_path / 'compare.md').read_text()
  assert 'seed 1 started, not finished' in text


@pytest.mark.parametrize(
  ('configs', 'seeds', 'change', 'message'),
  [
    (['news'], '0', 'batch_sise=3', "news-demo: .*'batch_size'"),
    (['news'], '0', 'optim.clip_nrom=3', 'clip_norm'),
    (['news'], '0', 'batch_size=many', 'batch_size'),
    (['news'], '0', 'vidio:batch_size=3', "'vidio' is unknown"),
    (['news', 'video'], '0', 'vidio:batch_size=3', "did you mean 'video'"),
    (['news'], '0', 'batch_size', 'give KEY=VALUE'),
    (['news'], '0', 'seed=1', 'given by --seeds'),
    (['news'], 'a', '', 'whole numbers'),
    (['news'], '', '', 'whole numbers'),
    ([], '0', '', '--configs is missing'),
    (['news', 'news'], '0', '', 'give each once'),
    (['newz'], '0', '', r'no such file .*newz\.py: did you mean .*news\.py'),
    (['news:demos'], '0', '', 'did you mean demo'),
  ],
  ids=str,
)
def test_mistakes_are_one_line_before_anything_runs(
  configs, seeds, change, message, tmp_path
):
  given = []
  for name in configs:
    file, _, variant = name.partition(':')
    path = ROOT / 'configs' / f'{file}.py'
    given.append(f'{path}:{variant or "demo"}' if 'video' not in name else path)
  with pytest.raises(UserError, match=message) as e:
    runs.plan(
      list(map(str, given)),
      seeds.split(',') if seeds else [],
      [change] if change else [],
      tmp_path,
    )
  assert '\n' not in str(e.value)


@pytest.mark.parametrize(
  ('script', 'told'),
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
def test_what_a_run_failed_with(script, told, tmp_path, monkeypatch, capsys):
  stand_in(script, tmp_path, monkeypatch)
  (run,) = runs.plan([f'{NEWS}:demo'], ['4'], ['batch_size=8'], tmp_path / 'w')
  assert runs.train(run) == told
  assert (tmp_path / 'arguments').read_text().split() == [
    '-m',
    'jaxrec.main',
    f'--config={NEWS}:demo',
    '--config.batch_size=8',
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
  asked = runs.plan([f'{NEWS}:demo'], ['0', '1'], [], tmp_path / 'w')
  with pytest.raises(runs.Stopped):
    compare.compare(asked, tmp_path / 'w', Display(quiet=True))
  told = json.loads((tmp_path / 'w' / 'compare.json').read_text())
  missing = told['datasets']['news-demo']['missing']
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


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    (['--configs=configs/news.py:demo'], '--workdir is missing'),
    (['--wrokdir=a'], 'workdir'),
    (['--workdir=a', '--configs=configs/news.py:dem'], 'did you mean demo'),
  ],
  ids=str,
)
def test_typos_exit_2(args, message):
  done = command(*args)
  assert done.returncode == 2 and 'Traceback' not in done.stderr
  (line,) = done.stderr.strip().splitlines()
  assert line.startswith('jaxrec: error: ') and message in line
