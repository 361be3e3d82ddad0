"""Several datasets, ours beside the baselines: compare.md, compare.json.

`combine` takes the results of one config's seeds together, `markdown` tells of
all configs; `comparison_figure.py` draws them.
"""

import statistics

from jaxrec.errors import UserError
from jaxrec.report import words
from jaxrec.report.words import CEILING, OURS, label

METRICS = ('auc', 'mrr', 'ndcg@5', 'ndcg@10', 'hr@10')
FOOT = (
  f'{OURS} is the mean over the seeds, ± their standard deviation (n − 1) '
  'where there are several. Baselines are fitted anew beside each seed; those '
  'that draw nothing are the same each time.',
  'Brackets are 95 % bootstrap intervals over users; with several seeds they '
  'reach from the lowest to the highest end of any seed’s.',
  'p is two-sided, of the bootstrap over users, paired: both are measured on '
  'the same draws. With several seeds it is the largest of them, and 1 where '
  'seeds differ in who is ahead. It is not corrected for the number of '
  'baselines, metrics and datasets.',
  'The best baseline is picked on the test split itself, by the very numbers '
  f'shown: that flatters it, not {OURS}, and neither intervals nor p know of '
  'it. Checkpoints and settings are chosen on validation.',
)
CEILING_FOOT = (
  f'The {CEILING} knows the probabilities that the clicks were drawn from: a '
  'ceiling, not a baseline; only made-up data has one.'
)


def combine(runs: dict[int, dict]) -> dict:
  """What the seeds of one config reached, together.

  Args:
    runs: what results.json holds, by seed; not empty.

  Returns:
    Plain values. Of the dataset: 'dataset', 'split', 'protocol', 'metric' (the
    main one), 'seeds'. 'methods': by name, the best first by the main metric,
    'kind' (ours, baseline, ceiling) and by metric 'mean', 'sd' (None of one
    seed), 'min', 'max', 'interval' and 'values' (by seed, in their order);
    of all but ours, 'against' too: by metric the 'difference' ours minus
    theirs, its 'interval' and 'p'. 'best_baseline', 'ratio' (ours / best
    baseline): None where there is none. Methods that a seed lacks are left
    out. What is not known is None.

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

  def key(name):
    mean = methods[name][main]['mean']
    ceiling = methods[name]['kind'] == 'ceiling'
    # Of equals, ours is the last: ties count against it.
    return not ceiling, mean is None, -(mean or 0.0), name == OURS

  methods = {name: methods[name] for name in sorted(methods, key=key)}
  best = next(
    (
      name
      for name, of in methods.items()
      if of['kind'] == 'baseline' and of[main]['mean'] is not None
    ),
    None,
  )
  ours = methods[OURS][main]['mean']
  theirs = methods[best][main]['mean'] if best else None
  return {
    'dataset': first['dataset'],
    'split': first['split'],
    'protocol': first['protocol'],
    'metric': main,
    'metrics': metrics,
    'seeds': seeds,
    'methods': methods,
    'best_baseline': best,
    'ratio': ours / theirs if theirs and ours is not None else None,
  }


def _values(results: list, baseline: str | None, metrics: list[str]) -> dict:
  """By metric: a method's values and what they come to."""
  found = {}
  for metric in metrics:
    values, intervals = [], []
    for r in results:
      of, around = r['metrics'], r.get('intervals')
      if baseline:
        of = words.baselines(r)[baseline]
        around = (r.get('baseline_intervals') or {}).get(baseline)
      values.append(words.value_of(of, metric))
      intervals.append(words.interval_of(around, metric))
    known = None not in values
    several = known and len(values) > 1
    found[metric] = {
      'mean': statistics.fmean(values) if known else None,
      'sd': statistics.stdev(values) if several else None,
      'min': min(values) if known else None,
      'max': max(values) if known else None,
      'interval': _hull(intervals),
      'values': values,
    }
  return found


def _against(results: list, baseline: str, metric: str) -> dict:
  """Ours minus a baseline: the mean, the widest interval, the largest p."""
  found = [words.comparison(r, baseline, metric) for r in results]
  differences = [c.difference for c in found]
  known = None not in differences
  p = [c.p for c in found]
  largest = None if None in p else max(p)
  if largest is not None and known and min(differences) < 0 < max(differences):
    largest = 1.0
  return {
    'difference': statistics.fmean(differences) if known else None,
    'interval': _hull([c.interval for c in found]),
    'p': largest,
  }


def _hull(intervals: list) -> list[float] | None:
  """From the lowest to the highest end; None where one is not known."""
  if None in intervals:
    return None
  return [min(low for low, _ in intervals), max(high for _, high in intervals)]


def foot(datasets: dict) -> list[str]:
  """What is to be known of the numbers."""
  ceilings = any(CEILING in of.get('methods', {}) for of in datasets.values())
  return [*FOOT, *([CEILING_FOOT] if ceilings else [])]


