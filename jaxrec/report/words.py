"""What the report says in words: the verdict, numbers, names of metrics."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

OURS = 'jaxrec'
CEILING = 'oracle'  # Knows what clicks were drawn from: not one to beat.
ALPHA = 0.05
ORDINALS = (
  *('first', 'second', 'third', 'fourth', 'fifth'),
  *('sixth', 'seventh', 'eighth', 'ninth', 'tenth'),
)
GROUPS = {  # The tables of metrics: heading, how to read it, columns.
  'Ranking': ('', ('auc', 'mrr', 'ndcg@5', 'ndcg@10')),
  'The first 5 and 10 places': (
    '',
    tuple(
      f'{name}@{k}'
      for name in ('hr', 'recall', 'precision', 'f1')
      for k in (5, 10)
    ),
  ),
  'Clicked or not': (
    'Each at the threshold that was best on validation.',
    ('accuracy', 'precision', 'recall', 'f1'),
  ),
  'What the lists are like': (
    'Coverage: the share of the catalog in anybody’s list. Novelty: bits, more '
    'for what fewer users know. Diversity: how unlike the texts of a list are. '
    'Popularity: the mean share of the catalog that is less popular.',
    ('coverage@10', 'novelty@10', 'diversity@10', 'popularity@10'),
  ),
}
NEUTRAL = GROUPS['What the lists are like'][1]  # More is not simply better.


@dataclasses.dataclass(frozen=True)
class Verdict:
  """The headline.

  Attributes:
    text: one sentence.
    label: the same in two words.
    tone: 'ahead', 'unsure', 'behind' or 'alone', for the colour.
  """

  text: str
  label: str
  tone: str


def verdict(results: dict) -> Verdict:
  """How ours stands by the main metric: rank, best baseline, how sure."""
  main = main_metric(results)
  ours = value_of(results['metrics'], main)
  name = label(main) + (' (sampled candidates)' if is_sampled(results) else '')
  if ours is None:
    return Verdict(
      f'{OURS}: {name} could not be computed', 'no figure', 'alone'
    )
  interval = interval_of(results.get('intervals'), main)
  text = f'{OURS}: {name} {number(ours)} {brackets(interval)}'.rstrip()
  rivals = {
    rival: value
    for rival, metrics in baselines(results).items()
    if rival != CEILING and (value := value_of(metrics, main)) is not None
  }
  if not rivals:
    return Verdict(f'{text}; no baseline beside it', 'no baselines', 'alone')
  # Ties count against ours, as they do in the metrics.
  rank = sum(value >= ours for value in rivals.values())
  place = ORDINALS[rank] if rank < len(ORDINALS) else f'number {rank + 1}'
  best = max(rivals, key=rivals.__getitem__)
  against = comparison(results, best, main)
  difference, interval = against.difference, against.interval
  if difference is None:
    difference = ours - rivals[best]
  if interval and difference < 0:
    interval = [-interval[1], -interval[0]]
  which = 'ahead of' if difference > 0 else 'behind'
  size = number(abs(difference), places_of(interval))
  parts = [f'{which} the best baseline ({best}) by {size}']
  if difference == 0:
    parts = [f'level with the best baseline ({best})']
  parts[0] = f'{parts[0]} {brackets(interval)}'.rstrip()
  parts += [f'p {p_value(against.p)}'] if against.p is not None else []
  text = f'{text}, {place} of {len(rivals) + 1}, {", ".join(parts)}'
  if against.significant is None:
    return Verdict(f'{text}; how sure is not known', 'no interval', 'unsure')
  if not against.significant:
    return Verdict(f'{text}: not significant', 'not significant', 'unsure')
  tone = 'ahead' if difference > 0 else 'behind'
  return Verdict(f'{text}: significant', tone, tone)


def main_metric(results: dict) -> str:
  """The metric that decides under the protocol."""
  protocol = results.get('protocol') or {}
  by_name = 'ndcg@10'
  if protocol.get('name', 'impressions') == 'impressions':
    by_name = 'auc'
  return protocol.get('main_metric') or by_name


def label(metric: str) -> str:
  """'ndcg@10' -> 'nDCG@10'."""
  name, at, k = metric.partition('@')
  written = {'auc': 'AUC', 'mrr': 'MRR', 'ndcg': 'nDCG', 'hr': 'HR', 'f1': 'F1'}
  return written.get(name, name) + at + k


def number(value: float | None, places: int = 4, sign: bool = False) -> str:
  """A dash for None and NaN; fewer decimals where a number is large."""
  value = finite(value)
  if value is None:
    return '–'
  places = min(places, 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 9)
  value = round(value, places) + 0.0  # No '-0.0'.
  return f'{value:{"+" if sign else ""},.{places}f}'.replace('-', '−')


def count(value: float | None) -> str:
  """With separators; a dash for None."""
  return f'{value:,}' if isinstance(value, int) else number(value)


def brackets(interval: list | None, sign: bool = False) -> str:
  """'[0.611, 0.649]'; empty where there is none."""
  if not interval:
    return ''
  low, high = (number(v, places_of(interval), sign) for v in interval)
  return f'[{low}, {high}]'


def p_value(p: float) -> str:
  """'= 0.17' or '< 0.001'."""
  return '< 0.001' if p < 0.001 else f'= {p:.2g}'


@dataclasses.dataclass(frozen=True)
class Comparison:
  """Ours minus a baseline; parts that are not known are None."""

  difference: float | None
  interval: list | None
  p: float | None

  @property
  def significant(self) -> bool | None:
    """Whether all that is known of it says so; None where nothing is."""
    says = [self.p < ALPHA] if self.p is not None else []
    if self.interval:
      says.append(self.interval[0] > 0 or self.interval[1] < 0)
    return all(says) if says else None


def comparison(results: dict, name: str, metric: str) -> Comparison:
  """What results.json says of ours against a baseline in one metric."""
  by_metric = (results.get('comparisons') or {}).get(name) or {}
  return comparison_of(by_metric.get(metric))


def comparison_of(against: dict | None) -> Comparison:
  """One of those that results.json holds; None: there is none."""
  against = against or {}
  return Comparison(
    finite(against.get('difference')),
    interval_of(against, 'interval'),
    finite(against.get('p')),
  )


def baselines(results: dict) -> dict:
  """Metrics by baseline, the ceiling among them."""
  return results.get('baselines') or {}


def is_sampled(results: dict) -> bool:
  """Whether targets were ranked among a few drawn items."""
  candidates = (results.get('protocol') or {}).get('candidates') or ''
  return candidates.lower().startswith('sampled')


def finite(value: Any) -> float | None:
  """The number; None for what is none, NaN and infinity."""
  known = isinstance(value, (int, float)) and math.isfinite(value)
  return value if known else None


def value_of(metrics: dict | None, metric: str) -> float | None:
  """A metric's value; None where it is not known."""
  return finite((metrics or {}).get(metric))


