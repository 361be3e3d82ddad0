"""The final table of a run, on the console."""

from jaxrec.console import Display
from jaxrec.report import both_ways, ensemble, plain, words
from jaxrec.report.words import OURS

RANKING = ('auc', 'mrr', 'ndcg@5', 'ndcg@10', 'hr@10')
# Where people act on an item again, these are no small part.
SEEN_HINT = ' (evaluation.seen=kept would keep them)'
CLICKS = ('accuracy', 'precision', 'recall', 'f1')


def show(results: dict, display: Display) -> None:
  """Ours beside the baselines, best first, with intervals and what they mean.

  Args:
    results: what results.json holds.
    display: where to.
  """
  protocol, main = results['protocol'], results['protocol']['main_metric']
  rest = [metric for metric in RANKING if metric != main]
  rows = {}
  for name, metrics, intervals in words.by_value(results):
    low_high = words.interval_of(intervals, main)
    against = words.comparison(results, name, main)
    rows[name] = {
      main: _number(metrics[main]),
      '95 %': '{:.3f}-{:.3f}'.format(*low_high) if low_high else '',
      **{metric: _number(metrics[metric]) for metric in rest},
      'ahead': ''
      if against.difference is None
      else f'{against.difference:+.4f}',
      'p': '' if against.p is None else f'{against.p:.3f}',
    }
  display.table(
    f'{results["dataset"]}, {results["split"]} split: {protocol["name"]}, '
    f'among {protocol["candidates"]}; {protocol["examples"]:,} examples',
    rows,
  )
  if reason := protocol.get('unmeasured'):
    display.say(f'nothing is measured here: {reason}')
  for line in legend(results):
    display.say(line)
  display.say(f'{words.verdict(results).text}.')
  if in_plain_words := plain.sentence(results):
    display.say(in_plain_words)
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


def legend(results: dict) -> list[str]:
  """What the columns of the table mean, a line each."""
  names = dict.fromkeys(
    metric.partition('@')[0]
    for metric in (results['protocol']['main_metric'], *RANKING)
  )
  lines = [f'{name}: {plain.MEANINGS[name]}' for name in names]
  return [
    *lines,
    f'95 %: {plain.INTERVAL}; ahead: {plain.AHEAD}; p: {plain.P_VALUE}',
  ]


def _number(value: float | None) -> str:
  return '-' if words.finite(value) is None else f'{value:.4f}'