def markdown(datasets: dict) -> str:
  """The tables.

  Args:
    datasets: by config's name, what `combine` gives, and 'missing': by
      seed, why it is not there; where no seed is, nothing but that.
  """
  lines = [
    f'# {OURS} beside the baselines',
    '',
    '![The main metric of each method on each dataset](compare.svg)',
    '',
    *_table(
      'config',
      'protocol',
      'metric',
      OURS,
      'best baseline',
      f'{OURS} ahead by',
      'ratio',
      'p',
    ),
  ]
  for name, of in datasets.items():
    if 'methods' in of:
      lines.append(_row(name, *summary(of).values()))
    lines += [_row(name, line, *[''] * 6) for line in missing(of)]
  for name, of in datasets.items():
    if 'methods' in of:
      lines += ['', f'## {name}', '', f'{told(of)}.', '', *_methods(of)]
  lines += ['', *(f'- {note}' for note in foot(datasets))]
  return '\n'.join(lines) + '\n'


def summary(of: dict) -> dict[str, str]:
  """One dataset on one line: a cell for each column of the first table."""
  main, best = of['metric'], of['best_baseline']
  against = of['methods'][best]['against'][main] if best else {}
  return {
    'protocol': of['protocol']['name'],
    'metric': metric_name(of),
    'ours': cell(of['methods'][OURS][main], spread=True),
    'best baseline': f'{best} {cell(of["methods"][best][main])}'
    if best
    else '',
    'ahead': difference(against),
    'ratio': words.number(of['ratio'], 3) if best else '',
    'p': p_of(against),
  }


def brief(of: dict) -> dict[str, str]:
  """Likewise, for a terminal."""
  main, best = of['metric'], of['best_baseline']
  found = {
    'metric': label(main),
    'jaxrec': words.number(of['methods'][OURS][main]['mean']),
    'best': best or '',
    'theirs': '',
    'ratio': words.number(of['ratio'], 3) if best else '',
    'p': summary(of)['p'],
  }
  if best:
    found['theirs'] = words.number(of['methods'][best][main]['mean'])
  return found


def missing(of: dict) -> list[str]:
  """A line for each seed that is not there."""
  return [f'seed {seed} {why}' for seed, why in of['missing'].items()]


def metric_name(of: dict) -> str:
  """Of the main metric; what makes it look better than it is comes along."""
  sampled = ' (sampled candidates)' if words.is_sampled(of) else ''
  return label(of['metric']) + sampled


def told(of: dict) -> str:
  """The dataset and its protocol, in a sentence without its full stop."""
  protocol, seeds = of['protocol'], of['seeds']
  trained = f'seed{"s" if len(seeds) > 1 else ""} {", ".join(map(str, seeds))}'
  return (
    f'{of["dataset"]}, {of["split"]} split; protocol {protocol["name"]}, '
    f'ranked among {protocol["candidates"]}; '
    f'{words.count(protocol.get("examples"))} examples of '
    f'{words.count(protocol.get("users"))} users; {trained}'
  )


def cell(value: dict, *, spread: bool = False) -> str:
  """'0.8617 ± 0.0012 [0.854, 0.869]'."""
  text = words.number(value['mean'])
  if spread and value['sd'] is not None:
    text += f' ± {words.number(value["sd"])}'
  return f'{text} {words.brackets(value["interval"])}'.rstrip()


def difference(against: dict) -> str:
  """'+0.0366 [+0.030, +0.043]'; empty of no comparison."""
  if not against:
    return ''
  value = words.number(against['difference'], sign=True)
  return f'{value} {words.brackets(against["interval"], sign=True)}'.rstrip()


def p_of(against: dict) -> str:
  """'0.002'; empty where it is not known."""
  if not against or against['p'] is None:
    return ''
  return words.p_value(against['p']).removeprefix('= ')


def _methods(of: dict) -> list[str]:
  """The table of one dataset."""
  main, *rest = of['metrics']
  lines = _table(
    '', metric_name(of), *map(label, rest), f'{OURS} ahead by', 'p'
  )
  for name, method in of['methods'].items():
    ours = method['kind'] == 'ours'
    shown = name if method['kind'] != 'ceiling' else f'{name} (a ceiling)'
    against = {} if ours else method['against'][main]
    cells = [
      shown,
      *(cell(method[m], spread=ours) for m in of['metrics']),
      difference(against),
      p_of(against),
    ]
    lines.append(_row(*(f'**{c}**' if ours and c else c for c in cells)))
  return lines


def _table(*head: str) -> list[str]:
  return [_row(*head), _row(*['---'] * len(head))]


def _row(*cells: str) -> str:
  """A line of a table; what would end a cell or start a tag is escaped."""
  safe = (c.replace('|', r'\|').replace('<', '&lt;') for c in cells)
  return f'| {" | ".join(safe)} |'
