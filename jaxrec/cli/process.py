"""A command's process: its first line, the run it joins, how it ends."""

import contextlib
import faulthandler
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import NoReturn

from absl import flags, logging

from jaxrec import __version__
from jaxrec.cli import fail
from jaxrec.errors import UserError, not_installed

TRY_AGAIN = 75  # As sysexits.h has it: the same command may succeed.
CONTINUES = 'the same command goes on from the last checkpoint'


def absolute(path: str) -> pathlib.Path:
  """The path that a flag's value means, wherever a program may go from here."""
  return pathlib.Path(path).expanduser().absolute()


def start(values: flags.FlagValues) -> None:
  """Says that it starts: the imports that come next are silent and slow."""
  process_id = values['process_id'].value if 'process_id' in values else None
  if process_id is None:
    process_id = os.environ.get('JAX_PROCESS_ID')
  if process_id in (None, '', 0, '0'):  # The first speaks for all.
    print(f'jaxrec {__version__}: starting', flush=True)
  if not values['verbosity'].present:
    # Orbax tells every step it takes, JAX every backend that is not there.
    logging.set_verbosity(logging.WARNING)


def join(values: flags.FlagValues) -> None:
  """Makes this process one of a run's, if PROCESSES say so.

  Raises:
    UserError: some of the flags are given and others not, or they cannot be.
  """
  from jaxrec.commands.setup import hide_accelerators
  from jaxrec.parallel import processes

  hide_accelerators()
  processes.join(  # Before anything makes JAX look for its devices.
    values.coordinator,
    values.num_processes,
    values.process_id,
    detect=values.distributed,
  )
  if processes.joined():
    # JAX aborts a process that lost another, and says so; what every thread
    # was doing would bury it.
    faulthandler.disable()


@contextlib.contextmanager
def errors_told(continues: str = CONTINUES) -> Iterator[None]:
  """Within, an error that a user can mend ends the process by one line.

  Args:
    continues: what is said of a process that was stopped or interrupted.
  """
  try:
    yield
  except (UserError, OSError) as e:  # The latter name the file.
    fail(e)
  except ModuleNotFoundError as e:
    if not e.name or e.name.partition('.')[0] == 'jaxrec':
      raise
    fail(UserError(not_installed(e.name)))
  except KeyboardInterrupt:
    print(f'jaxrec: interrupted: {continues}', file=sys.stderr)
    sys.exit(130)  # As a shell has it for SIGINT.
  except Exception as e:
    # Whatever else there is to tell comes from what imports these, too.
    import jax

    from jaxrec.parallel import processes

    if isinstance(e, processes.Stopped):
      print(f'jaxrec: {e}: {continues}', file=sys.stderr)
    elif isinstance(e, jax.errors.JaxRuntimeError) and processes.joined():
      _exit_alone(e)
    else:
      raise


def _exit_alone(error: Exception) -> NoReturn:
  """Ends a process that lost another one, without waiting for it."""
  reason = ' '.join(str(error).split())[:200]
  print(
    'jaxrec: another process of this run was lost or failed: start all '
    f'processes again to go on from the last checkpoint ({reason})',
    file=sys.stderr,
    flush=True,
  )
  sys.stdout.flush()
  os._exit(TRY_AGAIN)  # What runs at an exit would wait for the lost one.
