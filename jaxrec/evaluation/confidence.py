"""How sure a metric is: the bootstrap over users.

The examples of one user are alike, so users are drawn, each with all examples
of that user (a cluster bootstrap; Field and Welsh, 2007). All models and
metrics are recomputed on the same draws, so that a difference of two of them is
paired.
"""

from collections.abc import Callable

import numpy as np

from jaxrec.evaluation.metrics import PerExample, ratio

LEVEL = 0.95


def bootstrap(
  models: dict[str, PerExample], users: np.ndarray, *, draws: int, seed: int
) -> dict[str, dict[str, np.ndarray]]:
  """Metrics of resampled users.

  Args:
    models: per-example metrics by model, all over the same E examples.
    users: int [E], the user of each example, 0..U - 1.
    draws: S, how many resamples.
    seed: of the draws.

  Returns:
    By model and metric, float64 [S].
  """
  names = [(m, name) for m, values in models.items() for name in values]
  count = int(users.max(initial=-1)) + 1
  by_user: Callable[[np.ndarray], np.ndarray] = lambda values: np.bincount(
    users, values, minlength=count
  )
  columns = [by_user(part) for m, name in names for part in models[m][name]]
  # [U, 2 * models * metrics]
  sums = np.stack(columns or [np.zeros(count)], axis=1)
  rng = np.random.default_rng(seed)
  drawn = np.empty((draws, sums.shape[1]))
  for i in range(draws):
    times = np.bincount(rng.integers(0, count, count), minlength=count)
    drawn[i] = times @ sums
  replicates: dict[str, dict[str, np.ndarray]] = {m: {} for m in models}
  for i, (m, name) in enumerate(names):
    total, number = drawn[:, 2 * i], drawn[:, 2 * i + 1]
    replicates[m][name] = np.where(
      number > 0, total / np.maximum(number, 1e-300), ratio(name, 0, 0)
    )
  return replicates


def interval(replicates: np.ndarray) -> list[float]:
  """The middle 95 % of a metric's replicates [S]; NaNs where all are."""
  kept = replicates[np.isfinite(replicates)]
  if not len(kept):
    return [float('nan')] * 2
  tail = (1 - LEVEL) / 2
  return [float(q) for q in np.quantile(kept, [tail, 1 - tail])]


def comparison(ours: np.ndarray, rival: np.ndarray, difference: float) -> dict:
  """The paired difference of two models' replicates [S] of one metric.

  Args:
    ours, rival: replicates of the two models, from the same draws.
    difference: ours minus rival, as measured on the examples themselves.

  Returns:
    'difference', its 'interval', and 'p': two-sided, twice the share of draws
    on the other side of 0, never below 1 / (S + 1). All NaN where no draw has
    both figures.
  """
  differences = ours - rival
  differences = differences[np.isfinite(differences)]
  if not len(differences):
    nan = float('nan')
    return {'difference': nan, 'interval': [nan, nan], 'p': nan}
  least = min((differences <= 0).sum(), (differences >= 0).sum())
  p = min(1.0, 2 * (least + 1) / (len(differences) + 1))
  return {
    'difference': float(difference),
    'interval': interval(differences),
    'p': float(p),
  }
