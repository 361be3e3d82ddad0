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
  text = capsys.readouterr().out.split('jaxrec calls')[0]
  assert '…' not in text and max(map(len, text.splitlines())) <= 80
  assert all(name in text for name in BASELINES)
  assert text.count('-0.1235') + text.count('-0.1234') == len(BASELINES)
  assert text.count('0.100-0.200') == len(BASELINES) + 1


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
