"""Seen items masked and kept, beside each other: the literature has both."""

from jaxrec.report import parts, words
from jaxrec.report.words import CEILING, OURS, brackets, label, number

# What papers print of a catalog.
METRICS = ('recall@5', 'recall@10', 'ndcg@5', 'ndcg@10')
WAYS = ('masked', 'kept')


def ways(results: dict) -> dict[str, dict]:
  """By what becomes of seen items, results; {} where there is one way alone.

  Of each there is as much as `words` reads: protocol, metrics, baselines,
  their intervals and comparisons.
  """
  other = results.get('other_seen')
  if not other:
    return {}
  both = {results['protocol']['seen']: results, other['seen']: other}
  return {way: both[way] for way in WAYS}


def rows(results: dict) -> dict[str, dict[str, str]]:
  """Ours and the best baseline of either way, for a terminal's 80 columns."""
  both = ways(results)
  best = {name for way in both.values() if (name := best_baseline(way))}
  return {
    f'{way}: {name}': _row(of_way, name, reached)
    for way, of_way in both.items()
    for name, reached, _ in words.by_value(of_way)
    if name == OURS or name in best
  }


def table(results: dict) -> dict:
  """Every model both ways, for the report; without rows where there is one.

  Intervals stand under the values; see `parts.table`.
  """
  main = words.main_metric(results)
  shown = parts.table(
    'Seen items masked and kept',
    'Papers do it either way, and their figures can be read only beside those '
    'of the same way. Settings of the baselines are chosen on validation with '
    f'seen items {(results.get("protocol") or {}).get("seen")}.',
    [*map(label, METRICS), f'{OURS} ahead, {label(main)}'],
  )
  for way, of_way in ways(results).items():
    models = words.by_value(of_way)
    best = {
      metric: parts.best({name: of.get(metric) for name, of, _ in models})
      for metric in METRICS
    }
    for name, reached, intervals in models:
      cells = [
        parts.cell(
          number(words.value_of(reached, metric)),
          brackets(words.interval_of(intervals, metric)),
          strong=name in best[metric],
        )
        for metric in METRICS
      ]
      cells.append(_ahead(of_way, name, main))
      shown['rows'].append(parts.row(f'{way}: {name}', cells))
  return shown


def _ahead(results: dict, name: str, metric: str) -> dict:
  against = words.comparison(results, name, metric)
  if name == OURS:
    return parts.cell('')
  return parts.cell(
    number(against.difference, sign=True),
    brackets(against.interval, sign=True),
    f'p {words.p_value(against.p)}' if against.p is not None else '',
    strong=bool(against.significant),
  )


def best_baseline(results: dict) -> str | None:
  """By the main metric; None where there is none beside ours."""
  names = [name for name, *_ in words.by_value(results)]
  return next((n for n in names if n not in (OURS, CEILING)), None)


def _row(results: dict, name: str, reached: dict) -> dict[str, str]:
  main = words.main_metric(results)
  against = words.comparison(results, name, main)
  there = name != OURS and against.difference is not None
  p = f'{against.p:.3f}' if there and against.p is not None else ''
  return {
    **{metric: number(words.value_of(reached, metric)) for metric in METRICS},
    'ahead': number(against.difference, sign=True) if there else '',
    'p': p,
  }
