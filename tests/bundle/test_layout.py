"""A bundle is what was written, or it is refused by name."""

import json
import os

import pytest

from jaxrec.bundle import layout
from jaxrec.errors import UserError


@pytest.fixture
def sealed(tmp_path):
  directory = tmp_path / 'bundle'
  (directory / 'encoder').mkdir(parents=True)
  (directory / 'a.bin').write_bytes(b'alpha')
  (directory / 'encoder' / 'b.bin').write_bytes(b'beta')
  layout.seal(directory, {'dataset': 'none'})
  return directory


def test_what_was_written_is_read(sealed):
  manifest = layout.verified(sealed)
  assert manifest['dataset'] == 'none'
  assert sorted(manifest['files']) == ['a.bin', 'encoder/b.bin']


def test_files_may_be_read_by_whom_the_umask_says(sealed):
  for name in ('a.bin', 'encoder/b.bin'):
    (sealed / name).chmod(0o600)
  before = os.umask(0o027)
  try:
    layout.seal(sealed, {})
  finally:
    os.umask(before)
  modes = {p.stat().st_mode & 0o777 for p in sealed.rglob('*') if p.is_file()}
  assert modes == {0o640}


@pytest.mark.parametrize('name', ['a.bin', 'encoder/b.bin'])
@pytest.mark.parametrize(
  ('harm', 'message'),
  [
    (lambda path: path.write_bytes(path.read_bytes()[:-1] + b'x'), 'changed'),
    (lambda path: path.write_bytes(path.read_bytes() + b'x'), 'changed'),
    (lambda path: path.unlink(), 'missing'),
    (lambda path: (path.parent / 'c').write_text(''), 'does not belong'),
  ],
)
def test_harm_is_named(sealed, name, harm, message):
  harm(sealed / name)
  with pytest.raises(UserError, match=message) as e:
    layout.verified(sealed)
  named = name.rpartition('/')[0] + '/c' if message.startswith('does') else name
  assert str(sealed / named.strip('/')) in str(e.value)


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda m: m | {'dataset': 'other'}, 'manifest.json was changed'),
    (lambda m: m | {'format': 99}, 'format 99'),
    (lambda m: m | {'kind': 'x'}, 'not a bundle'),
    (lambda m: [m], 'not a bundle'),
  ],
)
def test_a_changed_manifest_is_refused(sealed, change, message):
  path = sealed / layout.MANIFEST
  path.write_text(json.dumps(change(json.loads(path.read_text()))))
  with pytest.raises(UserError, match=message):
    layout.verified(sealed)


def test_no_bundle(tmp_path, sealed):
  with pytest.raises(UserError, match='no such directory'):
    layout.verified(tmp_path / 'none')
  with pytest.raises(UserError, match='is no bundle'):
    layout.verified(tmp_path)
  (sealed / layout.MANIFEST).write_text('{')
  with pytest.raises(UserError, match='no JSON'):
    layout.verified(sealed)


def test_only_bundles_are_replaced(tmp_path, sealed):
  other = tmp_path / 'other'
  other.mkdir()
  (other / 'thesis.tex').write_text('mine')
  with pytest.raises(UserError, match='other things'), layout.replacing(other):
    pass
  assert (other / 'thesis.tex').read_text() == 'mine'
  with layout.replacing(sealed) as partial:
    (partial / 'new').write_text('')
    layout.seal(partial, {'dataset': 'new'})
    assert layout.verified(sealed)['dataset'] == 'none'  # Until it is whole.
  assert layout.verified(sealed)['dataset'] == 'new'
  assert sorted(p.name for p in tmp_path.iterdir()) == ['bundle', 'other']


def test_a_failed_export_leaves_what_was_there(tmp_path, sealed):
  with pytest.raises(KeyError), layout.replacing(sealed) as partial:
    (partial / 'half').write_text('')
    raise KeyError
  assert layout.verified(sealed)['dataset'] == 'none'
  assert [p.name for p in tmp_path.iterdir()] == ['bundle']
