"""The command as a user runs it, in a process of its own."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from jaxrec import workdirs
from jaxrec.cli import command as commands
from tests.commands.test_train import assert_same_parameters

ROOT = pathlib.Path(__file__).parents[2]


def command(*args):
  return [sys.executable, '-m', 'jaxrec.main', *map(str, args)]


def environment() -> dict[str, str]:
  """This one's, with one device: eight take three times as long."""
  flags = os.environ['XLA_FLAGS'].replace('device_count=8', 'device_count=1')
  return os.environ | {'XLA_FLAGS': flags}


def run(*args):
  return subprocess.run(
    command(*args),
    cwd=ROOT,
    env=environment(),
    capture_output=True,
    text=True,
    timeout=200,
  )


def flags(config) -> list[str]:
  """The tiny config as flags on top of configs/news.py:mind_small."""
  keys = (
    'input.batch_size evaluation.batch_size training.num_steps '
    'training.log_every training.eval_every training.checkpoint_every '
    'training.refit model.head.width model.text.pretrained '
    'model.text.trainable_layers data.dir data.cache_dir'
  )
  values = config.to_dict()
  arguments = ['--config=configs/news.py:mind_small']
  for key in keys.split():
    value = values
    for part in key.split('.'):
      value = value[part]
    arguments.append(f'--config.{key}={value}')
  return arguments


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    (['--config=configs/news.py:demos'], 'did you mean demo?'),
    (['--config=news:demos'], 'did you mean demo?'),
    (['--config', 'newz:demo'], "did you mean 'news'?"),
    (['--config='], '--config is missing'),
    (['--config'], "'true' is unknown"),
    (['--flagfile=nowhere'], 'nowhere'),
    (
      ['--config=configs/news.py', '--config.optimizer.clip_nrom=1'],
      'config.optimizer.clip_nrom: unknown key; did you mean clip_norm?',
    ),
    (['--config=news', '--config.batch_sise=1'], 'mean input.batch_size?'),
    (['--config=configs/news.py', '--config.zzz=1'], 'config.zzz: unknown key'),
    (
      ['--config=configs/news.py', '--config.input.batch_size=many'],
      'batch_size',
    ),
    (
      ['--config=configs/newz.py', '--config.input.batch_size=1'],
      'no such file configs/newz.py: did you mean configs/news.py? (there are',
    ),
    (
      ['--config=configs/news.py', '--mode=evaluate', '--split=dev'],
      "--split: 'dev' is unknown (choices: ",
    ),
    (['--config=configs/news.py', '--mode=evaluate'], 'train there first'),
    (
      ['--config=configs/news.py', '--mode=export', '--bundle=b'],
      'train there first',
    ),
    (
      ['--config=configs/video.py', '--config.data.name=interactions'],
      'data.interactions_file is empty',
    ),
    (
      [
        '--config=configs/video.py',
        '--config.data.name=interactions',
        '--config.data.dir=nowhere',
        '--config.data.interactions_file=a.csv',
        '--config.data.items_file=b.csv',
      ],
      'data.items_file=nowhere/b.csv: there is no such file',
    ),
    (['--config=news:impressions'], 'data.impressions_file is empty'),
    (
      [
        '--config=music:impressions',
        '--config.data.impressions_file=a.csv',
        '--config.data.items_file=README.md',
      ],
      'data.impressions_file=a.csv: there is no such file',
    ),
    (
      ['--config=news:impressions', '--config.data.columns.behaviour=b'],
      'data.columns.behaviour=b: data.name=impressions reads no such column',
    ),
    (
      ['--mode=recommend', '--bundle=b', '--users=u.jsonl', '--output=o.jsonl'],
      'u.jsonl: no such file',
    ),
    (
      [
        '--mode=recommend',
        '--bundle=b',
        '--users=tests/compat/v0_1_0/mind/MINDsmall_dev/behaviors.tsv',
        '--output=o',
      ],
      'b: no such directory',
    ),
    (
      [
        '--mode=recommend',
        '--bundle=docs',
        '--users=tests/compat/v0_1_0/mind/MINDsmall_dev/behaviors.tsv',
        '--output=o',
      ],
      'it has no manifest.json',
    ),
    (['--config=configs/news.py', '--mode=trian'], 'train'),
    (['--config=configs/news.py', '--wrokdir=x'], 'workdir'),
    (['--config=configs/news.py', 'workdir=x'], "unexpected argument 'workdir"),
    ([], '--config is missing'),
  ],
  ids=str,
)
def test_typos_are_one_line_and_exit_2(
  args, message, tmp_path, monkeypatch, capsys
):
  monkeypatch.chdir(ROOT)
  with pytest.raises(SystemExit) as stopped:
    commands.run_mode([*args, f'--workdir={tmp_path / "w"}'])
  assert stopped.value.code == 2
  printed = capsys.readouterr()
  (line,) = printed.err.splitlines()
  assert line.startswith('jaxrec: error: ') and message in line
  assert not printed.out  # 'starting', and what is slow, come later.
  assert not (tmp_path / 'w').exists()


