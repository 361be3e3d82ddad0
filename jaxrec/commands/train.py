"""jaxrec train: a training from its config to its results."""

import contextlib
import pathlib
from typing import Any

import jax
from clu import parameter_overview
from ml_collections import ConfigDict

from jaxrec import workdirs
from jaxrec.commands.evaluate import evaluate_best
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.parallel import sharding
from jaxrec.parallel.processes import (
  StopSignal,
  alone_in,
  joined,
)
from jaxrec.report import table
from jaxrec.training import identity, loop
from jaxrec.training.experiment import Experiment
from jaxrec.training.settings import Config
from jaxrec.training.state import merge_params


def train_and_evaluate(
  config: Config | ConfigDict, workdir: pathlib.Path, *, verbose: bool = False
) -> dict[str, Any]:
  """Trains, validates as it goes, evaluates the best on the test split.

  A workdir that holds checkpoints is continued, bit for bit as if it had
  never stopped; a finished one is only shown.

  Args:
    config: see `jaxrec.training.settings`.
    workdir: for config.json, checkpoints/, event files and results.json.
    verbose: whether the table of parameters is shown, too.

  Returns:
    What results.json holds.

  Raises:
    UserError: anything the user can mend; another process trains there.
    Stopped: SIGTERM came; what was trained is saved.
  """
  with StopSignal() as stop:
    return _run(Config.of(config), workdir, stop, verbose)


def _run(
  config: Config, workdir: pathlib.Path, stop: StopSignal, verbose: bool
) -> dict[str, Any]:
  display = Display(quiet=jax.process_index() != 0)
  experiment = Experiment.from_config(config, display)
  files = experiment.dataset.files
  identity.check(
    workdir,
    config,
    experiment.fingerprints,
    files,
    may_grow_to=lambda: experiment.schedule.num_steps,
  )
  first = jax.process_index() == 0  # It locks for all processes of the run.
  with (
    alone_in(workdir) if first else contextlib.nullcontext(),
    jax.set_mesh(experiment.mesh),
  ):
    checkpoints = experiment.checkpoints(workdir)
    done = workdirs.read(workdir)
    num_steps = experiment.schedule.num_steps
    if done and done['train'].get('steps') == num_steps:
      display.say(f'{workdir} is finished: nothing left to train')
      table.show(done, display)
      return done

    with display.working('computing what the parameters start from'):
      state, frozen = experiment.init()
    identity.claim(workdir, config, experiment.fingerprints, files)
    start, state = checkpoints.restore_latest(state)
    if start is not None:
      display.say(f'continuing from step {start}')
    rest = (
      f'{config.model.text.pretrained} is frozen, its vectors made once'
      if experiment.encoder.frozen
      else f'{_count(frozen)} are frozen'
      if experiment.encoder.prefix_dtype is None
      else f'what lies below is kept as {experiment.encoder.prefix_dtype}'
    )
    display.say(
      f'{_count(state.params)} parameters train, {rest}; '
      f'{experiment.pipeline.num_examples:,} clicks an epoch; '
      f'mesh {dict(experiment.mesh.shape)}'
    )
    if verbose:
      display.parameters(sharding.placement(merge_params(state.params, frozen)))
    try:
      state, pace = loop.train(
        experiment, state, frozen, checkpoints, start, stop
      )
    except BaseException as e:
      # What was begun is saved whole; but nobody waits for a lost process.
      if not joined() or isinstance(e, (UserError, KeyboardInterrupt)):
        checkpoints.wait()
      raise
    checkpoints.wait()
    if config.training.refit:
      best, _ = checkpoints.restore_best(state)
      _refit(experiment.refit(), workdir, best, stop)
    return evaluate_best(
      experiment,
      workdir,
      state,
      frozen,
      {'steps': num_steps, **pace.summary()},
    )


def _refit(experiment, workdir, last, stop):
  """The first `last` steps again, now on validation too; kept apart."""
  checkpoints = experiment.checkpoints(workdir)
  if checkpoints.latest() == last:
    return
  experiment.display.say(f'refitting: {last} steps, on validation too')
  with experiment.display.working('computing what the parameters start from'):
    state, frozen = experiment.init()
  start, state = checkpoints.restore_latest(state)
  state, _ = loop.train(
    experiment, state, frozen, checkpoints, start or 0, stop, last
  )
  if checkpoints.latest() != last:
    checkpoints.save(last, state)
  checkpoints.wait()


def _count(params) -> str:
  count = parameter_overview.count_parameters(params) if params else 0
  return f'{int(count):,}'
