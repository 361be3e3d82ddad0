"""--mode=export: a trained workdir -> a bundle, see `bundle.layout`."""

import dataclasses
import pathlib
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxrec import workdirs
from jaxrec.baselines import Known
from jaxrec.baselines.popularity import RecentPopularity
from jaxrec.bundle import layout
from jaxrec.commands import bundle_files
from jaxrec.commands.bundle_files import TEXT, Trained
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.evaluation import calibration, choices, protocols
from jaxrec.preflight import check_trained
from jaxrec.training import identity
from jaxrec.training.experiment import Experiment
from jaxrec.training.settings import Config
from jaxrec.training.state import merge_params
from jaxrec.training.validation import Validated

HALF_LIVES = (0.1, 1.0, 7.0, 30.0, 365.0)  # Days, of the prior.


def export_workdir(
  config: Config | ConfigDict, workdir: pathlib.Path, bundle: pathlib.Path
) -> dict[str, Any]:
  """Writes the model of a trained workdir as a bundle.

  Args:
    config: must be the one the workdir was trained with.
    workdir: of a training run.
    bundle: the directory; a bundle that is there is replaced.

  Returns:
    The manifest.

  Raises:
    UserError: nothing is trained there, or by another config; `bundle` is
      something else, or cannot be written.
  """
  layout.check_place(bundle)
  check_trained(workdir)
  if jax.process_count() > 1:
    raise UserError(
      '--mode=export: one process writes a bundle, whatever trained the '
      'workdir: start it alone'
    )
  display = Display()
  experiment = Experiment.from_config(config, display)
  identity.check(
    workdir,
    experiment.given,
    experiment.fingerprints,
    experiment.dataset.files,
  )
  is_finished = _is_finished(experiment, workdir)
  with layout.replacing(bundle) as partial:
    with jax.set_mesh(experiment.mesh):
      trained = _trained(experiment, workdir, is_finished)
    contents = bundle_files.write(experiment, workdir, trained, partial)
    layout.seal(partial, workdirs.plain(contents))
    manifest = layout.verified(partial)
  if not is_finished:
    display.say(
      f'note: the training in {workdir} is not finished: the bundle is of its '
      'best step so far; jaxrec train with this --workdir goes on'
    )
  size = sum(file['bytes'] for file in manifest['files'].values())
  display.say(
    f'{bundle}: step {trained.step}, {len(experiment.catalog):,} items, '
    f'{size / 1e6:,.0f} MB; jaxrec.load({str(bundle)!r}) asks it'
  )
  return manifest


def _is_finished(experiment: Experiment, workdir: pathlib.Path) -> bool:
  """Whether a training came to its last step, and was judged there."""
  results = workdirs.read(workdir) or {}
  steps = experiment.schedule.num_steps
  return results.get('train', {}).get('steps') == steps


def _trained(
  experiment: Experiment, workdir: pathlib.Path, is_finished: bool
) -> Trained:
  config = experiment.config
  state, frozen = experiment.init()
  chosen = experiment.restore_chosen(workdir, state, finished=is_finished)
  # What has learned from validation cannot be calibrated there.
  validated = experiment.judge.validate(chosen.judged, frozen)
  gains = experiment.judge.choose_gains(chosen.judged, frozen)
  judge = experiment.judge.scorer(chosen.judged, frozen, gains=gains)
  of_params = experiment.refit() if chosen.refitted else experiment
  everything = np.arange(len(experiment.catalog))
  table = experiment.judge.scorer(chosen.params, frozen).table_of(everything)
  popularity, half_life = _popularity(experiment)
  return Trained(
    step=chosen.step,
    params=jax.tree.map(np.asarray, merge_params(chosen.params, frozen)),
    vectors=np.asarray(table, np.float32),
    pooled=None
    if TEXT in config.model.terms
    else experiment.judge.pooled(chosen.params, frozen, everything),
    gains=gains,
    members=of_params.judge.members,
    calibrated=_calibrated(experiment, judge, validated),
    validated=validated,
    popularity=popularity,
    half_life=half_life,
  )


# ------------------------------------------------------------------- choices
def _calibrated(experiment: Experiment, scorer, validated: Validated) -> dict:
  """How logits become probabilities, and what these are the chance of.

  Of lists, that a candidate is clicked which is shown: slope and intercept of a
  sigmoid (Platt, 1999). Where the whole catalog is ranked, that an item is what
  the user does next: 'parameters' of a `retrieval.choice.Choice`.
  """
  name, split = experiment.judge.protocol.name, experiment.dataset.validation
  config = experiment.config
  calibrated: dict[str, Any] = dict.fromkeys(
    ('kind', 'slope', 'intercept', 'parameters')
  )
  if name in ('impressions', 'cold_items'):
    fitted, on = validated.calibrated, 'candidates shown'
    if name == 'cold_items':
      on = 'the newest items, each a candidate'
      fitted = None
      if len(split):
        fitted = calibration.fit(scorer.pairs(split), split.labels)
    if fitted is None:
      why = 'no validation example has both a click and another item'
      return calibrated | {'on': None, 'why': why}
    slope, intercept = fitted
    calibrated |= {'kind': 'platt', 'slope': slope, 'intercept': intercept}
    return calibrated | {'on': f'validation: {on}', 'why': None}
  # Results may be of a sample; probabilities are of the catalog.
  protocol = protocols.WholeCatalog(name, config.evaluation.seen)
  choice = choices.fit(
    scorer,
    protocol,
    split,
    history_length=config.input.history_length,
    seed=config.seed,
  )
  if choice is None:
    why = 'no validation example has a target that is ranked'
    return calibrated | {'on': None, 'why': why}
  calibrated |= {'kind': 'softmax', 'parameters': dataclasses.asdict(choice)}
  return calibrated | {
    'on': f'validation: targets among {protocol.describe()}',
    'why': None,
  }


def _popularity(experiment: Experiment) -> tuple[np.ndarray, float]:
  """How much was done with each item lately, and the half-life in days.

  Of HALF_LIVES the one by which most of what was done in validation is among
  the 100 first; then of all that is known before the test.
  """
  dataset = experiment.dataset

  def counts(split, days):
    known = Known(
      dataset.known(split),
      experiment.encoder.vectors,
      experiment.config.input.history_length,
      experiment.config.seed,
    )
    return RecentPopularity(half_life=days).fit(known).counts

  examples = dataset.validation
  targets = examples.candidates[np.asarray(examples.labels) > 0]

  def share_of_targets(days):
    best = np.argsort(-counts('validation', days), kind='stable')[:100]
    return np.isin(targets, best).mean() if len(targets) else 0.0

  days = max(HALF_LIVES, key=share_of_targets)
  return counts('test', days).astype(np.float32), days
