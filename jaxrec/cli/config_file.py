"""The file that --config means, found before it is read."""

import difflib
import pathlib

from jaxrec import presets
from jaxrec.cli.arguments import FLAG
from jaxrec.errors import UserError, choices


def path_of(name: str) -> pathlib.Path:
  """The file that PRESET or FILE means.

  Raises:
    UserError: there is none; names those that are near.
  """
  if '/' not in name and not name.endswith(('.py', '.json')):
    files = presets.files()
    if name not in files:
      raise UserError(
        f'--{FLAG}={name}: preset {choices(name, files)}; a config file is '
        'named with its .py'
      )
    return files[name]
  path = pathlib.Path(name).expanduser()
  if path.is_file():
    return path
  beside = {
    file.stem: str(file)
    for file in sorted(path.parent.glob('*.py'))
    if file.is_file() and b'get_config' in file.read_bytes()
  }
  near = [beside[n] for n in difflib.get_close_matches(path.stem, beside)]
  hint = f': did you mean {" or ".join(near)}?' if near else ''
  listed = f' (there are: {", ".join(beside.values())})' if beside else ''
  raise UserError(f'no such file {path}{hint}{listed}')
