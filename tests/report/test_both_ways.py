"""Seen items masked and kept, side by side."""

import pytest

from jaxrec.baselines import BASELINES
from jaxrec.console import Display
from jaxrec.report import both_ways, render, table
from tests.report.runs import of_training, of_way


@pytest.fixture
def results():
  """Masked is the main way; rules are best kept, and EASE is masked."""
  kept = of_way('kept', 0.05, {'sequential_rules': 0.06, 'ease': 0.04})
  masked = of_way('masked', 0.08, {'sequential_rules': 0.06, 'ease': 0.07})
  for way in (kept, masked):
    way['baselines']['random'] = dict.fromkeys(way['metrics'], 0.001)
    way['baseline_intervals']['random'] = way['intervals']
  training = of_training(0, 0.0, [0.0, 0.0], 1.0)
  return {
    'dataset': 'shop',
    'split': 'test',
    **masked,
    'other_seen': {'seen': 'kept', **kept},
    'training': training | {'summary': 'Training did not help here.'},
  }


@pytest.mark.parametrize('main', ['masked', 'kept'])
def test_ours_and_the_best_of_either_way(results, main):
  if main == 'kept':
    masked = {
      key: results[key] for key in results['other_seen'] if key in results
    }
    kept = results.pop('other_seen')
    results |= kept | {'other_seen': masked | {'seen': 'masked'}}
  rows = both_ways.rows(results)
  assert list(rows) == [
    *('masked: jaxrec', 'masked: ease', 'masked: sequential_rules'),
    *('kept: sequential_rules', 'kept: jaxrec', 'kept: ease'),
  ]
  assert rows['masked: jaxrec'] == {
    **dict.fromkeys(('recall@5', 'recall@10', 'ndcg@5', 'ndcg@10'), '0.0800'),
    'ahead': '',
    'p': '',
  }
  assert rows['kept: sequential_rules']['ahead'] == '−0.0100'
  assert (
    rows['kept: ease'] | {'ahead': '+0.0100', 'p': '0.020'}
    == (rows['kept: ease'])
  )


def test_where_there_is_one_way_alone(results):
  results['other_seen'] = None
  assert both_ways.rows(results) == {}
  assert both_ways.table(results)['rows'] == []
  del results['other_seen']
  assert both_ways.rows(results) == {}


def test_the_terminal_has_both_ways_and_the_sentence(
  results, capsys, monkeypatch
):
  monkeypatch.setenv('COLUMNS', '80')
  longest = max(BASELINES, key=len)
  for way in (results, results['other_seen']):
    best = dict.fromkeys(way['metrics'], 0.075)
    way['baselines'][longest] = best
    for part in ('baseline_intervals', 'comparisons'):
      way[part][longest] = way[part]['ease']
  for metrics in (results['metrics'], *results['baselines'].values()):
    metrics |= {'auc': 0.9, 'mrr': 0.1, 'hr@10': 0.2}
  table.show(results, Display())
  text = capsys.readouterr().out
  title, *lines = text[text.index('The literature') :].splitlines()
  assert title.endswith('two ways: seen items masked, kept')
  assert lines[-1] == 'Training did not help here.'
  assert max(map(len, lines)) <= 80 and '…' not in text
  assert [line.split('  ')[0] for line in lines[2:-1]] == [
    *('masked: jaxrec', f'masked: {longest}'),
    *(f'kept: {longest}', 'kept: jaxrec'),
  ]


def test_the_report_has_both_ways_and_the_sentence(results, monkeypatch):
  monkeypatch.setattr(render, 'get_plotlyjs', lambda: 'Plotly')
  page = render.render(results, {}, [])
  assert '<p class="notice" id="training">Training did not help here.</p>' in (
    page
  )
  rows = both_ways.table(results)['rows']
  assert len(rows) == 8 and all(len(row['cells']) == 5 for row in rows)
  assert [r['name'] for r in rows if r['cells'][0]['strong']] == [
    'masked: jaxrec',
    'kept: sequential_rules',
  ]
  assert 'Seen items masked and kept' in page
  assert 'What training added: step 0 minus step 0' in page
  results['training'] |= of_training(
    20, 0.01, [0.004, 0.016], 0.002, name='ndcg@10'
  )
  assert '<p class="said" id="training">' in render.render(results, {}, [])
