"""kill -9 at random moments, many times in a row; then: is it all the same?

    python -m benchmarks.kills --workdir=/tmp/kills

A run of the demo with BERT's top layer and dropout is killed and started
again, with no word to it, `--kills` times; what it ends with must be equal to
the bit, parameters, optimizer state and metrics, to a run nobody touched. With
`--processes=2` one of the processes, any, is killed; the other must end by
itself.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np

from jaxrec.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]
PATIENCE = 600.0  # Seconds in which a process must come further or end.
LONGEST_WAIT = 1.5  # Seconds from a save to a kill.


def changes(args) -> dict:
  """Of the demo's config: BERT's top layer trains, checkpoints are many."""
  return {
    'input.batch_size': args.batch_size,
    'training.num_steps': args.steps,
    'training.eval_every': args.steps // 4,
    'training.checkpoint_every': args.every,
    'model.text.trainable_layers': 1,
    'data.cache_dir': args.cache,
  }


class Run:
  """The command on a workdir, in processes of their own."""

  def __init__(self, args, name: str):
    self.workdir = pathlib.Path(args.workdir) / name
    self.logs = self.workdir.with_name(f'{name}.logs')
    self.processes = args.processes
    self.changes = changes(args)

  def config(self):
    """As the command has it."""
    from configs import news

    return setup.changed(news.get_config('demo').to_dict(), self.changes)

  def command(self) -> list[str]:
    """What is run: one process, or a script that starts several."""
    flags = ['--config=configs/news.py:demo', f'--workdir={self.workdir}']
    flags += [f'--config.{k}={v}' for k, v in self.changes.items()]
    if self.processes > 1:
      script = ROOT / 'launch' / 'local_multiprocess.sh'
      return [str(script), str(self.processes), '1', *flags]
    return [sys.executable, '-m', 'jaxrec.main', *flags]

  def start(self) -> None:
    """Begins, or goes on."""
    self.logs.mkdir(parents=True, exist_ok=True)
    with open(self.logs / 'output', 'a') as output:
      self.process = subprocess.Popen(
        self.command(),
        cwd=ROOT,
        env=os.environ | {'PYTHON': sys.executable, 'LOGS': str(self.logs)},
        stdout=output,
        stderr=output,
      )

  def saved(self) -> int:
    """The last step saved."""
    names = [path.name for path in (self.workdir / 'checkpoints').glob('*')]
    return max((int(name) for name in names if name.isdigit()), default=-1)

  def is_saving(self) -> bool:
    """Whether a checkpoint is half-written."""
    names = [path.name for path in (self.workdir / 'checkpoints').glob('*')]
    return any('tmp' in name for name in names)

  def kill(self, rng: random.Random) -> int:
    """kill -9, of one process where there are several; which one."""
    victim = rng.randrange(self.processes)
    pid = self.process.pid
    if self.processes > 1:
      pid = int((self.logs / f'{victim}.pid').read_text())
    os.kill(pid, signal.SIGKILL)
    self.process.wait(PATIENCE)
    return victim


def kill_once(run: Run, rng: random.Random) -> dict | None:
  """Starts, lets it come some way, kills; None if it ended before."""
  begin = run.saved()
  target = begin + rng.randint(1, 3)
  run.start()
  deadline = time.monotonic() + PATIENCE
  while run.saved() < target:
    if run.process.poll() is not None:
      return None
    if time.monotonic() > deadline:
      raise SystemExit(f'no step in {PATIENCE} s: see {run.logs}')
    time.sleep(0.005)
  time.sleep(rng.uniform(0, LONGEST_WAIT))  # Anywhere in a step, or in a save.
  if run.process.poll() is not None:
    return None
  saving = run.is_saving()
  victim = run.kill(rng)
  return {
    'went_on_from': begin,
    'saved': run.saved(),
    'in_a_save': saving,
    'process': victim,
  }


def same_end(whole: Run, killed: Run, steps: int) -> dict[str, bool]:
  """Whether both ended with the same bits."""
  import jax

  from jaxrec import workdirs
  from jaxrec.console import Display
  from jaxrec.training.experiment import Experiment

  experiment = Experiment.from_config(whole.config(), Display(quiet=True))
  with jax.set_mesh(experiment.mesh):
    layout, _ = experiment.init()
    a, b = (
      experiment.checkpoints(run.workdir).restore(steps, layout)
      for run in (whole, killed)
    )
  equal = lambda x, y: bool(np.array_equal(np.asarray(x), np.asarray(y)))
  same = lambda part: all(
    jax.tree.leaves(jax.tree.map(equal, getattr(a, part), getattr(b, part)))
  )
  x, y = (workdirs.read(run.workdir) for run in (whole, killed))
  return {
    'parameters': same('params'),
    'optimizer_state': same('opt_state'),
    'metrics': x['metrics'] == y['metrics'],
    'moved_at_all': not all(
      jax.tree.leaves(jax.tree.map(equal, a.params, layout.params))
    ),
  }


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--workdir', required=True, help='a new directory')
  parser.add_argument('--cache', default='', help='as config.data.cache_dir')
  parser.add_argument('--kills', type=int, default=20)
  parser.add_argument('--processes', type=int, default=1)
  parser.add_argument('--steps', type=int, default=300)
  parser.add_argument('--every', type=int, default=2, help='checkpoints')
  parser.add_argument('--batch_size', type=int, default=4)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  args = parser.parse_args(argv)
  if pathlib.Path(args.workdir).exists():
    raise UserError(f'{args.workdir} is there already: name a new directory')
  if args.steps < 4:
    raise UserError(f'--steps={args.steps}: give at least 4')
  whole, killed = Run(args, 'whole'), Run(args, 'killed')
  whole.start()
  if whole.process.wait():
    raise SystemExit(f'the untouched run failed: see {whole.logs}')
  rng = random.Random(args.seed)
  kills = []
  while len(kills) < args.kills:
    kill = kill_once(killed, rng)
    if kill is None:
      raise SystemExit(
        f'it ended after {len(kills)} kills, see {killed.logs}: give more '
        '--steps'
      )
    kills.append(kill)
    print(len(kills), kill, flush=True)
  killed.start()
  if killed.process.wait():
    raise SystemExit(f'the last start failed: see {killed.logs}')
  same = same_end(whole, killed, args.steps)
  setup.report(args, {'kills': kills, 'same': same})
  if not all(same.values()):
    raise SystemExit('NOT the same')


if __name__ == '__main__':
  setup.run(main)
