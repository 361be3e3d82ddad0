"""jaxrec's command: python -m jaxrec.main --config=configs/news.py."""

import contextlib
import faulthandler
import os
import pathlib
import sys

# Before TensorFlow, which only feeds: no words of its own, no oneDNN.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')

# configs/ lies beside jaxrec/, and the configs import each other.
sys.path.append(str(pathlib.Path(__file__).parents[1]))

from absl import app, flags, logging
from ml_collections import config_flags

from jaxrec import __version__, preflight
from jaxrec.bundle import layout
from jaxrec.cli.flags import fail, parse
from jaxrec.errors import UserError

MODES = ('train', 'evaluate', 'prepare', 'export', 'recommend')

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'Config file, with its variant: configs/news.py:mind_small.'
)
_WORKDIR = flags.DEFINE_string(
  'workdir', None, 'Where checkpoints, event files and results go.'
)
_MODE = flags.DEFINE_enum(
  'mode',
  'train',
  MODES,
  'train (and evaluate), evaluate a trained workdir, prepare the data only, '
  'export a trained workdir as --bundle, or recommend by a bundle.',
)
_SPLIT = flags.DEFINE_string(
  'split', 'test', 'What --mode=evaluate looks at: test, validation, train.'
)
_BUNDLE = flags.DEFINE_string(
  'bundle', None, 'The directory that --mode=export writes.'
)
_USERS = flags.DEFINE_string(
  'users', None, 'Of --mode=recommend: who is asked for, .jsonl or .parquet.'
)
_OUTPUT = flags.DEFINE_string(
  'output', None, 'Of --mode=recommend: what is written, .jsonl or .parquet.'
)
_K = flags.DEFINE_integer('k', 10, 'Of --mode=recommend: items for each user.')
_STRATEGY = flags.DEFINE_string(
  'strategy', 'top_k', 'Of --mode=recommend: top_k or probability.'
)
_THRESHOLD = flags.DEFINE_string(
  'threshold', None, 'Of --strategy=probability: a probability, or auto.'
)
_EXCLUDE_SEEN = flags.DEFINE_bool(
  'exclude_seen', True, 'Of --mode=recommend: nothing out of the history.'
)
_UNKNOWN = flags.DEFINE_string(
  'unknown', 'error', 'Of --mode=recommend: unknown ids: error or skip.'
)
HINTS = {
  'config': 'give e.g. --config=configs/news.py',
  'workdir': 'give a directory for the results',
  'bundle': 'give the directory of what --mode=export writes',
  'users': 'give a file of users, .jsonl or .parquet',
  'output': 'give a name for the recommendations, .jsonl or .parquet',
}
# Flags that a mode cannot do without; others: config and workdir.
NEEDS = {
  'prepare': ('config',),
  'export': ('config', 'workdir', 'bundle'),
  'recommend': ('bundle', 'users', 'output'),
}
_COORDINATOR = flags.DEFINE_string(
  'coordinator', None, 'HOST:PORT of process 0, where several make one run.'
)
_NUM_PROCESSES = flags.DEFINE_integer(
  'num_processes', None, 'How many processes make the run.'
)
_PROCESS_ID = flags.DEFINE_integer(
  'process_id', None, 'Which of them this is: 0 to num_processes - 1.'
)
_DISTRIBUTED = flags.DEFINE_bool(
  'distributed', False, 'Let JAX ask Slurm, the TPU pod, ... for these three.'
)
TRY_AGAIN = 75  # As sysexits.h has it: the same command may succeed.


def _parse(argv):
  try:
    rest = parse(flags.FLAGS, argv, _CONFIG)
    for name in NEEDS.get(_MODE.value, ('config', 'workdir')):
      if flags.FLAGS[name].value is None:
        raise UserError(f'--{name} is missing: {HINTS[name]}')
    _check_early()
    return rest
  except UserError as e:
    fail(e)


