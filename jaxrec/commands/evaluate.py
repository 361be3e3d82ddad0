"""Evaluation of a workdir's best checkpoint, on any split."""

import copy
import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from jaxrec import workdirs
from jaxrec.console import Display
from jaxrec.data.columns.impressions import Impressions
from jaxrec.errors import UserError
from jaxrec.evaluation import choices, predictions
from jaxrec.evaluation import gains as choosing
from jaxrec.evaluation.protocols import WholeCatalog
from jaxrec.evaluation.showcase import showcase
from jaxrec.evaluation.summary import NETWORK, NOT_REFITTED, OURS, evaluate
from jaxrec.preflight import check_split, check_trained
from jaxrec.report import added, render, table
from jaxrec.report.curves import read_curves
from jaxrec.training import identity
from jaxrec.training.experiment import Experiment
from jaxrec.training.settings import Config
from jaxrec.training.validation import validate

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
  identity.check(
    workdir,
    experiment.given,
    experiment.fingerprints,
    experiment.dataset.files,
  )
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
  scorer_of = functools.partial(experiment.judge.scorer, frozen=frozen)
  with display.working('choosing on validation'):
    validated = validate(
      scorer_of(chosen.judged), experiment.judge.protocol, data.validation
    )
    gains = experiment.judge.choose_gains(chosen.judged, frozen)
    choice = None
    if isinstance(experiment.judge.protocol, WholeCatalog):
      choice = choices.fit(
        scorer_of(chosen.judged, gains=gains),
        experiment.judge.protocol,
        data.validation,
        history_length=config.input.history_length,
        seed=config.seed,
      )
  early = experiment.judge.known('validation')
  # Other splits than the test are what a refit has learned from.
  refitted = config.training.refit and split == 'test'
  params = chosen.params if refitted else chosen.judged
  of_params = experiment.refit() if refitted else experiment
  scorer = scorer_of(params, gains=gains, members=of_params.judge.members)
  variants = {}
  if gains:
    variants[NETWORK] = scorer_of(params)
  if refitted:
    variants[NOT_REFITTED] = scorer_of(chosen.judged, gains=gains)
  start = None
  if chosen.step:
    fresh = _step_0(experiment, refitted)
    start = scorer_of(fresh, pretrained_encoder=True)
  with display.working(f'judging the {split} split'):
    evaluation = evaluate(
      scorer,
      experiment.judge.protocol,
      split=getattr(data, split),
      validation=data.validation,
      known=experiment.judge.known('test') if split == 'test' else early,
      known_before_validation=early,
      baselines=config.evaluation.baselines,
      threshold=validated.threshold,
      calibrated=validated.calibrated,
      num_bootstrap=config.evaluation.num_bootstrap,
      seed=config.seed,
      track=display.track,
      choice=choice,
      history_length=config.input.history_length,
      start=start,
      variants=variants,
    )
    ensemble = None
    if gains:
      ensemble = _ensemble(experiment, of_params, params, frozen, gains, split)
  results = {
    'dataset': data.name,
    'split': split,
    'caveat': CAVEATS[split],
    'best_step': chosen.step,
    'refitted': refitted,
    'threshold': validated.threshold,
    **evaluation.results,
    'ensemble': ensemble,
    'validation': validated.metrics,
    'train': train,
    'config': config.to_dict(),
    'fingerprints': experiment.fingerprints,
    'data': data.counts,
    'versions': workdirs.versions(),
  }
  results = workdirs.plain(results)
  results['training']['chosen_step'] = chosen.step
  results['training']['summary'] = added.sentence(results)
  table.show(results, display)
  if jax.process_index() == 0:
    paths = _write(experiment, workdir, split, results, evaluation)
    display.say(f'best step {chosen.step}; {", ".join(map(str, paths))}')
  return results


def _ensemble(
  experiment: Experiment,
  of_params: Experiment,
  params: dict,
  frozen: dict,
  gains: Mapping[str, float],
  split: str,
) -> dict:
  """For results.json: what each part of the ensemble weighs and is worth.

  Args:
    experiment: set up.
    of_params: the same, or its refit: whose members are judged.
    params, frozen: parameters.
    gains: chosen on validation.
    split: to be judged.
  """
  judge = experiment.judge
  metric = judge.protocol.main_metric
  contenders = judge.contenders(
    params,
    frozen,
    getattr(experiment.dataset, split),
    of_params.judge.members,
  )
  return {
    'gains': dict(gains),
    'chosen_on': 'validation',
    'metric': metric,
    'examples': contenders.num_examples,
    'parts': choosing.parts(contenders, gains, metric),
  }


def _step_0(experiment: Experiment, refitted: bool) -> dict:
  """The parameters before the first step: the seed gives them again.

  Args:
    experiment: set up; its compiled steps are left as they are.
    refitted: whether starts are those of a refit, on validation too.
  """
  again = experiment.refit() if refitted else copy.copy(experiment)
  state, _ = again.init()
  return state.params


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
