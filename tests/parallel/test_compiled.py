"""Where compiled programs are kept."""

import jax
import pytest

from jaxrec.parallel.compiled import keep_compiled

NAMES = (
  'jax_compilation_cache_dir',
  'jax_persistent_cache_min_compile_time_secs',
  'jax_persistent_cache_min_entry_size_bytes',
)


@pytest.fixture
def untold():
  """JAX as if nobody had said where; as it was, afterwards."""
  before = {name: getattr(jax.config, name) for name in NAMES}
  jax.config.update('jax_compilation_cache_dir', None)
  yield
  for name, value in before.items():
    jax.config.update(name, value)


def test_where_compiled_programs_are_kept(untold, tmp_path, monkeypatch):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  keep_compiled()
  kept = str(tmp_path / 'jaxrec' / 'compiled')
  assert jax.config.jax_compilation_cache_dir == kept
  keep_compiled(tmp_path / 'elsewhere')  # It was told by now.
  assert jax.config.jax_compilation_cache_dir == kept


def test_a_directory_of_ones_own(untold, tmp_path):
  keep_compiled(tmp_path / 'elsewhere')
  assert jax.config.jax_compilation_cache_dir == str(tmp_path / 'elsewhere')
