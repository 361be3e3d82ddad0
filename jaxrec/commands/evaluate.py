"""Evaluation of a workdir's best checkpoint, on any split."""

import pathlib
from typing import Any

import jax
from ml_collections import ConfigDict

from jaxrec import workdirs
from jaxrec.console import Display
from jaxrec.data.columns.impressions import Impressions
from jaxrec.errors import UserError
from jaxrec.evaluation import predictions
from jaxrec.evaluation.showcase import showcase
from jaxrec.evaluation.summary import OURS, evaluate
from jaxrec.preflight import check_split, check_trained
from jaxrec.report import render, table
from jaxrec.report.curves import read_curves
from jaxrec.training import identity
from jaxrec.training.experiment import Experiment
from jaxrec.training.settings import Config

CAVEATS = {  # What keeps a split's numbers from being a test.
  'test': None,
  'validation': 'the checkpoint, the threshold and the settings of the '
  'baselines were chosen on these examples',
  'train': 'these examples were trained on, by jaxrec and the baselines',
}


def evaluate_workdir(
  config: Config | ConfigDict, workdir: pathlib.Path, split: str
) -> dict[str, Any]:
  """Evaluates the best checkpoint of a trained workdir, anew.

  Args:
    config: must be the one the workdir was trained with.
    workdir: of a training run.
    split: one of `preflight.SPLITS`.

  Returns:
    What was written as results.json.

  Raises:
    UserError: nothing is trained there, or by another config.
  """
  check_split(split)
  check_trained(workdir)
  display = Display(quiet=jax.process_index() != 0)
  experiment = Experiment.from_config(config, display)
  identity.check(workdir, experiment.config, experiment.fingerprints)
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    before = workdirs.read(workdir) or {}
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
  """The best checkpoint beside the baselines, in files and a table.

  results.json, predictions and report.html; of another split than the test
  their names say which.

  Args:
    experiment: set up.
    workdir: where the checkpoints are and the files go.
    state: a TrainState, for its layout alone.
    frozen: parameters that do not train.
    train: what results.json is to say of the training.
    split: one of `preflight.SPLITS`.

  Returns:
    What was written as results.json.
  """
  if not isinstance(getattr(experiment.dataset, split), Impressions):
    raise UserError(
      f'--split={split}: of sequences only what is held out can be evaluated: '
      'give test or validation'
    )
  chosen = experiment.restore_chosen(workdir, state)
  config, data = experiment.config, experiment.dataset
  display = experiment.display
  validated = experiment.validate(chosen.judged, frozen)
  early = experiment.known('validation')
  # Other splits than the test are what a refit has learned from.
  params = chosen.params if split == 'test' else chosen.judged
  evaluation = evaluate(
    experiment.scorer(params, frozen),
    experiment.protocol,
    split=getattr(data, split),
    validation=data.validation,
    known=experiment.known('test') if split == 'test' else early,
    known_before_validation=early,
    baselines=config.evaluation.baselines,
    threshold=validated.threshold,
    calibrated=validated.calibrated,
    num_bootstrap=config.evaluation.num_bootstrap,
    seed=config.seed,
    track=display.track,
  )
  results = {
    'dataset': data.name,
    'split': split,
    'caveat': CAVEATS[split],
    'best_step': chosen.step,
    'refitted': config.training.refit and split == 'test',
    'threshold': validated.threshold,
    **evaluation.results,
    'validation': validated.metrics,
    'train': train,
    'config': config.to_dict(),
    'fingerprints': experiment.fingerprints,
    'data': data.counts,
    'versions': workdirs.versions(),
  }
  results = workdirs.plain(results)
  table.show(results, display)
  if jax.process_index() == 0:
    paths = _write(experiment, workdir, split, results, evaluation)
    display.say(f'best step {chosen.step}; {", ".join(map(str, paths))}')
  return results


def _write(
  experiment: Experiment, workdir: pathlib.Path, split: str, results, evaluation
) -> list[pathlib.Path]:
  """The files that tell of an evaluation; results.json, the last, is proof."""
  stem = lambda name: name if split == 'test' else f'{name}.{split}'
  items, ours = experiment.dataset.items, evaluation.judged[OURS]
  predicted = predictions.write(
    workdir,
    stem('predictions'),
    evaluation.examples,
    ours,
    items['item_id'],
    shown=results['protocol']['name'] == 'impressions',
  )
  path = workdir / f'{stem("report")}.html'
  render.write(
    path,
    results,
    read_curves(workdir),
    showcase(
      evaluation.examples,
      ours,
      items['item_id'],
      experiment.catalog.texts,
      seed=experiment.config.seed,
    ),
  )
  kept = workdir / f'{stem("results")}.json'
  workdirs.write_json(kept, results)
  return [kept, predicted, path]
