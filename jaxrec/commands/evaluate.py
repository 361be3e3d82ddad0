"""Evaluation of a workdir's best checkpoint, on any split."""

import pathlib

import jax

from jaxrec import workdirs
from jaxrec.console import Display
from jaxrec.data.columns.columns import Impressions
from jaxrec.errors import UserError
from jaxrec.evaluation import predictions
from jaxrec.evaluation.showcase import showcase
from jaxrec.evaluation.summary import OURS, evaluate
from jaxrec.preflight import check_split, check_trained
from jaxrec.report import render
from jaxrec.report.curves import read_curves
from jaxrec.training.experiment import Experiment

CAVEATS = {  # What keeps a split's numbers from being a test.
  'test': None,
  'validation': 'the checkpoint, the threshold and the settings of the '
  'baselines were chosen on these examples',
  'train': 'these examples were trained on, by jaxrec and the baselines',
}


def evaluate_workdir(config, workdir: pathlib.Path, split: str) -> dict:
  """Evaluates the best checkpoint of a trained workdir, anew.

  Args:
    config: a ConfigDict; must be the one the workdir was trained with.
    workdir: of a training run.
    split: one of `early.SPLITS`.

  Returns:
    What was written as results.json.

  Raises:
    UserError: nothing is trained there, or by another config.
  """
  check_split(split)
  check_trained(workdir)
  display = Display(quiet=jax.process_index() != 0)
  experiment = Experiment.from_config(config, display)
  workdirs.check_workdir(workdir, config, experiment.fingerprints)
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
  """The best checkpoint beside the baselines, told in files and a table.

  results.json, predictions and report.html; of another split than the test
  their names say which.

  Args:
    experiment: set up.
    workdir: where the checkpoints are and the files go.
    state: a TrainState, for its layout alone.
    frozen: parameters that do not train.
    train: what results.json is to say of the training.
    split: one of `early.SPLITS`.

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
  found = evaluate(
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
  told = {
    'dataset': data.name,
    'split': split,
    'caveat': CAVEATS[split],
    'best_step': chosen.step,
    'refitted': config.refit and split == 'test',
    'threshold': validated.threshold,
    **found.results,
    'validation': validated.metrics,
    'train': train,
    'config': config.to_dict(),
    'fingerprints': experiment.fingerprints,
    'data': data.counts,
    'versions': workdirs.versions(),
  }
  told = workdirs.plain(told)
  workdirs.show(told, display)
  if jax.process_index() == 0:
    paths = _write(experiment, workdir, split, told, found)
    display.say(f'best step {chosen.step}; {", ".join(map(str, paths))}')
  return told


def _write(
  experiment: Experiment, workdir: pathlib.Path, split: str, told, found
) -> list[pathlib.Path]:
  """The files that tell of an evaluation; results.json, the last, is proof."""
  stem = lambda name: name if split == 'test' else f'{name}.{split}'
  items, ours = experiment.dataset.items, found.judged[OURS]
  predicted = predictions.write(
    workdir,
    stem('predictions'),
    found.examples,
    ours,
    items['item_id'],
    shown=told['protocol']['name'] == 'impressions',
  )
  path = workdir / f'{stem("report")}.html'
  render.write(
    path,
    told,
    read_curves(workdir),
    showcase(
      found.examples,
      ours,
      items['item_id'],
      experiment.catalog.texts,
      seed=experiment.config.seed,
    ),
  )
  kept = workdir / f'{stem("results")}.json'
  workdirs.write_json(kept, told)
  return [kept, predicted, path]
