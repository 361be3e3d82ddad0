import json

import pytest

from configs import news
from jaxrec import workdirs
from jaxrec.baselines import BASELINES
from jaxrec.console import Display
from jaxrec.errors import UserError


def test_what_is_not_a_number_is_null(tmp_path):
  path = tmp_path / 'results.json'
  workdirs.write_json(path, {'a': {'auc': float('nan'), 'mrr': 0.5}})
  assert json.loads(path.read_text()) == {'a': {'auc': None, 'mrr': 0.5}}
  assert [p.name for p in tmp_path.iterdir()] == ['results.json']


def test_the_table_fits_80_columns(capsys, monkeypatch):
  monkeypatch.setenv('COLUMNS', '80')
  names = ('auc', 'mrr', 'ndcg@5', 'ndcg@10', 'hr@10', 'f1', 'accuracy')
  values = dict.fromkeys((*names, 'precision', 'recall'), 0.12345)
  against = {'difference': -0.12345, 'p': 0.002, 'interval': [0.1, 0.2]}
  baselines = dict.fromkeys(BASELINES, values) | {
    'random': values | {'mrr': None}
  }
  intervals = {name: [0.1, 0.2] for name in values}
  told = {
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
  workdirs.show(told, Display())
  table = capsys.readouterr().out.split('jaxrec calls')[0]
  assert '…' not in table and max(map(len, table.splitlines())) <= 80
  assert all(name in table for name in BASELINES)
  assert table.count('-0.1235') + table.count('-0.1234') == len(BASELINES)
  assert table.count('0.100-0.200') == len(BASELINES) + 1


def test_a_workdir_belongs_to_one_run(tmp_path):
  config = news.get_config()
  workdirs.check_workdir(tmp_path, config, {'data': 'a'})
  workdirs.claim_workdir(tmp_path, config, {'data': 'a'})
  workdirs.check_workdir(tmp_path, config, {'data': 'a'})
  with pytest.raises(UserError, match=r'data \(there a, now b\)'):
    workdirs.check_workdir(tmp_path, config, {'data': 'b'})
  config.mesh.fsdp = 2  # Any mesh may go on with it.
  config.log_every_steps = 1
  workdirs.check_workdir(tmp_path, config, {'data': 'a'})
  config.seed = 1
  with pytest.raises(UserError, match=r'seed \(there 0, now 1\)'):
    workdirs.check_workdir(tmp_path, config, {'data': 'a'})


def test_a_damaged_file_is_named(tmp_path):
  (tmp_path / 'results.json').write_text('{"a"')
  with pytest.raises(UserError, match=r'results\.json: not JSON'):
    workdirs.read(tmp_path)
