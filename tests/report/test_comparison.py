"""Several datasets in one table."""

import json

from jaxrec.report import comparison
from jaxrec.report.seeds import combine
from tests.report.runs import of_training, one_seed


def test_what_is_not_known_is_none_and_a_dash():
  run = one_seed(0.6, 0.5, 0.1, 0.03)
  run['metrics'] = {'auc': None, 'mrr': None}
  run['comparisons']['item_knn'] = {}
  combined = combine({0: run, 1: one_seed(0.6, 0.5, 0.1, 0.03)})
  assert (
    combined['methods']['jaxrec']['auc']['mean'] is None
    and combined['ratio'] is None
  )
  assert combined['methods']['item_knn']['against']['auc']['p'] is None
  assert '–' in comparison.summary(combined)['ours']
  for metric in combined['methods']['oracle'].values():
    assert 'nan' not in str(metric)


def test_no_baselines():
  run = one_seed(0.6, 0.5, 0.1, 0.03)
  run |= {'baselines': {}, 'baseline_intervals': {}, 'comparisons': {}}
  combined = combine({0: run}) | {'missing': {}}
  assert combined['best_baseline'] is None and combined['ratio'] is None
  assert '0.6000' in comparison.markdown({'a': combined})
  assert comparison.brief(combined)['best baseline'] == ''


def test_markdown_says_what_json_holds(datasets):
  text = comparison.markdown(datasets)
  assert json.loads(json.dumps(datasets)) == datasets
  tables = [line for line in text.splitlines() if line.startswith('|')]
  for combined in datasets.values():
    for name, method in combined.get('methods', {}).items():
      row = next(
        line
        for line in tables
        if name in line.split('|')[1]
        and f'{method[combined["metric"]]["mean"]:.4f}' in line.split('|')[2]
      )
      for metric in combined['metrics']:
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


def test_what_training_added_is_told():
  runs = {
    seed: one_seed(0.6, 0.5, 0.1, 0.03)
    | {'training': of_training(20 * seed, 0.01 * seed, [0.0, 0.03], 0.02)}
    for seed in (1, 3)
  }
  combined = combine(runs) | {'missing': {}}
  said = (
    'raining added +0.0200 [+0.000, +0.030] AUC to step 0, the mean over '
    'seeds, p = 0.02; validation chose steps 20, 60'
  )
  assert comparison.training(combined) == f't{said}'
  text = comparison.markdown({'demo': combined})
  assert f'\n\nT{said}.\n\n' in text
  assert '| 1.200 | 0.03 | +0.0200 [+0.000, +0.030] |' in text
  one = combine({1: runs[1]})
  assert comparison.training(one) == (
    'training added +0.0100 [+0.000, +0.030] AUC to step 0, p = 0.02; '
    'validation chose step 20'
  )
  del runs[1]['training']
  untold = combine(runs) | {'missing': {}}
  assert comparison.training(untold) == ''
  assert '| 1.200 | 0.03 |  |' in comparison.markdown({'demo': untold})
