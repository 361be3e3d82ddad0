"""Machines that lack what others have: signs, homes, rights, 32 bits."""

import io
import pathlib
import sys

import jax
import pytest

from configs import news
from jaxrec.cli import print_anything
from jaxrec.data.prepare import cache_dir
from jaxrec.errors import UserError
from jaxrec.files import user_cache
from jaxrec.parallel import compiled
from jaxrec.parallel.processes import one_at_a_time


@pytest.mark.parametrize(
  ('encoding', 'errors', 'printed'),
  [
    ('ascii', 'strict', b'Zo? ?? ?'),
    ('ascii', 'surrogateescape', b'Zo? ?? ?'),  # Of the locale C.
    ('latin-1', 'strict', b'Zo\xeb ?? ?'),
    ('utf8', 'strict', 'Zoë 日本 ?'.encode()),
  ],
)
def test_what_has_no_sign_is_replaced(encoding, errors, printed, monkeypatch):
  written = io.BytesIO()
  stream = io.TextIOWrapper(written, encoding=encoding, errors=errors)
  monkeypatch.setattr(sys, 'stdout', stream)
  print_anything()
  print('Zoë 日本 \ud83d', end='', flush=True)
  assert written.getvalue() == printed


def test_nobodys_home(monkeypatch):
  """A container runs as a user id without a name, and sets no HOME."""

  def unknown(path):
    raise RuntimeError('Could not determine home directory.')

  data = news.get_config().data
  monkeypatch.setenv('XDG_CACHE_HOME', '/cache')
  assert user_cache() == pathlib.Path('/cache/jaxrec') == cache_dir(data)
  monkeypatch.delenv('XDG_CACHE_HOME')
  monkeypatch.setattr(pathlib.Path, 'expanduser', unknown)
  with pytest.raises(UserError, match=r'set HOME or XDG_CACHE_HOME'):
    cache_dir(data)
  # A server goes on without what was compiled before.
  monkeypatch.setattr(compiled, 'compiled_directory', lambda: None)
  kept = jax.config.jax_compilation_cache_dir
  compiled.keep_compiled()
  assert jax.config.jax_compilation_cache_dir == kept


def test_a_cache_that_may_only_be_read(tmp_path):
  (tmp_path / 'file').write_text('')
  lock = tmp_path / 'file' / 'cache' / 'lock'  # Nobody can make that.
  done = []
  with one_at_a_time(lock, done.append):
    done.append('read')
  assert done == ['read']
