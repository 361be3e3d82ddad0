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
    'batch_size eval_batch_size num_train_steps log_every_steps '
    'eval_every_steps checkpoint_every_steps refit head.width '
    'encoder.pretrained encoder.trainable_layers data.dir data.cache_dir'
  )
  values = config.to_dict()
  found = ['--config=configs/news.py:mind_small']
  for key in keys.split():
    value = values
    for part in key.split('.'):
      value = value[part]
    found.append(f'--config.{key}={value}')
  return found


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    (['--config=configs/news.py:demos'], 'did you mean demo?'),
    (
      ['--config=configs/news.py', '--config.optim.clip_nrom=1'],
      "--config.optim.clip_nrom: unknown key 'clip_nrom': did you mean 'clip_",
    ),
    (['--config=configs/news.py', '--config.batch_sise=1'], 'batch_size'),
    (['--config=configs/news.py', '--config.zzz=1'], "unknown key 'zzz'"),
    (['--config=configs/news.py', '--config.batch_size=many'], 'batch_size'),
    (
      ['--config=configs/newz.py', '--config.batch_size=1'],
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
    (
      ['--mode=recommend', '--bundle=b', '--users=u.jsonl', '--output=o.jsonl'],
      'u.jsonl: no such file',
    ),
    (
      ['--mode=recommend', '--bundle=b', '--users=README.md', '--output=o'],
      'b: no such directory',
    ),
    (
      ['--mode=recommend', '--bundle=docs', '--users=README.md', '--output=o'],
      'it has no manifest.json',
    ),
    (['--config=configs/news.py', '--mode=trian'], 'train'),
    (['--config=configs/news.py', '--wrokdir=x'], 'workdir'),
    (['--config=configs/news.py', 'workdir=x'], "unexpected argument 'workdir"),
    ([], '--config is missing'),
  ],
  ids=str,
)
def test_typos_are_one_line_and_exit_2(args, message, tmp_path):
  given = [*args, f'--workdir={tmp_path / "w"}']
  done = run(*given)
  assert done.returncode == 2, done.stderr
  lines = done.stderr.strip().splitlines()
  assert lines[-1].startswith('jaxrec: error: ') and message in lines[-1]
  assert 'Traceback' not in done.stderr
  assert not done.stdout  # 'starting', and what is slow, come later.
  assert not (tmp_path / 'w').exists()


def test_no_workdir():
  done = run('--config=configs/news.py')
  assert done.returncode == 2 and '--workdir is missing' in done.stderr


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
      'encoder.trainable_layers': 1,
      'num_train_steps': 60,
      'eval_every_steps': 30,
      'checkpoint_every_steps': 7,
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
