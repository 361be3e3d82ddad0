"""Several real processes, through the launcher; and joining, in process."""

import functools
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest
import tensorflow as tf

from jaxrec import workdirs
from jaxrec.errors import UserError
from jaxrec.parallel import processes as distributed
from tests.cli.test_main import flags
from tests.commands.test_train import assert_same_parameters

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 400  # Two cores, four processes, and others beside them.


class Run:
  """launch/local_multiprocess.sh N D on a workdir."""

  def __init__(self, processes, devices, config, workdir, *more):
    environment = {k: v for k, v in os.environ.items() if k != 'XLA_FLAGS'}
    self.logs = workdir.with_name(f'{workdir.name}.logs')
    self.workdir = workdir
    self.process = subprocess.Popen(
      [
        ROOT / 'launch' / 'local_multiprocess.sh',
        str(processes),
        str(devices),
        *flags(config),
        f'--workdir={workdir}',
        *more,
      ],
      cwd=ROOT,
      env=environment
      | {
        'PYTHON': sys.executable,
        'LOGS': str(self.logs),
        'XLA_FLAGS': '--xla_backend_optimization_level=0',
      },
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
    )

  def end(self) -> tuple[int, str]:
    """Exit code, and what all processes wrote."""
    try:
      told, _ = self.process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
      self.process.send_signal(signal.SIGTERM)
      raise
    for log in sorted(self.logs.glob('*.log')):
      told += log.read_text()
    return self.process.returncode, told

  def saved(self) -> int:
    """The last step saved so far."""
    steps = [
      int(path.name)
      for path in (self.workdir / 'checkpoints').glob('*')
      if path.name.isdigit()
    ]
    return max(steps, default=-1)

  def wait_for(self, step: int) -> None:
    """Until a checkpoint at `step` or later is there."""
    deadline = time.monotonic() + SECONDS
    while self.saved() < step:
      assert self.process.poll() is None, self.end()
      assert time.monotonic() < deadline, 'it never got there'
      time.sleep(0.02)

  def signal(self, process: int, number: int) -> None:
    """Sends a signal to one of the processes."""
    os.kill(int((self.logs / f'{process}.pid').read_text()), number)


def losses(workdir: pathlib.Path, tag='train/loss') -> dict[int, float]:
  """The training losses, or what else, in the event files, by step."""
  found = {}
  for path in sorted(workdir.glob('events.out.tfevents.*')):
    for event in tf.compat.v1.train.summary_iterator(str(path)):
      for value in event.summary.value:
        if value.tag == tag:
          found[event.step] = float(tf.make_ndarray(value.tensor))
  return found


@pytest.fixture
def config(tiny_config):
  return functools.partial(
    tiny_config,
    **{'model.text.trainable_layers': 1, 'training.eval_every': 100},
  )


def run_whole(processes, devices, config, workdir, *more):
  code, told = Run(processes, devices, config, workdir, *more).end()
  assert code == 0, told
  return told


@pytest.mark.slow
def test_two_processes_stop_together_and_one_goes_on(config, tmp_path):
  """SIGTERM to one of 2; their checkpoint goes on in 1; losses are those of 1.

  The order of the sums differs with the number of processes, no more.
  """
  changed = config(**{'training.num_steps': 40, 'training.checkpoint_every': 4})
  run = Run(2, 2, changed, tmp_path / 'two')
  run.wait_for(4)
  run.signal(1, signal.SIGTERM)
  code, told = run.end()
  assert code == 0, told
  stopped = run.saved()
  assert told.count(f'stopped after step {stopped}, which is saved') == 2
  assert stopped < 40 and workdirs.read(run.workdir) is None

  run_whole(1, 4, changed, tmp_path / 'two')
  run_whole(1, 4, changed, tmp_path / 'one')
  two, one = losses(tmp_path / 'two'), losses(tmp_path / 'one')
  assert set(two) == set(one) == set(range(1, 41))
  assert one == pytest.approx(two, abs=1e-6)


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    (('here:1', None, None), r'--num_processes \(or JAX_NUM_PROCESSES\) and'),
    (('here', 2, 0), 'give HOST:PORT'),
    (('here:1', 2, 2), 'must be 0 to 1'),
    (('here:1', 2, -1), 'must be 0 to 1'),
  ],
  ids=str,
)
def test_what_cannot_join_is_one_line(given, message):
  with pytest.raises(UserError, match=message) as e:
    distributed.join(*given)
  assert '\n' not in str(e.value)


def test_alone_joins_nothing(monkeypatch):
  for variable in distributed.VARIABLES.values():
    monkeypatch.delenv(variable, raising=False)
  distributed.join(None, None, None)
  assert not distributed.joined()


def test_the_environment_is_read(monkeypatch):
  monkeypatch.setenv('JAX_COORDINATOR_ADDRESS', 'here:1')
  monkeypatch.setenv('JAX_NUM_PROCESSES', 'two')
  monkeypatch.setenv('JAX_PROCESS_ID', '0')
  with pytest.raises(UserError, match=r'cannot join .*two'):
    distributed.join(None, None, None)


def test_signals_are_left_alone_outside_of_the_main_thread():
  handler, seen = signal.getsignal(signal.SIGTERM), []

  def work():
    with distributed.StopSignal() as stop, stop.steps():
      seen.append((stop.reached(1), signal.getsignal(signal.SIGTERM)))

  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert seen == [(False, handler)]