def interval_of(intervals: dict | None, metric: str) -> list | None:
  """A metric's interval; None where it is not known."""
  ends = (intervals or {}).get(metric) or [None]
  return ends if all(finite(end) is not None for end in ends) else None


def places_of(interval: list | None) -> int:
  """Decimals that show an interval's width."""
  if not interval:
    return 4
  width = interval[1] - interval[0]
  places = 3 if width >= 0.01 else 4 if width >= 0.001 else 5
  # An end that is not zero should not look like it.
  while places < 5 and any(v and not round(v, places) for v in interval):
    places += 1
  return places


def ordered(metrics: Iterable[str]) -> list[str]:
  """Metrics in the order of the tables; unknown ones last."""
  known = [metric for _, names in GROUPS.values() for metric in names]
  metrics = set(metrics)
  rest = sorted(metrics - set(known))
  return [metric for metric in known if metric in metrics] + rest


def groups(metrics: list[str]) -> dict[str, tuple[str, list[str]]]:
  """Heading -> note and metrics, of those given; unknown ones by themselves."""
  tables = {
    heading: (note, [name for name in names if name in metrics])
    for heading, (note, names) in GROUPS.items()
  }
  known = {name for _, names in GROUPS.values() for name in names}
  tables['Other'] = '', [name for name in metrics if name not in known]
  return {heading: group for heading, group in tables.items() if group[1]}


def by_value(results: dict) -> list[tuple[str, dict, dict]]:
  """(name, metrics, intervals), best first; the ceiling above all."""
  main = main_metric(results)
  intervals = results.get('baseline_intervals') or {}
  rows = [(OURS, results['metrics'], results.get('intervals') or {})]
  for name, metrics in baselines(results).items():
    rows.append((name, metrics, intervals.get(name) or {}))

  def key(row: tuple[str, dict, dict]) -> tuple[bool, float]:
    value = value_of(row[1], main)
    return row[0] != CEILING, -math.inf if value is None else -value

  known = [row for row in rows if value_of(row[1], main) is not None]
  return sorted(known, key=key) + [row for row in rows if row not in known]
