"""Whether a workdir has a config to read, found before it is read."""

import pathlib

NAME = 'config.json'


def path_in(workdir: str) -> pathlib.Path:
  """Where a workdir keeps the config that it was begun with."""
  return pathlib.Path(workdir).expanduser().absolute() / NAME


def is_there(workdir: str) -> bool:
  """Whether a training was begun in `workdir`."""
  return path_in(workdir).is_file()
