"""Calibration: whether items given a probability p are clicked that often."""

import itertools

import numpy as np
from scipy import optimize, special


def reliability(
  logits: np.ndarray, labels: np.ndarray, num_bins: int = 10
) -> dict:
  """The reliability curve and its distance from the diagonal.

  Bins hold equally many candidates each, as far as ties allow, since most
  probabilities of a recommender are small and alike.

  Args:
    logits, labels: [P], of all candidates.
    num_bins: at most.

  Returns:
    'bins': the reliability curve, one dict each of 'low', 'high' (of the
    probabilities within), 'predicted' (their mean), 'clicked' (the share that
    was clicked), 'count'; 'ece': the expected calibration error, the mean of
    |predicted - clicked| over candidates (Naeini et al., 2015).
  """
  chance = special.expit(np.asarray(logits, np.float64))
  return reliability_of(chance, labels, num_bins)


def reliability_of(
  chance: np.ndarray, labels: np.ndarray, num_bins: int = 10
) -> dict:
  """See `reliability`, from probabilities [P] in place of logits."""
  clicked = np.asarray(labels) > 0
  order = np.argsort(chance, kind='stable')
  chance, clicked = chance[order], clicked[order]
  # A cut goes behind all that equal what stands before it.
  cuts = np.arange(1, num_bins) * len(chance) // num_bins
  cuts = np.searchsorted(chance, chance[cuts], 'left') if len(chance) else cuts
  edges = np.unique([0, *cuts, len(chance)])
  bins = [
    {
      'low': float(chance[a]),
      'high': float(chance[b - 1]),
      'predicted': float(chance[a:b].mean()),
      'clicked': float(clicked[a:b].mean()),
      'count': int(b - a),
    }
    for a, b in itertools.pairwise(edges)
  ]
  off = sum(abs(b['predicted'] - b['clicked']) * b['count'] for b in bins)
  return {'ece': off / max(len(chance), 1), 'bins': bins}


def fit(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float] | None:
  """Slope and intercept that make logits those of the clicks (Platt, 1999).

  A model that was trained on a click with a few others each promises too much
  where more are shown. To be fitted on validation, never on what is reported.

  Args:
    logits, labels: [P], of all candidates.

  Returns:
    For sigmoid(slope * logit + intercept), the slope not below 0, so that no
    order changes; None where there are no clicks, or nothing else.
  """
  x = np.asarray(logits, np.float64)
  y = np.asarray(labels) > 0
  if y.all() or not y.any():
    return None

  def loss(params: np.ndarray) -> tuple[float, np.ndarray]:
    z = params[0] * x + params[1]
    off = special.expit(z) - y
    value = np.mean(np.logaddexp(0, z) - y * z)
    return float(value), np.array([np.mean(off * x), np.mean(off)])

  optimum = optimize.minimize(
    loss, [1.0, 0.0], jac=True, bounds=[(0, None), (None, None)]
  )
  return float(optimum.x[0]), float(optimum.x[1])


def as_trained_and_fitted(
  logits: np.ndarray, labels: np.ndarray, fitted: tuple[float, float] | None
) -> dict:
  """For results.json: `reliability`, and under 'fitted' that after `fit`.

  Args:
    logits, labels: [P], of all candidates.
    fitted: slope and intercept, see `fit`; None leaves 'fitted' out.
  """
  curves = reliability(logits, labels)
  if fitted is not None:
    slope, intercept = fitted
    again = reliability(slope * np.asarray(logits, float) + intercept, labels)
    curves['fitted'] = {'slope': slope, 'intercept': intercept, **again}
  return curves
