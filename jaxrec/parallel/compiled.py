"""Compiled programs are kept between starts."""

import pathlib

import jax

from jaxrec.files import user_cache


def default_directory() -> pathlib.Path | None:
  """Where a user's programs lie; None: nobody's home is known."""
  cache = user_cache()
  return None if cache is None else cache / 'compiled'


def compiled_directory() -> str | None:
  """Where compiled programs are kept; None: they are not."""
  # JAX makes its options attributes as it starts.
  return jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]


def keep_compiled(directory: pathlib.Path | None = None) -> None:
  """Keeps compiled programs in `directory`, where JAX was not told otherwise.

  Args:
    directory: None: `default_directory`.
  """
  if compiled_directory() is not None:
    return
  path = default_directory() if directory is None else directory
  if path is None:
    return
  jax.config.update('jax_compilation_cache_dir', str(path))
  # The many small programs of a start take seconds together.
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
  jax.config.update('jax_persistent_cache_min_entry_size_bytes', -1)
