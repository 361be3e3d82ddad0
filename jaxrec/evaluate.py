"""Evaluation of a workdir's best checkpoint on the test split."""

import pathlib

import jax

from jaxrec import results
from jaxrec.display import Display
from jaxrec.errors import UserError
from jaxrec.experiment import Experiment


def evaluate_workdir(config, workdir: pathlib.Path) -> dict:
  """Evaluates the best checkpoint of a trained workdir, anew.

  Args:
    config: a ConfigDict; must be the one the workdir was trained with.
    workdir: of a training run.

  Returns:
    What results.json holds.

  Raises:
    UserError: nothing is trained there, or by another config.
  """
  if results.read_config(workdir) is None:
    raise UserError(
      f'workdir {workdir} holds no config.json: train there first '
      '(--mode=train)'
    )
  display = Display(quiet=jax.process_index() != 0)
  experiment = Experiment.from_config(config, display)
  results.check_workdir(workdir, config, experiment.fingerprints)
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    before = results.read(workdir) or {}
    return evaluate_best(
      experiment, workdir, state, frozen, before.get('train', {})
    )


def evaluate_best(
  experiment: Experiment,
  workdir: pathlib.Path,
  state,
  frozen,
  train: dict,
) -> dict:
  """Test metrics of the best checkpoint beside the baselines' -> results.json.

  Args:
    experiment: set up.
    workdir: where the checkpoints are and results.json goes.
    state: a TrainState, for its layout alone.
    frozen: parameters that do not train.
    train: what results.json is to say of the training.

  Returns:
    What was written.
  """
  checkpoints = experiment.checkpoints(workdir)
  best, state = checkpoints.restore_best(state)
  if best is None:
    raise UserError(f'{checkpoints.directory}: no validated checkpoint yet')
  data = experiment.dataset
  validation, threshold = experiment.validate(state.params, frozen)
  flat = experiment.logits(state.params, frozen, data.test)
  found = {
    'dataset': data.name,
    'split': 'test',
    'best_step': best,
    'threshold': threshold,
    'metrics': experiment.metrics(data.test, flat, threshold),
    'baselines': experiment.baselines(),
    'validation': validation,
    'train': train,
    'config': experiment.config.to_dict(),
    'fingerprints': experiment.fingerprints,
    'data': data.counts,
    'versions': results.versions(),
  }
  if jax.process_index() == 0:
    results.write_json(workdir / 'results.json', found)
  results.show(found, experiment.display)
  experiment.display.say(f'best step {best}; {workdir / "results.json"}')
  return found
