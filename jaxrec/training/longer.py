"""A training that is to last longer than it was begun to.

What was trained so far has to be what the longer training would have come to:
then it is gone on with, and nobody needs to know that it was not begun so. That
holds where the learning rates of the steps that were taken do not depend on how
many are still to come.
"""

import dataclasses
import pathlib
from collections.abc import Callable

from jaxrec.errors import UserError
from jaxrec.training.settings import Config

LENGTHS = ('num_steps', 'epochs')  # Of `TrainingConfig`.


def as_long_as(config: Config, begun: Config) -> Config:
  """`begun`, with the length of `config`."""
  lengths = {name: getattr(config.training, name) for name in LENGTHS}
  training = dataclasses.replace(begun.training, **lengths)
  return dataclasses.replace(begun, training=training)


def is_longer(config: Config, begun: Config) -> bool:
  """Whether nothing but the length of the training was raised.

  Where `training.epochs` says how long it is, `num_steps` says nothing.
  """
  now, then = config.training, begun.training
  if (now.num_steps, now.epochs) == (then.num_steps, then.epochs):
    return False
  if now.epochs and then.epochs:
    return now.epochs >= then.epochs
  return not now.epochs and not then.epochs and now.num_steps > then.num_steps


def check(
  config: Config,
  begun: Config,
  workdir: pathlib.Path,
  num_steps: Callable[[], int] | None = None,
) -> None:
  """UserError where what was trained is not a part of the longer training.

  Args:
    config: of the longer training.
    begun: of the one that is there.
    workdir: where it is.
    num_steps: gives the steps of the longer one, which of epochs the data say;
      None: nobody knows yet.
  """
  name = 'epochs' if config.training.epochs else 'num_steps'
  then, now = getattr(begun.training, name), getattr(config.training, name)
  change = f'training.{name} (there {then:g}, now {now:g})'
  anew = (
    f'--config={workdir}/config.json --config.training.{name}={now:g} and '
    'another --workdir trains so from the start'
  )
  if not then:
    raise UserError(
      f'workdir {workdir}: {change}: how long it lasts was left to the size of '
      f'the data, and other settings with it: {anew}'
    )
  if begun.optimizer.schedule != 'constant':
    raise UserError(
      f'workdir {workdir}: {change}: with optimizer.schedule='
      f'{begun.optimizer.schedule} the learning rate of every step depends on '
      f'the last one, so that going on is not what a longer training does: '
      f'{anew} (one with optimizer.schedule=constant may grow)'
    )
  if name == 'num_steps' and not begun.training.eval_every:
    raise UserError(
      f'workdir {workdir}: {change}: its looks at validation '
      '(training.eval_every=0) were spread over the steps that it had, and one '
      f'of them chose the model: {anew}'
    )
  warmup = begun.optimizer.warmup_steps
  if name == 'num_steps':
    steps = then
  elif num_steps is None:
    return
  else:
    steps = round(num_steps() * then / now)
  if steps <= warmup:
    raise UserError(
      f'workdir {workdir}: {change}: its {steps} steps were fewer than '
      f'optimizer.warmup_steps={warmup}, so that it warmed up faster than a '
      f'longer training does: {anew}'
    )
