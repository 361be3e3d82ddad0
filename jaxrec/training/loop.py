"""Training: the loop, top to bottom."""

import math

import jax

from jaxrec.errors import UserError
from jaxrec.parallel.processes import Stopped, StopSignal
from jaxrec.training.checkpoints import Checkpoints
from jaxrec.training.experiment import Experiment
from jaxrec.training.state import TrainState
from jaxrec.training.throughput import Pace
from jaxrec.training.trackers import make_writer


def train(
  experiment: Experiment,
  state: TrainState,
  frozen: dict,
  checkpoints: Checkpoints,
  start: int | None,
  stop: StopSignal,
  last: int | None = None,
) -> tuple[TrainState, Pace]:
  """The loop; the last state, and how fast it went.

  Args:
    experiment: set up.
    state: to go on from.
    frozen: parameters that do not train.
    checkpoints: where states are saved.
    start: the step of `state`; None: nothing was trained yet.
    stop: tells whether SIGTERM came.
    last: the step to go up to; None: all.

  Raises:
    UserError: a loss that is no number.
    Stopped: SIGTERM came; what was trained is saved.
  """
  config, display = experiment.schedule, experiment.display
  last = config.num_steps if last is None else last
  writer = make_writer(
    experiment.config.tracking,
    checkpoints.directory.parent,
    first=jax.process_index() == 0,
  )

  best = checkpoints.best()  # The highest metric so far, and its step.

  def validate_and_save(step):
    nonlocal best
    metrics = experiment.judge.validate(
      experiment.weights(state), frozen, pretrained_encoder=step == 0
    ).metrics
    _write(writer, step, 'validation', metrics)
    shown = ', '.join(
      f'{name} {value:.4f}' if math.isfinite(value) else f'{name} -'
      for name, value in list(metrics.items())[:4]
    )
    display.say(f'step {step}: validation {shown}')
    checkpoints.save(step, state, metrics)
    value = metrics[experiment.judge.protocol.main_metric]
    if math.isfinite(value) and (best is None or value > best[0]):
      best = value, step

  def is_patient(step):
    """Whether a better step may still come."""
    return (
      experiment.refits
      or best is None  # Validation measures nothing.
      or not config.patience
      or step - best[1] < config.patience * config.eval_every
    )

  if start is None:
    start = 0
    if reason := experiment.judge.unmeasured():
      display.say(
        f'note: validation measures nothing ({reason}): the last step is what '
        'is kept, and no setting is chosen there'
      )
    elif reason := experiment.judge.left_out():
      display.say(f'note: {reason}')
    validate_and_save(0)  # So that training that only hurts is not chosen.
  if not is_patient(start):
    last = start
  pace = experiment.pace()
  pending = {}  # Metrics still on the device, by step.
  pipeline = experiment.pipeline
  batches = pipeline.counted(start, last)
  with stop.steps(), display.track('training', last, start) as advance:
    pace.start()
    for step, (batch, counts) in enumerate(batches, start + 1):
      pace.got_batch()
      batch = experiment.on_mesh(batch)
      state, pending[step] = experiment.train_step(state, frozen, batch)
      validates = step % config.eval_every == 0 or step == last
      validates &= not experiment.refits
      stops = stop.reached(step)
      saves = stops or step % config.checkpoint_every == 0
      note = ''
      if validates or saves or step % config.log_every == 0:
        metrics = _fetch(pending, pipeline)
        pending = {}
      else:
        metrics = None
      pace.stop(counts, experiment.num_compiled())
      pace.start()
      if metrics:
        metrics |= pace.metrics()
        _write(writer, step, 'train', metrics)
        parts = (f'loss {metrics["loss"]:.4f}', pace.note())
        note = ', '.join(part for part in parts if part)
      advance(1, note)
      if validates:
        validate_and_save(step)
      elif saves:
        checkpoints.save(step, state)
      if stops:
        checkpoints.wait()
        raise Stopped(f'stopped after step {step}, which is saved')
      if validates and not is_patient(step):
        display.say(
          f'no better step in {config.patience} looks at validation: training '
          f'ends at {step} of {last}'
        )
        break
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
        examples = ', '.join(pipeline.describe(step - 1)[:8])
        raise UserError(
          f'{name} is {value} at step {step}: nothing was saved since the last '
          f'checkpoint; its batch is of {examples}, ...: look at them, '
          'or lower the learning rates'
        )
  return {name: float(value) for name, value in metrics.items()}


def _write(writer, step, group, metrics):
  writer.write_scalars(
    step, {f'{group}/{name}': value for name, value in metrics.items()}
  )
  writer.flush()
