"""Models beside each other: metrics, intervals and paired differences."""

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.texts import distinct
from jaxrec.evaluation import confidence, metrics
from jaxrec.evaluation.metrics import PerExample

OURS = 'jaxrec'


def users_of_examples(examples: Impressions) -> np.ndarray:
  """int [E]: the user of each example, 0..U - 1."""
  return distinct(examples.user_ids)[1]


def side_by_side(
  values: dict[str, PerExample],
  reached: dict[str, dict[str, float]],
  users: np.ndarray,
  *,
  draws: int,
  seed: int,
) -> dict:
  """Ours beside the others, all on the same resamples of the users.

  Args:
    values: per-example metrics by model, ours among them.
    reached: the metrics of all examples, by model.
    users: see `confidence.bootstrap`.
    draws: resamples.
    seed: of the draws.

  Returns:
    'metrics' and 'intervals' of ours, 'baselines' and 'baseline_intervals' by
    name, and 'comparisons': ours minus each, by metric.
  """
  replicates = confidence.bootstrap(values, users, draws=draws, seed=seed)
  ranges = {name: intervals(x) for name, x in replicates.items()}
  others = [name for name in values if name != OURS]
  return {
    'metrics': reached[OURS],
    'intervals': ranges[OURS],
    'baselines': {name: reached[name] for name in others},
    'baseline_intervals': {name: ranges[name] for name in others},
    'comparisons': {
      name: {
        metric: confidence.comparison(
          replicates[OURS][metric],
          replicates[name][metric],
          reached[OURS][metric] - reached[name][metric],
        )
        for metric in replicates[OURS]
      }
      for name in others
    },
  }


def added_by_training(
  values: PerExample,
  start: PerExample,
  users: np.ndarray,
  *,
  draws: int,
  seed: int,
) -> dict:
  """What a trained model reaches beyond its own step 0.

  Args:
    values, start: per-example metrics of both; of `values` those alone count
      that `start` has.
    users, draws, seed: see `side_by_side`.

  Returns:
    'step_0': metrics; 'added': by metric, see `confidence.comparison`.
  """
  models = {OURS: {name: values[name] for name in start}, 'step_0': start}
  reached = {name: metrics.finalize(v) for name, v in models.items()}
  compared = side_by_side(models, reached, users, draws=draws, seed=seed)
  return {
    'step_0': reached['step_0'],
    'added': compared['comparisons']['step_0'],
  }


def intervals(replicates: dict[str, np.ndarray]) -> dict[str, list[float]]:
  """By metric, see `confidence.interval`."""
  return {metric: confidence.interval(x) for metric, x in replicates.items()}
