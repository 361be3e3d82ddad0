import functools
import json

import pytest

from configs import news
from jaxrec import workdirs
from jaxrec.errors import UserError


def test_what_is_not_a_number_is_null(tmp_path):
  path = tmp_path / 'results.json'
  workdirs.write_json(path, {'a': {'auc': float('nan'), 'mrr': 0.5}})
  assert json.loads(path.read_text()) == {'a': {'auc': None, 'mrr': 0.5}}
  assert [p.name for p in tmp_path.iterdir()] == ['results.json']


def check(workdir, config, data='a', files=None):
  workdirs.check_workdir(
    workdir, config, {'data': data}, workdirs.read_config(workdir), files
  )


def test_a_workdir_belongs_to_one_run(tmp_path):
  config = {'seed': 0, 'mesh': {'fsdp': 1}, 'training': {'log_every': 10}}
  check(tmp_path / 'new', config)
  assert (tmp_path / 'new').is_dir()  # Made, and nobody's yet.
  check(tmp_path / 'new', config, 'b')
  workdirs.claim_workdir(tmp_path / 'new', config, {'data': 'a'})
  check(tmp_path / 'new', config)
  with pytest.raises(UserError, match=r'data \(fingerprint there a, now b; '):
    check(tmp_path / 'new', config, 'b')
  # Any mesh may go on with it.
  check(tmp_path / 'new', config | {'mesh': {'fsdp': 2}, 'training': {}})
  with pytest.raises(UserError, match=r'seed \(there 0, now 1\)'):
    check(tmp_path / 'new', config | {'seed': 1})


def test_the_file_that_changed_is_named(tmp_path):
  log, items = tmp_path / 'log.csv', tmp_path / 'items.csv'
  log.write_text('a,b\n')
  items.write_text('c\n')
  files = {'log.csv': log, 'items.csv': items}
  workdir = tmp_path / 'w'
  check(workdir, {}, files=files)
  workdirs.claim_workdir(workdir, {}, {'data': 'a'}, files)
  log.write_text('a,b\nc,d\n')
  with pytest.raises(UserError) as raised:
    check(workdir, {}, 'b', files)
  assert str(raised.value).endswith(
    'its data: log.csv changed since (4 bytes then, 8 now): use another '
    '--workdir, or the files of then'
  )
  log.write_text('a,x\n')
  with pytest.raises(UserError, match=r'log\.csv changed since \(4 bytes as'):
    check(workdir, {}, 'b', files)
  log.write_text('a,b\n')
  with pytest.raises(
    UserError, match='the files are as they were, the version'
  ):
    check(workdir, {}, 'b', files)
  with pytest.raises(UserError, match=r'log\.csv was read then, and is not'):
    check(workdir, {}, 'b', {'items.csv': items})
  with pytest.raises(UserError, match=r'new\.csv is read now, and was not'):
    check(workdir, {}, 'b', {**files, 'new.csv': log})
  # One that was begun before there was such a list.
  before = workdirs.read_config(workdir)
  del before['files']
  workdirs.write_json(workdir / 'config.json', before)
  with pytest.raises(UserError, match='which one changed cannot be said'):
    check(workdir, {}, 'b', files)


def test_the_first_config_stays(tmp_path):
  workdirs.claim_workdir(tmp_path, {'seed': 0}, {})
  workdirs.claim_workdir(tmp_path, {'seed': 1}, {})
  assert workdirs.read_config(tmp_path)['config'] == {'seed': 0}


def test_a_workdir_that_cannot_be_made_is_named(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match=r'file/workdir: cannot be written'):
    check(tmp_path / 'file' / 'workdir', {})


def test_every_free_key_is_a_key_there_is():
  """One that was renamed would bind a workdir to its machine."""
  config = news.get_config()
  for key in workdirs.FREE_KEYS:
    functools.reduce(getattr, key.split('.'), config)


def test_a_damaged_file_is_named(tmp_path):
  (tmp_path / 'results.json').write_text('{"a"')
  with pytest.raises(UserError, match=r'results\.json: not JSON'):
    workdirs.read(tmp_path)