def test_one_at_a_time(tmp_path):
  """The second holder comes in when the first is out, and says so."""
  order = []
  path = tmp_path / 'deep' / 'lock'
  script = (
    'import pathlib, sys, time\n'
    'from jaxrec.parallel.processes import one_at_a_time\n'
    f'with one_at_a_time(pathlib.Path({str(path)!r}), print):\n'
    '  print("in", flush=True)\n'
    '  sys.stdin.read()\n'
    '  print("out", flush=True)\n'
  )
  other = subprocess.Popen(
    [sys.executable, '-c', script],
    cwd=ROOT,
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
  )
  assert other.stdout.readline() == 'in\n'

  def say(text):
    order.append(text)
    other.stdin.close()

  with distributed.one_at_a_time(path, say):
    assert other.stdout.readline() == 'out\n'
  assert order and str(path) in order[0]
  assert other.wait() == 0


def test_one_training_in_a_workdir(tmp_path, monkeypatch):
  script = (
    'import pathlib, sys\n'
    'from jaxrec.parallel.processes import alone_in\n'
    f'with alone_in(pathlib.Path({str(tmp_path)!r})):\n'
    '  print("in", flush=True)\n'
    '  sys.stdin.read()\n'
  )
  other = subprocess.Popen(
    [sys.executable, '-c', script],
    cwd=ROOT,
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
  )
  assert other.stdout.readline() == 'in\n'
  with (
    pytest.raises(UserError, match='another process is training in'),
    distributed.alone_in(tmp_path),
  ):
    pytest.fail('two are in')
  other.kill()  # Its lock ends with it.
  other.wait()
  with distributed.alone_in(tmp_path):
    pass

  def refuse(*_):
    raise OSError('no locks here')

  monkeypatch.setattr(distributed.fcntl, 'flock', refuse)
  with distributed.alone_in(tmp_path):
    pass


# ------------------------------------------------------------------- minutes
@pytest.fixture(scope='module')
def shape():
  return {'training.num_steps': 12, 'training.checkpoint_every': 4}


@pytest.mark.slow
@pytest.mark.parametrize(
  ('layers', 'mesh'),
  [
    (1, (4, 1, 1)),
    (1, (1, 4, 1)),
    (1, (2, 1, 2)),
    (-1, (2, 2, 1)),
    (0, (4, 1, 1)),
  ],
  ids=str,
)
def test_any_number_of_processes_trains_the_same(
  config, shape, layers, mesh, tmp_path
):
  """With dropout, on hidden states, tokens and vectors; counters, too."""
  changed = config(**shape, **{'model.text.trainable_layers': layers})
  assert changed.model.text.dropout
  changed.mesh.update(dict(zip(('data', 'fsdp', 'tensor'), mesh, strict=True)))
  more = [f'--config.mesh.{k}={v}' for k, v in changed.mesh.items()]
  found, padding = {}, {}
  for processes in (1, 2, 4):
    workdir = tmp_path / str(processes)
    run_whole(processes, 4 // processes, changed, workdir, *more)
    found[processes] = losses(workdir)
    padding[processes] = losses(workdir, 'train/padding_share')
  assert set(found[1]) == set(range(1, 13))
  assert found[2] == pytest.approx(found[1], abs=1e-6)
  assert found[4] == pytest.approx(found[1], abs=1e-6)
  assert padding[1] == padding[2] == padding[4]
  assert bool(padding[1]) == bool(layers)


@pytest.mark.slow
@pytest.mark.parametrize('victim', [0, 1, 3])
def test_a_killed_process_ends_the_others_and_all_go_on(
  config, victim, tmp_path
):
  """Within a minute; and to the bit as if it had not been."""
  changed = config(**{'training.num_steps': 60, 'training.checkpoint_every': 8})
  run = Run(4, 1, changed, tmp_path / 'killed')
  run.wait_for(8)
  run.signal(victim, signal.SIGKILL)
  killed = time.monotonic()
  code, told = run.end()
  assert time.monotonic() - killed < 60
  assert code not in (0, 2), told
  assert 'the same command goes on from the last checkpoint' in told
  assert workdirs.read(run.workdir) is None
  told = run_whole(4, 1, changed, tmp_path / 'killed')
  assert 'continuing from step' in told
  run_whole(4, 1, changed, tmp_path / 'whole')
  assert_same_parameters(changed, tmp_path / 'whole', tmp_path / 'killed')


@pytest.mark.slow
def test_four_processes_checkpoint_in_one_and_back(config, tmp_path):
  """4 x 1 -> 1 x 4 on another mesh -> 4 x 1: the losses of a run in one."""
  changed = config(**{'training.num_steps': 80, 'training.checkpoint_every': 5})
  moved, stops = tmp_path / 'moved', [0]
  for processes, mesh in ((4, 'fsdp=2'), (1, 'tensor=2')):
    run = Run(
      processes, 4 // processes, changed, moved, f'--config.mesh.{mesh}'
    )
    run.wait_for(stops[-1] + 5)
    run.signal(processes - 1, signal.SIGTERM)
    code, told = run.end()
    assert code == 0, told
    stops.append(run.saved())
  assert 0 < stops[1] < stops[2] < 80
  run_whole(4, 1, changed, moved)
  run_whole(1, 4, changed, tmp_path / 'one')
  moved, one = losses(moved), losses(tmp_path / 'one')
  assert set(moved) == set(one) == set(range(1, 81))
  assert one == pytest.approx(moved, abs=1e-6)
