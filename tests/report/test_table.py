from jaxrec.baselines import BASELINES
from jaxrec.console import Display
from jaxrec.report import table


def test_the_table_fits_80_columns(capsys, monkeypatch):
  monkeypatch.setenv('COLUMNS', '80')
  names = ('auc', 'mrr', 'ndcg@5', 'ndcg@10', 'hr@10', 'f1', 'accuracy')
  values = dict.fromkeys((*names, 'precision', 'recall'), 0.12345)
  against = {'difference': -0.12345, 'p': 0.002, 'interval': [0.1, 0.2]}
  baselines = dict.fromkeys(BASELINES, values) | {
    'random': values | {'mrr': None}
  }
  intervals = {name: [0.1, 0.2] for name in values}
  results = {
    'dataset': 'demo',
    'split': 'test',
    'protocol': {
      'name': 'impressions',
      'candidates': 'those shown',
      'main_metric': 'auc',
      'examples': 10,
    },
    'metrics': values,
    'intervals': intervals,
    'baselines': baselines,
    'baseline_intervals': {name: intervals for name in baselines},
    'comparisons': {name: {'auc': against} for name in baselines},
  }
  table.show(results, Display())
  printed = capsys.readouterr().out
  text = printed.split('auc: ')[0]
  assert '…' not in text and max(map(len, text.splitlines())) <= 80
  assert all(name in text for name in BASELINES)
  assert text.count('-0.1235') + text.count('-0.1234') == len(BASELINES)
  assert text.count('0.100-0.200') == len(BASELINES) + 1
  for word in ('auc:', 'ndcg:', 'hr:', '95 %:', 'ahead:', 'p:'):
    assert word in printed  # What the columns mean.


def results_of(values, **changes):
  """Of baselines with these values of nDCG@10, and all else alike."""
  rest = dict.fromkeys(('auc', 'mrr', 'ndcg@5', 'hr@10'), 0.5)
  reached = {name: rest | {'ndcg@10': value} for name, value in values.items()}
  return {
    'dataset': 'shop',
    'split': 'test',
    'protocol': {
      'name': 'leave_one_out',
      'candidates': 'the whole catalog',
      'main_metric': 'ndcg@10',
      'examples': 31,
    },
    'metrics': reached.pop('jaxrec'),
    'intervals': {'ndcg@10': [0.4, 0.6]},
    'baselines': reached,
    'baseline_intervals': {name: {} for name in reached},
    'comparisons': {},
  } | changes


def test_the_best_is_first_and_the_verdict_said(capsys):
  values = {'jaxrec': 0.5, 'random': 0.1, 'rules': 0.4, 'oracle': 0.9}
  table.show(results_of(values), Display())
  printed = capsys.readouterr().out
  places = [printed.index(f'{n} ') for n in ('oracle', 'jaxrec', 'rules')]
  assert places == sorted(places) and printed.index('random ') > places[-1]
  assert 'jaxrec: nDCG@10 0.5000 [0.400, 0.600], first of 3' in printed


def test_what_could_not_be_measured_is_a_dash(capsys):
  values = {'jaxrec': None, 'random': None}
  against = {'ndcg@10': {'difference': None, 'p': None, 'interval': None}}
  nothing = results_of(
    values,
    intervals={'ndcg@10': [None, None]},
    comparisons={'random': against},
  )
  table.show(nothing, Display())
  printed = capsys.readouterr().out
  assert 'jaxrec: nDCG@10 could not be computed' in printed
  (row,) = (line for line in printed.splitlines() if line[:6] == 'random')
  assert row.split()[1] == '-'


def test_what_is_left_out_of_a_test_is_said(capsys):
  values = {'ndcg@10': 0.5}
  results = {
    'dataset': 'shop',
    'split': 'test',
    'protocol': {
      'name': 'leave_one_out',
      'candidates': 'the whole catalog',
      'main_metric': 'ndcg@10',
      'examples': 31,
      'left_out': {'targets seen before': 29, 'examples': 0},
    },
    'metrics': dict.fromkeys(('auc', 'mrr', 'ndcg@5', 'hr@10'), 0.5) | values,
    'intervals': {'ndcg@10': [0.4, 0.6]},
    'baselines': {},
    'baseline_intervals': {},
    'comparisons': {},
  }
  table.show(results, Display())
  text = ' '.join(capsys.readouterr().out.split())
  assert 'left out: 29 targets seen before (evaluation.seen=kept' in text
  assert text.count('left out') == 1
