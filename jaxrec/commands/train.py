"""Training: the loop, top to bottom."""

import contextlib
import math
import pathlib

import jax
from clu import metric_writers, parameter_overview

from jaxrec import workdirs
from jaxrec.commands.evaluate import evaluate_best
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.parallel import sharding
from jaxrec.parallel.processes import (
  Stopped,
  StopSignal,
  alone_in,
  joined,
)
from jaxrec.training.experiment import Experiment
from jaxrec.training.state import merge_params


def train_and_evaluate(config, workdir: pathlib.Path) -> dict:
  """Trains, validates as it goes, evaluates the best on the test split.

  A workdir that holds checkpoints is continued, bit for bit as if it had
  never stopped; a finished one is only shown.

  Args:
    config: a ConfigDict, see configs/.
    workdir: for config.json, checkpoints/, event files and results.json.

  Returns:
    What results.json holds.

  Raises:
    UserError: anything the user can mend; another process trains there.
    Stopped: SIGTERM came; what was trained is saved.
  """
  with StopSignal() as stop:
    return _run(config, workdir, stop)


def _run(config, workdir, stop):
  display = Display(quiet=jax.process_index() != 0)
  experiment = Experiment.from_config(config, display)
  workdirs.check_workdir(workdir, config, experiment.fingerprints)
  first = jax.process_index() == 0  # It locks for all processes of the run.
  with (
    alone_in(workdir) if first else contextlib.nullcontext(),
    jax.set_mesh(experiment.mesh),
  ):
    checkpoints = experiment.checkpoints(workdir)
    done = workdirs.read(workdir)
    if done and checkpoints.latest() == config.num_train_steps:
      display.say(f'{workdir} is finished: nothing left to train')
      workdirs.show(done, display)
      return done

    state, frozen = experiment.init()
    workdirs.claim_workdir(workdir, config, experiment.fingerprints)
    start, state = checkpoints.restore_latest(state)
    if start is not None:
      display.say(f'continuing from step {start}')
    rest = (
      f'{config.encoder.pretrained} is frozen, its vectors made once'
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
    display.parameters(sharding.placement(merge_params(state.params, frozen)))
    try:
      state, pace = _train(experiment, state, frozen, checkpoints, start, stop)
    except BaseException as e:
      # What was begun is saved whole; but nobody waits for a lost process.
      if not joined() or isinstance(e, (UserError, KeyboardInterrupt)):
        checkpoints.wait()
      raise
    checkpoints.wait()
    if config.refit:
      best, _ = checkpoints.restore_best(state)
      _refit(experiment.refit(), workdir, best, stop)
    return evaluate_best(
      experiment,
      workdir,
      state,
      frozen,
      {'steps': config.num_train_steps, **pace.summary()},
    )


def _refit(experiment, workdir, last, stop):
  """The first `last` steps again, now on validation too; kept apart."""
  checkpoints = experiment.checkpoints(workdir)
  if checkpoints.latest() == last:
    return
  experiment.display.say(f'refitting: {last} steps, on validation too')
  state, frozen = experiment.init()
  start, state = checkpoints.restore_latest(state)
  state, _ = _train(
    experiment, state, frozen, checkpoints, start or 0, stop, last
  )
  if checkpoints.latest() != last:
    checkpoints.save(last, state)
  checkpoints.wait()


def _train(experiment, state, frozen, checkpoints, start, stop, last=None):
  """The loop; returns the last state and how fast it went.

  Up to the step `last`, by default all.
  """
  config, display = experiment.config, experiment.display
  last = config.num_train_steps if last is None else last
  writer = metric_writers.create_default_writer(
    str(checkpoints.directory.parent),
    just_logging=jax.process_index() != 0,
    asynchronous=False,
  )

  def validate_and_save(step):
    metrics = experiment.validate(
      state.params, frozen, pretrained_encoder=step == 0
    ).metrics
    _write(writer, step, 'validation', metrics)
    shown = ', '.join(f'{k} {v:.4f}' for k, v in list(metrics.items())[:4])
    display.say(f'step {step}: validation {shown}')
    checkpoints.save(step, state, metrics)

  if start is None:
    start = 0
    validate_and_save(0)  # So that training that only hurts is not chosen.
  pace = experiment.pace()
  pending = {}  # Metrics still on the device, by step.
  pipeline = experiment.pipeline
  batches = pipeline.counted(start, last)
  with stop.steps(), display.track('training', last, start) as advance:
    pace.start()
    for step, (batch, counts) in enumerate(batches, start + 1):
      pace.got_batch()
      batch = sharding.put_batch(batch, experiment.mesh, pipeline.part)
      state, pending[step] = experiment.train_step(state, frozen, batch)
      validates = step % config.eval_every_steps == 0 or step == last
      validates &= not experiment.refits
      stops = stop.reached(step)
      saves = stops or step % config.checkpoint_every_steps == 0
      note = ''
      if validates or saves or step % config.log_every_steps == 0:
        metrics = _fetch(pending, pipeline)
        pending = {}
      else:
        metrics = None
      pace.stop(counts, experiment.train_step._cache_size())
      pace.start()
      if metrics:
        metrics |= pace.metrics()
        _write(writer, step, 'train', metrics)
        told = (f'loss {metrics["loss"]:.4f}', pace.note())
        note = ', '.join(part for part in told if part)
      advance(1, note)
      if validates:
        validate_and_save(step)
      elif saves:
        checkpoints.save(step, state)
      if stops:
        checkpoints.wait()
        raise Stopped(f'stopped after step {step}, which is saved')
      if validates or saves:
        pace.start()  # These seconds are not the training's.
  writer.close()
  return state, pace


def _fetch(pending: dict, pipeline) -> dict[str, float]:
  """The last step's metrics as floats; all steps' losses must be finite."""
  fetched = jax.device_get(pending)
  for step, metrics in fetched.items():
    for name, value in metrics.items():
      if not math.isfinite(value):
        told = ', '.join(pipeline.told(step - 1)[:8])
        raise UserError(
          f'{name} is {value} at step {step}: nothing was saved since the last '
          f'checkpoint; its batch is of {told}, ...: look at them, '
          'or lower optim.*_learning_rate'
        )
  return {name: float(value) for name, value in metrics.items()}


def _write(writer, step, group, metrics):
  writer.write_scalars(
    step, {f'{group}/{name}': value for name, value in metrics.items()}
  )
  writer.flush()


def _count(params) -> str:
  count = parameter_overview.count_parameters(params) if params else 0
  return f'{int(count):,}'
