import json

import pytest

from configs import news
from jaxrec import metrics, results
from jaxrec.display import Display
from jaxrec.errors import UserError


def test_what_is_not_a_number_is_null(tmp_path):
  path = tmp_path / 'results.json'
  results.write_json(path, {'a': {'auc': float('nan'), 'mrr': 0.5}})
  assert json.loads(path.read_text()) == {'a': {'auc': None, 'mrr': 0.5}}
  assert [p.name for p in tmp_path.iterdir()] == ['results.json']


def test_the_table_fits_80_columns(capsys, monkeypatch):
  monkeypatch.setenv('COLUMNS', '80')
  names = metrics.NAMES
  rows = {'mean_of_history': dict.fromkeys(names, 0.12345)}
  rows['jaxrec'] = rows['mean_of_history'] | {'auc': None}
  Display().table('title', rows)
  shown = capsys.readouterr().out
  assert '…' not in shown and max(map(len, shown.splitlines())) <= 80
  assert all(name in shown for name in [*names, *rows])
  assert shown.count('0.1235') + shown.count('0.1234') == 15


def test_a_workdir_belongs_to_one_run(tmp_path):
  config = news.get_config()
  results.check_workdir(tmp_path, config, {'data': 'a'})
  results.claim_workdir(tmp_path, config, {'data': 'a'})
  results.check_workdir(tmp_path, config, {'data': 'a'})
  with pytest.raises(UserError, match=r'data \(there a, now b\)'):
    results.check_workdir(tmp_path, config, {'data': 'b'})
  config.mesh.fsdp = 2  # Any mesh may go on with it.
  config.log_every_steps = 1
  results.check_workdir(tmp_path, config, {'data': 'a'})
  config.seed = 1
  with pytest.raises(UserError, match=r'seed \(there 0, now 1\)'):
    results.check_workdir(tmp_path, config, {'data': 'a'})


def test_a_damaged_file_is_named(tmp_path):
  (tmp_path / 'results.json').write_text('{"a"')
  with pytest.raises(UserError, match=r'results\.json: not JSON'):
    results.read(tmp_path)
