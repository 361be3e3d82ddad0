"""Small files, written whole or not at all."""

import os
import pathlib


def user_cache() -> pathlib.Path | None:
  """$XDG_CACHE_HOME/jaxrec, or ~/.cache/jaxrec; None: nobody's home is known.

  A container may run as a user id that has no name, and set no HOME.
  """
  cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
  try:
    return pathlib.Path(cache).expanduser() / 'jaxrec'
  except RuntimeError:
    return None


def write_text(path: pathlib.Path, text: str) -> None:
  """Writes UTF-8; whoever reads `path` finds the old file or the new one.

  Raises:
    OSError: it cannot be written; the old one is as it was.
  """
  partial = path.with_name(f'{path.name}.partial{os.getpid()}')
  try:
    partial.write_text(text, encoding='utf8')
    partial.replace(path)
  except OSError:
    partial.unlink(missing_ok=True)
    raise
