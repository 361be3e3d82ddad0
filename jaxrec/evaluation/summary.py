"""Ours beside the baselines on one split: what results.json says of it."""

import dataclasses

import numpy as np

from jaxrec.baselines import BASELINES, Baseline, Known, fitted
from jaxrec.baselines.trivial import oracle
from jaxrec.data.columns.columns import Impressions
from jaxrec.data.splits.sequences import Sequences
from jaxrec.errors import UserError
from jaxrec.errors import choices as unknown
from jaxrec.evaluation import calibration, confidence, lists, metrics
from jaxrec.evaluation.protocols import Judged
from jaxrec.evaluation.scorers import BlockScorer, Scorer
from jaxrec.evaluation.slices import slices

OURS = 'jaxrec'
TUNED_ON = 2000  # Validation examples at most: a baseline's settings are few.


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
  protocol,
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
  track,
) -> Evaluation:
  """Judges ours and every baseline on a split.

  Args:
    scorer: ours.
    protocol: see `protocols`.
    split: to be evaluated.
    validation: where baselines' settings and thresholds are chosen.
    known: what baselines learn from for `split`.
    known_before_validation: and for choosing their settings.
    baselines: which, see `chosen`.
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
  names = chosen(baselines)
  with track('baselines', max(len(names), 1)) as advance:
    for name in names:
      judged[name], choices[name] = judge_baseline(
        name, protocol, examples, known, choosing, known_before_validation
      )
      advance(1, name)
  if examples.probabilities is not None:
    truth = BlockScorer(None, oracle)
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
    results['calibration'] = calibration.told(
      judged[OURS].logits, examples.labels, calibrated
    )
  return Evaluation(examples, judged, results)


def chosen(names: str) -> list[str]:
  """Baselines that a config names: 'all', 'none', or some, by commas.

  Raises:
    UserError: one of them is unknown.
  """
  if names in ('all', 'none'):
    return list(BASELINES) if names == 'all' else []
  asked = [name.strip() for name in names.split(',')]
  for name in asked:
    if name not in BASELINES:
      raise UserError(
        'evaluation.baselines: ' + unknown(name, ('all', 'none', *BASELINES))
      )
  return asked


def judge_baseline(
  name: str,
  protocol,
  examples: Impressions,
  known: Known,
  choosing: Impressions,
  early: Known,
) -> tuple[Judged, dict]:
  """A baseline on examples, and its settings, chosen on validation.

  Args:
    name: a key of BASELINES.
    protocol: see `protocols`.
    examples, choosing: to be judged, and to choose on, as the protocol gave
      them.
    known: what the baseline learns from for the examples.
    early: what it learns from for choosing.
  """
  baseline, settings, level = choose(name, early, choosing, protocol)
  if known is not early:
    baseline = baseline.fit(known)
  told = settings | ({'note': baseline.note} if baseline.note else {})
  return protocol.judge(as_scorer(baseline), examples, level), told


def as_scorer(baseline: Baseline) -> BlockScorer:
  """A baseline as the protocols take it."""
  return BlockScorer(baseline.scores, baseline.pairs)


def choose(
  name: str, known: Known, validation: Impressions, protocol
) -> tuple[Baseline, dict, float]:
  """A baseline, its settings and its threshold, chosen on validation.

  Args:
    name: a key of BASELINES.
    known: what was before validation.
    validation: the examples.
    protocol: whose main metric decides; the first of equals wins.
  """
  if len(validation) > TUNED_ON:
    rng = np.random.default_rng(known.seed)
    rows = np.sort(rng.permutation(len(validation))[:TUNED_ON])
    validation = validation.take(rows)
  best = None
  for settings, baseline in fitted(name, known):
    judged = protocol.judge(as_scorer(baseline), validation, 0.0)
    value = metrics.finalize(judged.values)[protocol.main_metric]
    if best is None or value > best[0]:
      level = 0.0
      if judged.logits is not None:
        level = metrics.best_threshold(judged.logits, validation.labels)
      best = value, baseline, settings, level
  return best[1:]


def summarize(
  judged: dict[str, Judged],
  protocol,
  examples: Impressions,
  known: Known,
  *,
  num_bootstrap: int,
  seed: int,
) -> dict:
  """Plain values of what was judged; see `Evaluation.results`."""
  popularity = users_of(known.sequences, known.num_items)
  catalog = lists.Catalog(popularity, len(known.sequences), known.vectors)
  values = {
    name: j.values | lists.list_metrics(j.top, catalog)
    for name, j in judged.items()
  }
  found = {name: metrics.finalize(v) for name, v in values.items()}
  for name, j in judged.items():
    found[name][f'coverage@{lists.K}'] = lists.coverage(j.top, catalog)
  ids = [examples.user_ids[i] for i in range(len(examples))]
  _, users = np.unique(np.asarray(ids, dtype=str), return_inverse=True)
  boot = lambda some, of: confidence.bootstrap(
    some, of, draws=num_bootstrap, seed=seed
  )
  drawn = boot(values, users)
  intervals = {
    name: {metric: confidence.interval(x) for metric, x in of.items()}
    for name, of in drawn.items()
  }
  others = [name for name in judged if name != OURS]
  comparisons = {
    name: {
      metric: confidence.comparison(
        drawn[OURS][metric],
        drawn[name][metric],
        found[OURS][metric] - found[name][metric],
      )
      for metric in drawn[OURS]
    }
    for name in others
  }

  def of_slice(mask):
    parts = {name: metrics.rows(v, mask) for name, v in values.items()}
    part = boot(
      {OURS: parts[OURS]}, np.unique(users[mask], return_inverse=True)[1]
    )
    return {
      'examples': int(mask.sum()),
      'metrics': metrics.finalize(parts[OURS]),
      'intervals': {
        metric: confidence.interval(x) for metric, x in part[OURS].items()
      },
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
    'metrics': found[OURS],
    'intervals': intervals[OURS],
    'baselines': {name: found[name] for name in others},
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


def users_of(sequences: Sequences, num_items: int) -> np.ndarray:
  """int64 [N]: how many users acted on each item."""
  pairs = np.unique(sequences.users * num_items + sequences.items)
  return np.bincount(pairs % num_items, minlength=num_items)