def test_no_workdir():
  done = run('--config=configs/news.py')
  assert done.returncode == 2 and not done.stdout
  (line,) = done.stderr.splitlines()
  assert line.startswith('jaxrec: error: --workdir is missing')


def test_errors_while_running_exit_2(tiny_config, tmp_path):
  config = tiny_config(**{'data.dir': str(tmp_path)})
  done = run(*flags(config), '--mode=prepare')  # It imports the least.
  assert done.returncode == 2
  assert 'Traceback' not in done.stderr
  assert done.stderr.strip().splitlines()[-1].startswith('jaxrec: error: ')
  assert str(tmp_path) in done.stderr


def test_prepare_alone_says_what_it_read(tiny_config, tmp_path):
  config = tiny_config(**{'data.cache_dir': str(tmp_path)})
  done = run(*flags(config), '--mode=prepare')
  assert done.returncode == 0, done.stderr
  assert done.stdout.startswith('jaxrec 0.1.0: starting\n')
  assert 'catalog: read 60' in done.stdout
  assert 'train: read 80, test: read 20' in done.stdout
  assert f'prepared, in {tmp_path}' in done.stdout


@pytest.mark.slow
def test_kill_9_and_rerun_equals_uninterrupted(tiny_config, tmp_path):
  """Killed at a random moment of the training, to the bit."""
  config = tiny_config(
    **{
      'model.text.trainable_layers': 1,
      'training.num_steps': 60,
      'training.eval_every': 30,
      'training.checkpoint_every': 7,
    }
  )
  whole, killed = tmp_path / 'whole', tmp_path / 'killed'
  done = run(*flags(config), f'--workdir={whole}')
  assert done.returncode == 0, done.stderr
  process = subprocess.Popen(
    command(*flags(config), f'--workdir={killed}'),
    cwd=ROOT,
    env=environment(),
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )
  stop_after = random.Random().randint(1, 50)

  def last_saved():
    steps = [
      int(path.name)
      for path in (killed / 'checkpoints').glob('*')
      if path.name.isdigit()
    ]
    return max(steps, default=-1)

  deadline = time.monotonic() + 150
  while last_saved() < stop_after and process.poll() is None:
    assert time.monotonic() < deadline, 'it never got there'
    time.sleep(0.01)
  process.send_signal(signal.SIGKILL)
  assert process.wait() == -signal.SIGKILL, 'it ended before it was killed'
  assert workdirs.read(killed) is None
  done = run(*flags(config), f'--workdir={killed}')
  assert done.returncode == 0, done.stderr
  assert 'continuing from step' in done.stdout
  assert_same_parameters(config, whole, killed)
  assert workdirs.read(whole)['metrics'] == workdirs.read(killed)['metrics']