def _check_early():
  mode = _MODE.value
  if mode == 'recommend':
    preflight.check_users(_path(_USERS.value))
    layout.check_there(_path(_BUNDLE.value))
    return
  if mode == 'evaluate':
    preflight.check_split(_SPLIT.value)
  if mode in ('evaluate', 'export'):
    preflight.check_trained(_path(_WORKDIR.value))
  preflight.check_data(_CONFIG.value.data)


def _starting():
  """The first line: what comes next, the imports, is silent and slow."""
  given = _PROCESS_ID.value
  if given is None:
    given = os.environ.get('JAX_PROCESS_ID')
  if not given or given == '0':
    print(f'jaxrec {__version__}: starting', flush=True)


def _keep_compiled(directory: pathlib.Path) -> None:
  """Keeps compiled programs between runs, where JAX was not told otherwise."""
  import jax

  if jax.config.jax_compilation_cache_dir is None:
    jax.config.update('jax_compilation_cache_dir', str(directory))
    # The many small programs of a start take seconds together.
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
    jax.config.update('jax_persistent_cache_min_entry_size_bytes', -1)


def _lost(error: Exception):
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


def _recommend():
  """--mode=recommend: of what a bundle needs, and no more."""
  from jaxrec.commands.recommend import recommend_file

  threshold = _THRESHOLD.value
  with contextlib.suppress(TypeError, ValueError):
    threshold = float(threshold)
  recommend_file(
    *(_path(flag.value) for flag in (_BUNDLE, _USERS, _OUTPUT)),
    k=_K.value,
    strategy=_STRATEGY.value,
    threshold=threshold,
    exclude_seen=_EXCLUDE_SEEN.value,
    unknown=_UNKNOWN.value,
  )


def _path(given: str) -> pathlib.Path:
  return pathlib.Path(given).expanduser().absolute()


def main(argv):
  """Dispatches on --mode."""
  del argv
  _starting()
  if not flags.FLAGS['verbosity'].present:
    # Orbax tells every step it takes, JAX every backend that is not there.
    logging.set_verbosity(logging.WARNING)
  if _MODE.value == 'recommend':
    try:
      _recommend()
    except (UserError, OSError) as e:
      fail(e)
    return
  import jax
  import tensorflow as tf

  from jaxrec.parallel import processes

  tf.config.set_visible_devices([], 'GPU')  # The accelerators are JAX's.
  tf.config.set_visible_devices([], 'TPU')
  try:
    processes.join(  # Before anything makes JAX look for its devices.
      _COORDINATOR.value,
      _NUM_PROCESSES.value,
      _PROCESS_ID.value,
      detect=_DISTRIBUTED.value,
    )
    if processes.joined():
      # JAX aborts a process that lost another, and says so; what every thread
      # was doing would bury it.
      faulthandler.disable()
    config = _CONFIG.value
    if _MODE.value == 'prepare':
      from jaxrec.commands.prepare import prepare
      from jaxrec.console import Display

      prepare(config, Display())
      return
    from jaxrec.commands import evaluate, train
    from jaxrec.commands.prepare import cache_dir

    _keep_compiled(cache_dir(config) / 'compiled')
    workdir = _path(_WORKDIR.value)
    if _MODE.value == 'export':
      from jaxrec.commands import export

      export.export_workdir(config, workdir, _path(_BUNDLE.value))
    elif _MODE.value == 'train':
      train.train_and_evaluate(config, workdir)
    else:
      with processes.StopSignal():
        evaluate.evaluate_workdir(config, workdir, _SPLIT.value)
  except (UserError, OSError) as e:  # The latter name the file.
    fail(e)
  except processes.Stopped as e:
    print(f'jaxrec: {e}: the same command goes on from there', file=sys.stderr)
  except jax.errors.JaxRuntimeError as e:
    if not processes.joined():
      raise
    _lost(e)
  except KeyboardInterrupt:
    print(
      'jaxrec: interrupted: the same command goes on from the last checkpoint',
      file=sys.stderr,
    )
    sys.exit(130)  # As a shell has it for SIGINT.


def run():
  """The entry point."""
  app.run(main, flags_parser=_parse)


if __name__ == '__main__':
  run()
