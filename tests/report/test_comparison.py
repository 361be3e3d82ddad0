"""Several datasets in one table: numbers by hand, and a figure that fits."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from jaxrec.errors import UserError
from jaxrec.report import comparison, comparison_figure

SVG = '{http://www.w3.org/2000/svg}'


def one_seed(ours, knn, difference, p, name='impressions', **others):
  """What a run leaves, as much of it as is looked at."""
  values = {'jaxrec': ours, 'item_knn': knn, 'oracle': 0.9} | others
  main = 'auc' if name == 'impressions' else 'ndcg@10'
  metrics = {k: {main: v, 'mrr': v / 2} for k, v in values.items()}
  around = {
    k: {m: [v - 0.01, v + 0.02] for m, v in of.items()}
    for k, of in metrics.items()
  }
  against = {
    m: {
      'difference': difference,
      'interval': [difference - 0.1, difference + 0.2],
      'p': p,
    }
    for m in (main, 'mrr')
  }
  rivals = [k for k in values if k != 'jaxrec']
  return {
    'dataset': 'mind_small',
    'split': 'test',
    'protocol': {
      'name': name,
      'candidates': 'those shown',
      'main_metric': main,
      'examples': 1974,
      'users': 800,
    },
    'metrics': metrics['jaxrec'],
    'intervals': around['jaxrec'],
    'baselines': {k: metrics[k] for k in rivals},
    'baseline_intervals': {k: around[k] for k in rivals},
    'comparisons': dict.fromkeys(rivals, against),
    'fingerprints': {'data': 'd', 'encoder': 'e'},
  }


@pytest.fixture
def three():
  return comparison.combine(
    {
      2: one_seed(0.66, 0.5, 0.16, 0.002),
      0: one_seed(0.60, 0.5, 0.10, 0.03),
      1: one_seed(0.63, 0.5, 0.13, 0.01),
    }
  )


@pytest.fixture
def datasets(three):
  films = comparison.combine(
    {0: one_seed(0.02, 0.05, -0.03, 0.002, 'leave_one_out', ease=0.04)}
  )
  return {
    'news-demo': three | {'missing': {}},
    'video-movielens': films | {'missing': {'1': 'failed: disk | <full>'}},
    'video-nowhere': {'missing': {'0': 'failed: no such file', '1': 'so'}},
  }


def test_seeds_by_hand(three):
  ours = three['methods']['jaxrec']['auc']
  assert three['seeds'] == [0, 1, 2] and ours['values'] == [0.60, 0.63, 0.66]
  assert ours['mean'] == pytest.approx(0.63)
  assert ours['sd'] == pytest.approx(0.03)  # sqrt((.03² + 0 + .03²) / 2)
  assert (ours['min'], ours['max']) == (0.60, 0.66)
  np.testing.assert_allclose(ours['interval'], [0.59, 0.68])
  against = three['methods']['item_knn']['against']['auc']
  assert against['difference'] == pytest.approx(0.13)
  np.testing.assert_allclose(against['interval'], [0.0, 0.36])
  assert against['p'] == 0.03  # The largest.
  assert three['best_baseline'] == 'item_knn'  # The oracle is none.
  assert three['ratio'] == pytest.approx(0.63 / 0.5)
  assert list(three['methods']) == ['oracle', 'jaxrec', 'item_knn']
  assert three['methods']['oracle']['kind'] == 'ceiling'
  assert three['metric'] == 'auc' and three['metrics'] == ['auc', 'mrr']


def test_one_seed_is_as_it_was():
  of = comparison.combine({7: one_seed(0.6, 0.5, 0.1, 0.03)})
  ours = of['methods']['jaxrec']['auc']
  assert ours['mean'] == 0.6 and ours['sd'] is None
  assert of['methods']['item_knn']['against']['auc']['p'] == 0.03


def test_seeds_that_disagree_who_is_ahead_prove_nothing():
  runs = {
    0: one_seed(0.6, 0.5, 0.1, 0.002),
    1: one_seed(0.4, 0.5, -0.1, 0.002),
  }
  against = comparison.combine(runs)['methods']['item_knn']['against']['auc']
  assert against['p'] == 1.0 and abs(against['difference']) < 1e-12


def test_ties_count_against_ours():
  of = comparison.combine({0: one_seed(0.5, 0.5, 0.0, 1.0)})
  assert list(of['methods']) == ['oracle', 'item_knn', 'jaxrec']
  assert of['ratio'] == 1


def test_seeds_of_different_data_are_refused():
  other = one_seed(0.6, 0.5, 0.1, 0.03)
  other['fingerprints'] = {'data': 'changed', 'encoder': 'e'}
  with pytest.raises(UserError, match='seeds 0 and 3 saw different data'):
    comparison.combine({0: one_seed(0.6, 0.5, 0.1, 0.03), 3: other})


def test_what_is_not_known_is_none_and_a_dash():
  run = one_seed(0.6, 0.5, 0.1, 0.03)
  run['metrics'] = {'auc': None, 'mrr': None}
  run['comparisons']['item_knn'] = {}
  of = comparison.combine({0: run, 1: one_seed(0.6, 0.5, 0.1, 0.03)})
  assert of['methods']['jaxrec']['auc']['mean'] is None and of['ratio'] is None
  assert of['methods']['item_knn']['against']['auc']['p'] is None
  assert '–' in comparison.summary(of)['ours']
  for metric in of['methods']['oracle'].values():
    assert 'nan' not in str(metric)


def test_no_baselines():
  run = one_seed(0.6, 0.5, 0.1, 0.03)
  run |= {'baselines': {}, 'baseline_intervals': {}, 'comparisons': {}}
  of = comparison.combine({0: run}) | {'missing': {}}
  assert of['best_baseline'] is None and of['ratio'] is None
  assert '0.6000' in comparison.markdown({'a': of})
  assert comparison.brief(of)['best'] == ''


def test_markdown_says_what_json_holds(datasets):
  text = comparison.markdown(datasets)
  assert json.loads(json.dumps(datasets)) == datasets
  tables = [line for line in text.splitlines() if line.startswith('|')]
  for of in datasets.values():
    for name, method in of.get('methods', {}).items():
      row = next(
        line
        for line in tables
        if name in line.split('|')[1]
        and f'{method[of["metric"]]["mean"]:.4f}' in line.split('|')[2]
      )
      for metric in of['metrics']:
        assert f'{method[metric]["mean"]:.4f}' in row
  assert '0.6300 ± 0.0300 [0.590, 0.680]' in text
  assert '+0.1300 [' in text
  assert '| 1.260 | 0.03 |' in text and '−0.0300' in text
  for said in ('picked on the test split', 'not corrected', 'a ceiling'):
    assert said in text
  # Each line of a table has its head's number of cells, whatever is in it.
  for block in text.split('\n\n'):
    if block.startswith('|'):
      cells = {
        line.replace(r'\|', '').count('|') for line in block.splitlines()
      }
      assert len(cells) == 1
  assert r'seed 1 failed: disk \| &lt;full>' in text
  assert 'video-nowhere | seed 0 failed: no such file' in text


def boxes(root):
  """(kind, left, right, top, bottom) of all that is drawn, in pixels."""
  number = lambda e, key: float(e.get(key))
  for e in root.iter():
    kind = e.tag.removeprefix(SVG)
    if kind == 'text':
      # A wide guess; what a reader's fonts do is not known here.
      wide = 7.2 * len(e.text) * (1.5 if e.get('class') == 'head' else 1)
      x, y = number(e, 'x'), number(e, 'y')
      left = {'middle': x - wide / 2, 'end': x - wide}.get(
        e.get('text-anchor'), x
      )
      yield e, left, left + wide, y - 11, y + 4
    elif kind == 'circle':
      x, y, r = (number(e, key) for key in ('cx', 'cy', 'r'))
      yield e, x - r, x + r, y - r, y + r
    elif kind == 'line':
      x, y = sorted([number(e, 'x1'), number(e, 'x2')]), number(e, 'y1')
      yield e, *x, y, number(e, 'y2')
    elif kind == 'rect' and e.get('x'):
      x, y = number(e, 'x'), number(e, 'y')
      yield e, x, x + number(e, 'width'), y, y + number(e, 'height')


def test_all_of_the_figure_is_inside_and_no_texts_overlap(datasets):
  long = 'item_knn & a <rather> long failure ' * 12
  datasets['long'] = {'missing': {'0': f'failed: {long}'}}
  root = ET.fromstring(comparison_figure.draw(datasets))
  width, height = map(float, root.get('viewBox').split()[2:])
  drawn = list(boxes(root))
  assert len(drawn) > 60
  for e, left, right, top, bottom in drawn:
    assert left >= 0 and top >= 0, ET.tostring(e)
    assert right <= width and bottom <= height, ET.tostring(e)
  texts = [box for box in drawn if box[0].tag == f'{SVG}text']
  for i, (e, left, right, top, bottom) in enumerate(texts):
    for other, left2, right2, top2, bottom2 in texts[:i]:
      beside = left >= right2 or right <= left2
      assert beside or top >= bottom2 or bottom <= top2, (e.text, other.text)


def test_the_figure_shows_the_numbers_in_order(datasets):
  root = ET.fromstring(comparison_figure.draw(datasets))
  panel = next(iter(root.iter(f'{SVG}g')))
  dots = [e for e in panel.iter(f'{SVG}circle') if 'dot' in e.get('class')]
  lines = [e for e in panel.iter(f'{SVG}line') if 'whisker' in e.get('class')]
  kinds = [e.get('class').split()[1] for e in dots]
  assert kinds == ['ceiling', 'ours', 'baseline']
  of = datasets['news-demo']
  values = [m['auc']['mean'] for m in of['methods'].values()]
  x = [float(e.get('cx')) for e in dots]
  # On one straight scale, that of the ticks.
  ticks = [e for e in panel.iter(f'{SVG}text') if e.get('class') == 'tick']
  at = [float(e.get('x')) for e in ticks]
  told = [float(e.text) for e in ticks]
  np.testing.assert_allclose(np.interp(values, told, at), x, atol=0.2)
  for dot, line, method in zip(
    dots, lines, of['methods'].values(), strict=True
  ):
    ends = [float(line.get(key)) for key in ('x1', 'x2')]
    want = np.interp(method['auc']['interval'], told, at)
    np.testing.assert_allclose(ends, want, atol=0.2)
    assert line.get('y1') == line.get('y2') == dot.get('cy')
  rings = [e for e in panel.iter(f'{SVG}circle') if e.get('class') == 'seed']
  assert len(rings) == 3


@pytest.mark.parametrize(
  ('low', 'high'), [(0.5, 0.9), (0.0, 0.0), (0.019, 0.051), (-0.03, 1.0)]
)
def test_ticks_are_few_and_around(low, high):
  ticks, start, end = comparison_figure.scale(low, high)
  assert start <= low + 1e-12 and end >= high - 1e-12 and start < end
  assert 2 <= len(ticks) <= 9 and (ticks[0], ticks[-1]) == (start, end)
  np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-9)
