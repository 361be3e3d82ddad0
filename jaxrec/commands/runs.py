"""The trainings of a comparison: which, whether finished, each in a process."""

import pathlib
import signal
import subprocess
import sys
from typing import NamedTuple

from jaxrec import workdirs
from jaxrec.errors import PREFIX
from jaxrec.parallel.processes import Stopped
from jaxrec.training import identity
from jaxrec.training.settings import Config


class Run(NamedTuple):
  """One training.

  Attributes:
    name: of its config, '<file>-<variant>'.
    seed: of the training.
    arguments: what makes its config, as the command takes it; the seed last.
    config: that these make.
    workdir: its own.
  """

  name: str
  seed: int
  arguments: list[str]
  config: Config
  workdir: pathlib.Path


def finished(run: Run) -> dict | None:
  """What a run's results.json holds, if it is trained to its end.

  Raises:
    UserError: another run's workdir.
  """
  claimed_by = workdirs.read_config(run.workdir)
  if claimed_by is None:
    return None
  # What lies in the data's directory now does not matter to a finished run.
  identity.check(run.workdir, run.config, claimed_by['fingerprints'])
  results = workdirs.read(run.workdir)
  if not results:
    return None
  training = run.config.training
  if training.epochs:  # How many steps these are, the data says.
    same = results['config']['training'].get('epochs') == training.epochs
  else:
    same = results['train'].get('steps') == training.num_steps
  return results if same else None


def train(run: Run) -> str | None:
  """One run in a process of its own.

  Returns:
    The line of error it ended with; None: it ended well.

  Raises:
    Stopped: SIGTERM came, and the run has saved where it was.
  """
  command = [sys.executable, '-m', 'jaxrec.main']
  command += [*run.arguments, f'--workdir={run.workdir}']
  process: subprocess.Popen[str] | None = None
  stopped, last_line = False, ''

  def stop(*_: object) -> None:
    nonlocal stopped
    stopped = True
    if process is not None:
      process.terminate()

  # First: it may come while the process is being started.
  handler = signal.signal(signal.SIGTERM, stop)
  try:
    process = subprocess.Popen(
      command, stderr=subprocess.PIPE, errors='replace'
    )
    if stopped:
      process.terminate()
    for line in process.stderr or ():
      print(line, end='', file=sys.stderr, flush=True)
      last_line = line if line.strip() else last_line
    code = process.wait()
  except BaseException:  # Ctrl-C: it came to the run, too, which saves.
    if process is not None:
      process.wait()
    raise
  finally:
    signal.signal(signal.SIGTERM, handler)
  if stopped:
    raise Stopped('stopped')
  if code == 0:
    return None
  error = ''.join(c if c.isprintable() else ' ' for c in last_line).strip()
  error = error.removeprefix(PREFIX)
  if code < 0:
    error = f'ended by {signal.Signals(-code).name} {error}'.strip()
  return error or f'ended with exit code {code}'
