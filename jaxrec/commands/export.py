"""--mode=export: a trained workdir -> a bundle, see `bundle.layout`."""

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
from jaxrec.commands.bundle_files import Trained
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.evaluation import calibration, protocols
from jaxrec.preflight import check_trained
from jaxrec.training import identity
from jaxrec.training.experiment import Experiment
from jaxrec.training.settings import Config
from jaxrec.training.state import merge_params
from jaxrec.training.validation import Validated

DRAWN = 100  # Items against which a target is calibrated, drawn for each.
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
  identity.check(workdir, experiment.config, experiment.fingerprints)
  with layout.replacing(bundle) as partial:
    with jax.set_mesh(experiment.mesh):
      trained = _trained(experiment, workdir)
    contents = bundle_files.write(experiment, workdir, trained, partial)
    layout.seal(partial, workdirs.plain(contents))
    manifest = layout.verified(partial)
  size = sum(file['bytes'] for file in manifest['files'].values())
  display.say(
    f'{bundle}: step {trained.step}, {len(experiment.catalog):,} items, '
    f'{size / 1e6:,.0f} MB; jaxrec.load({str(bundle)!r}) asks it'
  )
  return manifest


def _trained(experiment: Experiment, workdir: pathlib.Path) -> Trained:
  state, frozen = experiment.init()
  chosen = experiment.restore_chosen(workdir, state)
  # What has learned from validation cannot be calibrated there.
  validated = experiment.validate(chosen.judged, frozen)
  judge = experiment.scorer(chosen.judged, frozen)
  everything = np.arange(len(experiment.catalog))
  table = experiment.scorer(chosen.params, frozen).table_of(everything)
  popularity, half_life = _popularity(experiment)
  return Trained(
    step=chosen.step,
    params=jax.tree.map(np.asarray, merge_params(chosen.params, frozen)),
    vectors=np.asarray(table, np.float32),
    calibrated=_calibrated(experiment, judge, validated),
    validated=validated,
    popularity=popularity,
    half_life=half_life,
  )


# ------------------------------------------------------------------- choices
def _calibrated(experiment: Experiment, scorer, validated: Validated) -> dict:
  """Slope and intercept of the probability, and what that is the chance of.

  Of lists, that a candidate is clicked which is shown. Where the whole catalog
  is ranked, that an item is what the user does next: fitted on the validation
  targets, each against DRAWN others, whose share of all others the intercept
  is corrected for, as in a case-control study (Prentice & Pyke, 1979).
  """
  name = experiment.protocol.name
  fitted, correction, on = validated.calibrated, 0.0, 'candidates shown'
  if name != 'impressions':
    split, count = experiment.dataset.validation, len(experiment.catalog)
    if name == 'cold_items':
      examples, on = split, 'the newest items, each a candidate'
    else:
      drawn = protocols.Sampled(name, DRAWN, count, experiment.config.seed)
      examples, _ = drawn.examples(split)
      correction = np.log(min(DRAWN / max(count - 1, 1), 1.0))
      on = f'targets against {DRAWN} drawn items each, corrected to the catalog'
    fitted = None
    if len(examples):
      fitted = calibration.fit(scorer.pairs(examples), examples.labels)
  if fitted is None:
    why = 'no validation example has both a click and another item'
    return {'slope': None, 'intercept': None, 'on': None, 'why': why}
  slope, intercept = fitted
  return {
    'slope': slope,
    'intercept': float(intercept + correction),
    'on': f'validation: {on}',
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
