"""Ours beside the baselines on one split: what results.json says of it."""

import dataclasses
from collections.abc import Callable

import numpy as np

from jaxrec.baselines import Known
from jaxrec.baselines.trivial import oracle
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences
from jaxrec.evaluation import calibration, confidence, lists, metrics
from jaxrec.evaluation.config import baseline_names
from jaxrec.evaluation.judged import Judged
from jaxrec.evaluation.protocols import Protocol
from jaxrec.evaluation.scorers import BlockScorer, Scorer
from jaxrec.evaluation.slices import slices
from jaxrec.evaluation.tuning import judge_baseline

OURS = 'jaxrec'


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """One split, judged.

  Attributes:
    examples: what was evaluated.
    judged: by model, ours first.
    results: plain values for results.json: protocol, metrics, intervals,
      baselines, baseline_intervals, comparisons, choices, slices, calibration,
      popularity_bias.
  """

  examples: Impressions
  judged: dict[str, Judged]
  results: dict


def evaluate(
  scorer: Scorer,
  protocol: Protocol,
  *,
  split: Impressions,
  validation: Impressions,
  known: Known,
  known_before_validation: Known,
  baselines: str,
  threshold: float,
  calibrated: tuple[float, float] | None,
  num_bootstrap: int,
  seed: int,
  track: Callable,
) -> Evaluation:
  """Judges ours and every baseline on a split.

  Args:
    scorer: ours.
    protocol: see `protocols`.
    split: to be evaluated.
    validation: where baselines' settings and thresholds are chosen.
    known: what baselines learn from for `split`.
    known_before_validation: and for choosing their settings.
    baselines: which, see `config.baseline_names`.
    threshold: the logit from which ours calls a candidate clicked.
    calibrated: see `calibration.fit`, of ours on validation.
    num_bootstrap: resamples.
    seed: of what is drawn.
    track: see `Display.track`.
  """
  examples, left_out = protocol.examples(split)
  judged = {OURS: protocol.judge(scorer, examples, threshold)}
  choosing, _ = protocol.examples(validation)
  choices = {}
  names = baseline_names(baselines)
  with track('baselines', max(len(names), 1)) as advance:
    for name in names:
      judged[name], choices[name] = judge_baseline(
        name, protocol, examples, known, choosing, known_before_validation
      )
      advance(1, name)
  if examples.probabilities is not None:
    truth = BlockScorer(None, _probabilities)
    level = metrics.best_threshold(truth.pairs(choosing), choosing.labels)
    judged['oracle'] = protocol.judge(truth, examples, level)
  results = summarize(
    judged,
    protocol,
    examples,
    known,
    num_bootstrap=num_bootstrap,
    seed=seed,
  )
  results['protocol']['left_out'] = left_out
  results['choices'] = choices
  results['calibration'] = None
  if protocol.name == 'impressions':
    logits = judged[OURS].logits
    assert logits is not None  # Candidates are listed.
    results['calibration'] = calibration.as_trained_and_fitted(
      logits, examples.labels, calibrated
    )
  return Evaluation(examples, judged, results)


def summarize(
  judged: dict[str, Judged],
  protocol: Protocol,
  examples: Impressions,
  known: Known,
  *,
  num_bootstrap: int,
  seed: int,
) -> dict:
  """Plain values of what was judged; see `Evaluation.results`."""
  popularity = users_of(known.sequences, known.num_items)
  catalog = lists.CatalogFacts(popularity, len(known.sequences), known.vectors)
  values = {
    name: j.values | lists.list_metrics(j.top, catalog)
    for name, j in judged.items()
  }
  reached = {name: metrics.finalize(v) for name, v in values.items()}
  for name, j in judged.items():
    reached[name][f'coverage@{lists.K}'] = lists.coverage(j.top, catalog)
  ids = [examples.user_ids[i] for i in range(len(examples))]
  _, users = np.unique(np.asarray(ids, dtype=str), return_inverse=True)
  resample = lambda models, users: confidence.bootstrap(
    models, users, draws=num_bootstrap, seed=seed
  )
  replicates = resample(values, users)
  intervals = {name: _intervals(x) for name, x in replicates.items()}
  others = [name for name in judged if name != OURS]
  comparisons = {
    name: {
      metric: confidence.comparison(
        replicates[OURS][metric],
        replicates[name][metric],
        reached[OURS][metric] - reached[name][metric],
      )
      for metric in replicates[OURS]
    }
    for name in others
  }

  def of_slice(mask: np.ndarray) -> dict:
    parts = {name: metrics.rows(v, mask) for name, v in values.items()}
    _, users_within = np.unique(users[mask], return_inverse=True)
    within = resample({OURS: parts[OURS]}, users_within)
    return {
      'examples': int(mask.sum()),
      'metrics': metrics.finalize(parts[OURS]),
      'intervals': _intervals(within[OURS]),
      'baselines': {name: metrics.finalize(parts[name]) for name in others},
    }

  return {
    'protocol': {
      'name': protocol.name,
      'candidates': protocol.describe(),
      'seen': protocol.seen,
      'main_metric': protocol.main_metric,
      'ties': 'against the scorer',
      'examples': len(examples),
      'users': int(users.max(initial=-1)) + 1,
      'catalog': known.num_items,
    },
    'metrics': reached[OURS],
    'intervals': intervals[OURS],
    'baselines': {name: reached[name] for name in others},
    'baseline_intervals': {name: intervals[name] for name in others},
    'comparisons': comparisons,
    'slices': {
      question: {name: of_slice(mask) for name, mask in answers.items()}
      for question, answers in slices(
        examples, known.sequences, popularity
      ).items()
    },
    'popularity_bias': lists.popularity_bias(
      {name: j.top for name, j in judged.items()},
      examples.candidates[np.asarray(examples.labels) > 0],
      catalog,
    ),
  }


def _probabilities(examples: Impressions, rows: np.ndarray) -> np.ndarray:
  """What the oracle scores by, of examples whose clicks were drawn."""
  probabilities = oracle(examples, rows)
  assert probabilities is not None
  return probabilities


def _intervals(replicates: dict[str, np.ndarray]) -> dict[str, list[float]]:
  return {metric: confidence.interval(x) for metric, x in replicates.items()}


def users_of(sequences: Sequences, num_items: int) -> np.ndarray:
  """int64 [N]: how many users acted on each item."""
  pairs = np.unique(sequences.users * num_items + sequences.items)
  return np.bincount(pairs % num_items, minlength=num_items)
