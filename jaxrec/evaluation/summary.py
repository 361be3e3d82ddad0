"""Ours beside the baselines on one split: what results.json says of it."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from jaxrec.baselines import Known
from jaxrec.baselines.trivial import oracle
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences
from jaxrec.evaluation import calibration, choices, confidence, lists, metrics
from jaxrec.evaluation.config import baseline_names
from jaxrec.evaluation.judged import Judged
from jaxrec.evaluation.metrics import RANKING
from jaxrec.evaluation.other_way import OtherWay, describe
from jaxrec.evaluation.protocols import Protocol, WholeCatalog, why_unmeasured
from jaxrec.evaluation.scorers import BlockScorer, Scorer
from jaxrec.evaluation.side_by_side import (
  OURS,
  added_by_training,
  intervals,
  side_by_side,
  users_of_examples,
)
from jaxrec.evaluation.slices import slices
from jaxrec.evaluation.tuning import tuned
from jaxrec.retrieval.choice import Choice

NETWORK, NOT_REFITTED = 'network', 'not_refitted'  # Names of variants.


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """One split, judged.

  Attributes:
    examples: what was evaluated.
    judged: by model, ours first.
    results: plain values for results.json: protocol, metrics, intervals,
      baselines, baseline_intervals, comparisons, choices, slices, calibration,
      popularity_bias; other_seen, the first six again where seen items are
      kept instead of masked, or the other way round, None where candidates
      are listed; and training, see `side_by_side.added_by_training`.
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
  choice: Choice | None = None,
  history_length: int = 0,
  start: Scorer | None = None,
  variants: Mapping[str, Scorer] | None = None,
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
    choice: see `choices.fit`, of ours on validation; of whole catalogs alone.
    history_length: items of a history that are read, likewise.
    start: the network at step 0; None: it is the one that is judged.
    variants: of ours, by name, to be told beside it: NETWORK, without the
      ensemble; NOT_REFITTED, which has not learned from validation.
  """
  examples, left_out = protocol.examples(split)
  other = OtherWay.of(protocol, split)
  judged: dict[str, Judged] = {}

  def judge(name: str, scorer: Scorer, threshold: float) -> None:
    if other:
      judged[name] = other.judge_both(name, scorer, examples)
    else:
      judged[name] = protocol.judge(scorer, examples, threshold)

  judge(OURS, scorer, threshold)
  choosing, _ = protocol.examples(validation)
  chosen = {}
  names = baseline_names(baselines)
  with track('baselines', max(len(names), 1)) as advance:
    for name in names:
      baseline, chosen[name], level = tuned(
        name, protocol, known, choosing, known_before_validation
      )
      judge(name, baseline, level)
      advance(1, name)
  if examples.probabilities is not None:
    truth = BlockScorer(None, _probabilities)
    level = metrics.best_threshold(truth.pairs(choosing), choosing.labels)
    judge('oracle', truth, level)
  results = summarize(
    judged,
    protocol,
    examples,
    known,
    num_bootstrap=num_bootstrap,
    seed=seed,
  )
  results['protocol']['left_out'] = left_out
  results['protocol']['unmeasured'] = why_unmeasured(protocol, split) or None
  results['other_seen'] = None
  if other:
    results['other_seen'] = other.summarize(
      known.num_items, draws=num_bootstrap, seed=seed
    )
  others = {
    name: protocol.judge(variant, examples, threshold)
    for name, variant in (variants or {}).items()
  }
  users = users_of_examples(examples)
  results['variants'] = {
    name: side_by_side(
      {OURS: j.values},
      {OURS: metrics.finalize(j.values)},
      users,
      draws=num_bootstrap,
      seed=seed,
    )
    for name, j in others.items()
  }
  trained = others.get(NETWORK, judged[OURS])
  at_start = trained
  if start is not None:
    at_start = protocol.judge(start, examples, threshold)
  results['training'] = added_by_training(
    trained.values,
    # Calling candidates clicked takes a threshold, which step 0 has none of.
    {name: at_start.values[name] for name in RANKING},
    users,
    draws=num_bootstrap,
    seed=seed,
  )
  results['choices'] = chosen
  results['calibration'] = None
  if protocol.name == 'impressions':
    logits = judged[OURS].logits
    assert logits is not None  # Candidates are listed.
    results['calibration'] = calibration.as_trained_and_fitted(
      logits, examples.labels, calibrated
    )
  elif choice is not None and isinstance(protocol, WholeCatalog):
    results['calibration'] = choices.judge(
      scorer,
      protocol,
      split,
      choice,
      history_length=history_length,
      seed=seed,
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
  users = users_of_examples(examples)
  others = [name for name in judged if name != OURS]

  def of_slice(mask: np.ndarray) -> dict:
    parts = {name: metrics.rows(v, mask) for name, v in values.items()}
    _, users_within = np.unique(users[mask], return_inverse=True)
    within = confidence.bootstrap(
      {OURS: parts[OURS]}, users_within, draws=num_bootstrap, seed=seed
    )
    return {
      'examples': int(mask.sum()),
      'metrics': metrics.finalize(parts[OURS]),
      'intervals': intervals(within[OURS]),
      'baselines': {name: metrics.finalize(parts[name]) for name in others},
    }

  return {
    'protocol': describe(protocol, examples, users, known.num_items),
    **side_by_side(values, reached, users, draws=num_bootstrap, seed=seed),
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


def users_of(sequences: Sequences, num_items: int) -> np.ndarray:
  """int64 [N]: how many users acted on each item."""
  pairs = np.unique(sequences.users * num_items + sequences.items)
  return np.bincount(pairs % num_items, minlength=num_items)
