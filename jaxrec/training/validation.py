"""What validation says of a model: the choices that are made there."""

from typing import NamedTuple

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation import calibration, metrics
from jaxrec.evaluation.protocols import Protocol, Shown
from jaxrec.evaluation.scorers import Scorer


class Validated(NamedTuple):
  """What validation says.

  Attributes:
    metrics: see `metrics.finalize`.
    threshold: the logit from which a candidate is called clicked.
    calibrated: see `calibration.fit`; None where candidates are not listed.
  """

  metrics: dict[str, float]
  threshold: float
  calibrated: tuple[float, float] | None


def validate(
  scorer: Scorer, protocol: Protocol, validation: Impressions
) -> Validated:
  """Judges the validation split, and chooses there.

  Args:
    scorer: our model.
    protocol: how splits are evaluated.
    validation: the split.
  """
  examples, _ = protocol.examples(validation)
  judged = protocol.judge(scorer, examples, 0.0)
  if not isinstance(protocol, Shown):
    return Validated(metrics.finalize(judged.values), 0.0, None)
  assert judged.logits is not None  # Candidates that were shown have them.
  logits, labels = judged.logits, examples.labels
  threshold = metrics.best_threshold(logits, labels)
  judged = protocol.judge_logits(logits, examples, threshold)
  return Validated(
    metrics.finalize(judged.values),
    threshold,
    calibration.fit(logits, labels),
  )
