"""The results of one config's seeds, taken together."""

import statistics

from jaxrec.errors import UserError
from jaxrec.report import added, words
from jaxrec.report.words import CEILING, OURS

METRICS = ('auc', 'mrr', 'ndcg@5', 'ndcg@10', 'hr@10')


def combine(runs: dict[int, dict]) -> dict:
  """What the seeds of one config reached, together.

  Args:
    runs: what results.json holds, by seed; not empty.

  Returns:
    Plain values. Of the dataset: 'dataset', 'split', 'protocol', 'metric' (the
    main one), 'seeds'. 'methods': by name, the best first by the main metric,
    'kind' (ours, baseline, ceiling) and by metric 'mean', 'sd' (None of one
    seed), 'min', 'max', 'interval' and 'values' (by seed, in their order);
    of all but ours, 'against' too: by metric the 'difference', ours minus
    this one, its 'interval' and 'p'. 'best_baseline', 'ratio' (ours / best
    baseline): None where there is none. Methods that a seed lacks are left
    out. 'training': 'chosen_steps' and, by metric as in 'against', what was
    'added' to step 0; None where a seed does not tell. What is not known is
    None.

  Raises:
    UserError: the seeds saw different data.
  """
  seeds = sorted(runs)
  results = [runs[seed] for seed in seeds]
  first = results[0]
  for seed, other in zip(seeds, results, strict=True):
    if other.get('fingerprints') != first.get('fingerprints'):
      raise UserError(
        f'seeds {seeds[0]} and {seed} saw different data or another encoder: '
        'remove the workdirs of one of them'
      )
  main = words.main_metric(first)
  metrics = [m for m in (main, *METRICS) if m in first['metrics']]
  metrics = list(dict.fromkeys(metrics))
  methods = {OURS: {'kind': 'ours'} | _values(results, None, metrics)}
  for name in words.baselines(first):
    if all(name in words.baselines(r) for r in results):
      kind = 'ceiling' if name == CEILING else 'baseline'
      methods[name] = (
        {'kind': kind}
        | _values(results, name, metrics)
        | {'against': {m: _against(results, name, m) for m in metrics}}
      )

  def best_first(name: str) -> tuple[bool, bool, float, bool]:
    mean = methods[name][main]['mean']
    ceiling = methods[name]['kind'] == 'ceiling'
    # Of equals, ours is the last: ties count against it.
    return not ceiling, mean is None, -(mean or 0.0), name == OURS

  methods = {name: methods[name] for name in sorted(methods, key=best_first)}
  best = next(
    (
      name
      for name, method in methods.items()
      if method['kind'] == 'baseline' and method[main]['mean'] is not None
    ),
    None,
  )
  ours = methods[OURS][main]['mean']
  rival = methods[best][main]['mean'] if best else None
  return {
    'dataset': first['dataset'],
    'split': first['split'],
    'protocol': first['protocol'],
    'metric': main,
    'metrics': metrics,
    'seeds': seeds,
    'methods': methods,
    'best_baseline': best,
    'ratio': ours / rival if rival and ours is not None else None,
    'training': _training(results, metrics),
  }


def _values(results: list, baseline: str | None, metrics: list[str]) -> dict:
  """By metric: a method's values and what they come to; None: ours."""
  by_metric = {}
  for metric in metrics:
    values, intervals = [], []
    for r in results:
      by_name, intervals_by_name = r['metrics'], r.get('intervals')
      if baseline:
        by_name = words.baselines(r)[baseline]
        intervals_by_name = (r.get('baseline_intervals') or {}).get(baseline)
      values.append(words.value_of(by_name, metric))
      intervals.append(words.interval_of(intervals_by_name, metric))
    known = _all_known(values)
    by_metric[metric] = {
      'mean': statistics.fmean(known) if known else None,
      'sd': statistics.stdev(known) if len(known) > 1 else None,
      'min': min(known) if known else None,
      'max': max(known) if known else None,
      'interval': _hull(intervals),
      'values': values,
    }
  return by_metric


def _against(results: list, baseline: str, metric: str) -> dict:
  """Ours minus a baseline: the mean, the widest interval, the largest p."""
  return _together([words.comparison(r, baseline, metric) for r in results])


def _training(results: list, metrics: list[str]) -> dict | None:
  """What the seeds' trainings added to their starts."""
  if not all(r.get('training') for r in results):
    return None
  return {
    'chosen_steps': [r['training']['chosen_step'] for r in results],
    'added': {
      metric: _together([added.comparison(r, metric) for r in results])
      for metric in metrics
      if all(metric in r['training']['added'] for r in results)
    },
  }


def _together(comparisons: list[words.Comparison]) -> dict:
  differences = _all_known([c.difference for c in comparisons])
  p_values = _all_known([c.p for c in comparisons])
  p = max(p_values) if p_values else None
  if p is not None and differences and min(differences) < 0 < max(differences):
    p = 1.0
  return {
    'difference': statistics.fmean(differences) if differences else None,
    'interval': _hull([c.interval for c in comparisons]),
    'p': p,
  }


def _all_known(values: list[float | None]) -> list[float]:
  """The values; none of them where one is None."""
  known = [value for value in values if value is not None]
  return known if len(known) == len(values) else []


def _hull(intervals: list) -> list[float] | None:
  """From the lowest to the highest end; None where one is not known."""
  if None in intervals:
    return None
  return [min(low for low, _ in intervals), max(high for _, high in intervals)]
