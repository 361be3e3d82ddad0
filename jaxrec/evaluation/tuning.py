"""A baseline's settings and threshold, chosen on validation."""

import numpy as np

from jaxrec.baselines import Baseline, Known, fitted
from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation import metrics
from jaxrec.evaluation.judged import Judged
from jaxrec.evaluation.protocols import Protocol
from jaxrec.evaluation.scorers import BlockScorer

TUNED_ON = 2000  # Validation examples at most: a baseline's settings are few.


def judge_baseline(
  name: str,
  protocol: Protocol,
  examples: Impressions,
  known: Known,
  validation: Impressions,
  known_before_validation: Known,
) -> tuple[Judged, dict]:
  """A baseline on examples, and its settings, chosen on validation.

  Args:
    name: a key of BASELINES.
    protocol: see `protocols`.
    examples, validation: to be judged, and to choose on, as the protocol gave
      them.
    known, known_before_validation: what the baseline learns from for these.

  Returns:
    What it did; its settings, and its 'note' where it has one.
  """
  scorer, settings, threshold = tuned(
    name, protocol, known, validation, known_before_validation
  )
  return protocol.judge(scorer, examples, threshold), settings


def tuned(
  name: str,
  protocol: Protocol,
  known: Known,
  validation: Impressions,
  known_before_validation: Known,
) -> tuple[BlockScorer, dict, float]:
  """A baseline as a scorer, its settings and its threshold.

  The arguments are those of `judge_baseline`.
  """
  baseline, settings, threshold = choose(
    name, known_before_validation, validation, protocol
  )
  if known is not known_before_validation:
    baseline = baseline.fit(known)
  if baseline.note:
    settings = settings | {'note': baseline.note}
  return as_scorer(baseline), settings, threshold


def as_scorer(baseline: Baseline) -> BlockScorer:
  """A baseline as the protocols take it."""
  return BlockScorer(baseline.scores, baseline.pairs)


def choose(
  name: str, known: Known, validation: Impressions, protocol: Protocol
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
  best_value, best = None, None
  for settings, baseline in fitted(name, known):
    judged = protocol.judge(as_scorer(baseline), validation, 0.0)
    value = metrics.finalize(judged.values)[protocol.main_metric]
    if best_value is None or value > best_value:
      threshold = 0.0
      if judged.logits is not None:
        threshold = metrics.best_threshold(judged.logits, validation.labels)
      best_value, best = value, (baseline, settings, threshold)
  assert best is not None  # Every grid has settings.
  return best
