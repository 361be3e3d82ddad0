"""The final table of a run, on the console."""

from jaxrec.console import Display
from jaxrec.report import both_ways, ensemble
from jaxrec.report.words import OURS

RANKING = ('auc', 'mrr', 'ndcg@5', 'ndcg@10', 'hr@10')
# Where people act on an item again, these are no small part.
SEEN_HINT = ' (evaluation.seen=kept would keep them)'
CLICKS = ('accuracy', 'precision', 'recall', 'f1')


def show(results: dict, display: Display) -> None:
  """Ours beside the baselines, with intervals.

  Args:
    results: what results.json holds.
    display: where to.
  """
  protocol, main = results['protocol'], results['protocol']['main_metric']
  rest = [metric for metric in RANKING if metric != main]
  models = {OURS: results['metrics'], **results['baselines']}
  intervals = {OURS: results['intervals'], **results['baseline_intervals']}
  rows = {}
  for name, metrics in models.items():
    low, high = intervals[name][main]
    against = results['comparisons'].get(name, {}).get(main)
    rows[name] = {
      main: _number(metrics[main]),
      '95 %': '' if low is None else f'{low:.3f}-{high:.3f}',
      **{metric: _number(metrics[metric]) for metric in rest},
      'ahead': f'{against["difference"]:+.4f}' if against else '',
      'p': f'{against["p"]:.3f}' if against else '',
    }
  display.table(
    f'{results["dataset"]}, {results["split"]} split: {protocol["name"]}, '
    f'among {protocol["candidates"]}; {protocol["examples"]:,} examples',
    rows,
  )
  for reason, count in (protocol.get('left_out') or {}).items():
    if count:
      hint = SEEN_HINT if 'seen' in reason else ''
      display.say(f'left out: {count:,} {reason}{hint}')
  if results.get('caveat'):
    display.say(f'NOT A TEST: {results["caveat"]}')
  if 'f1' in results['metrics']:
    values = (f'{m} {_number(results["metrics"][m])}' for m in CLICKS)
    display.say(f'{OURS} calls candidates clicked with {", ".join(values)}')
  if rows := both_ways.rows(results):
    display.table('The literature’s two ways: seen items masked, kept', rows)
  if rows := ensemble.rows(results):
    display.table(ensemble.title(results), rows)
  if said := (results.get('training') or {}).get('summary'):
    display.say(said)


def _number(value: float | None) -> str:
  return '' if value is None else f'{value:.4f}'
