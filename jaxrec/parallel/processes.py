"""One run of several processes: joining it, and stopping it together.

The runtime is JAX's own: its coordination service watches who is alive and
finds the step at which all have heard of a SIGTERM.
"""

import contextlib
import fcntl
import os
import pathlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import jax
from jax.experimental import multihost_utils

from jaxrec.errors import UserError

# How long a silent process counts as alive: a lost one ends the others.
HEARTBEAT_SECONDS = 20
VARIABLES = {
  'coordinator': 'JAX_COORDINATOR_ADDRESS',
  'num_processes': 'JAX_NUM_PROCESSES',
  'process_id': 'JAX_PROCESS_ID',
}


class Stopped(Exception):
  """SIGTERM was obeyed: what was to be saved is saved."""


def join(
  coordinator: str | None,
  num_processes: int | None,
  process_id: int | None,
  *,
  detect: bool = False,
) -> None:
  """Makes this process one of a run's, if arguments or variables name one.

  Args:
    coordinator: HOST:PORT of process 0; None: $JAX_COORDINATOR_ADDRESS.
    num_processes: None: $JAX_NUM_PROCESSES.
    process_id: 0 .. num_processes - 1; None: $JAX_PROCESS_ID.
    detect: ask the cluster (Slurm, a TPU pod, Open MPI) for what is None.

  Raises:
    UserError: some are given and others not, or they cannot be.
  """
  identity: dict[str, Any] = {
    'coordinator': coordinator,
    'num_processes': num_processes,
    'process_id': process_id,
  }
  for name, variable in VARIABLES.items():
    if identity[name] is None:
      identity[name] = os.environ.get(variable) or None
  missing = [name for name, value in identity.items() if value is None]
  if len(missing) == len(identity) and not detect:
    return
  if missing and not detect:
    names = ' and '.join(f'--{name} (or {VARIABLES[name]})' for name in missing)
    raise UserError(f'one of several processes needs {names} too')
  try:
    for name in ('num_processes', 'process_id'):
      if identity[name] is not None:
        identity[name] = int(identity[name])
    _check(**identity)
    jax.distributed.initialize(
      identity['coordinator'],
      identity['num_processes'],
      identity['process_id'],
      heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
    )
  except UserError:
    raise
  except (ValueError, TypeError, RuntimeError) as e:
    raise UserError(
      f'cannot join the run {identity}: {" ".join(str(e).split())[:300]}'
    ) from e


def _check(
  coordinator: str | None, num_processes: int | None, process_id: int | None
) -> None:
  if coordinator is not None and not coordinator.rpartition(':')[2].isdigit():
    raise UserError(f'coordinator={coordinator!r}: give HOST:PORT')
  if num_processes is None or process_id is None:
    return
  if not 0 <= process_id < num_processes:
    raise UserError(
      f'process_id={process_id}: must be 0 to {num_processes - 1}, as '
      f'num_processes={num_processes}'
    )


def joined() -> bool:
  """Whether this process is one of a run's."""
  return jax.distributed.is_initialized()


class StopSignal:
  """SIGTERM: obeyed between two steps, the same two in all processes.

  A context. A single process that is not in the midst of its steps (`steps`)
  is stopped where it is, by `Stopped`; among several, JAX handles the signal,
  and it waits until steps are taken. Python lets only the main thread handle
  signals: in another one, SIGTERM does what it did before.
  """

  def __init__(self) -> None:
    self._in_steps = self._received = False

  def __enter__(self) -> 'StopSignal':
    self._handles = (
      not joined() and threading.current_thread() is threading.main_thread()
    )
    if self._handles:
      self._replaced = signal.signal(signal.SIGTERM, self._receive)
    return self

  def __exit__(self, *error: object) -> None:
    if self._handles:
      signal.signal(signal.SIGTERM, self._replaced)

  def _receive(self, number: int, frame: FrameType | None) -> None:
    self._received = True
    if not self._in_steps:
      raise Stopped('stopped outside of training, with nothing lost')

  @contextlib.contextmanager
  def steps(self) -> Iterator[None]:
    """Within, the signal waits for `reached`."""
    self._in_steps = True
    try:
      yield
    finally:
      self._in_steps = False

  def reached(self, step: int) -> bool:
    """Whether to save and stop after `step`; to be asked at every step."""
    if joined():
      return multihost_utils.reached_preemption_sync_point(step)
    return self._received


@contextlib.contextmanager
def alone_in(workdir: pathlib.Path) -> Iterator[None]:
  """Holds `workdir`/lock, which ends with the process, however it ends.

  Where nothing can be locked (some network disks), it goes on without.

  Args:
    workdir: a training's; must be there.

  Raises:
    UserError: another process holds it.
  """
  with contextlib.ExitStack() as stack:
    try:
      f = stack.enter_context(open(workdir / 'lock', 'w'))
      fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
      raise UserError(
        f'another process is training in {workdir}: wait for its end, or use '
        'another --workdir'
      ) from e
    except OSError:
      pass
    yield


@contextlib.contextmanager
def one_at_a_time(
  path: pathlib.Path, say: Callable[[str], None]
) -> Iterator[None]:
  """Holds a lock that lies at `path`; others on this disk wait.

  Args:
    path: made if absent.
    say: called with a line for people, if it comes to waiting.
  """
  with contextlib.ExitStack() as stack:
    # Whoever may only read prepares nothing: what is missing is told by name
    # when it is to be written.
    with contextlib.suppress(OSError):
      path.parent.mkdir(parents=True, exist_ok=True)
      file = stack.enter_context(open(path, 'w'))
      try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
      except BlockingIOError:
        say(f'waiting for another process that prepares ({path})')
        fcntl.flock(file, fcntl.LOCK_EX)
    yield
