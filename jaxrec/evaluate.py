"""Evaluation of a workdir's best checkpoint, on any split."""

import pathlib

import jax

from jaxrec import results
from jaxrec.display import Display
from jaxrec.errors import UserError, choices
from jaxrec.evaluation import evaluate
from jaxrec.experiment import Experiment

SPLITS = ('test', 'validation')


def evaluate_workdir(config, workdir: pathlib.Path, split: str) -> dict:
  """Evaluates the best checkpoint of a trained workdir, anew.

  Args:
    config: a ConfigDict; must be the one the workdir was trained with.
    workdir: of a training run.
    split: one of SPLITS.

  Returns:
    What was written as results.json.

  Raises:
    UserError: nothing is trained there, or by another config.
  """
  if split not in SPLITS:
    raise UserError(f'--split: {choices(split, SPLITS)}')
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
      experiment, workdir, state, frozen, before.get('train', {}), split
    )


def evaluate_best(
  experiment: Experiment,
  workdir: pathlib.Path,
  state,
  frozen,
  train: dict,
  split: str = 'test',
) -> dict:
  """The best checkpoint beside the baselines, told in files and a table.

  results.json, predictions and report.html; of another split than the test
  their names say which.

  Args:
    experiment: set up.
    workdir: where the checkpoints are and the files go.
    state: a TrainState, for its layout alone.
    frozen: parameters that do not train.
    train: what results.json is to say of the training.
    split: one of SPLITS.

  Returns:
    What was written as results.json.
  """
  checkpoints = experiment.checkpoints(workdir)
  best, state = checkpoints.restore_best(state)
  if best is None:
    raise UserError(f'{checkpoints.directory}: no validated checkpoint yet')
  config, data, display = (
    experiment.config,
    experiment.dataset,
    experiment.display,
  )
  validation, threshold = experiment.validate(state.params, frozen)
  found = evaluate(
    experiment.scorer(state.params, frozen),
    experiment.protocol,
    split=getattr(data, split),
    validation=data.validation,
    known=experiment.known,
    in_validation=split != 'test',
    threshold=threshold,
    num_bootstrap=config.evaluation.num_bootstrap,
    seed=config.seed,
    track=display.track,
  )
  told = {
    'dataset': data.name,
    'split': split,
    'best_step': best,
    'threshold': threshold,
    **found.results,
    'validation': validation,
    'train': train,
    'config': config.to_dict(),
    'fingerprints': experiment.fingerprints,
    'data': data.counts,
    'versions': results.versions(),
  }
  if jax.process_index() == 0:
    name = lambda stem: stem if split == 'test' else f'{stem}.{split}'
    results.write_json(workdir / f'{name("results")}.json', told)
  results.show(results.plain(told), display)
  display.say(f'best step {best}; {workdir / "results.json"}')
  return told
