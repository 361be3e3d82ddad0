"""Named settings: `news:mind_small` is the variant mind_small of news.py.

A module here is a preset if it has `get_config`.
"""

import importlib
import pathlib

from ml_collections import ConfigDict

from jaxrec.errors import UserError, choices


def files() -> dict[str, pathlib.Path]:
  """The file of each preset, by its name."""
  return {
    path.stem: path
    for path in sorted(pathlib.Path(__file__).parent.glob('[!_]*.py'))
    if b'\ndef get_config(' in path.read_bytes()
  }


def variants(name: str) -> list[str]:
  """The variants of a preset; the first is what the name alone means."""
  return list(importlib.import_module(f'jaxrec.presets.{name}').VARIANTS)


def get_config(preset: str) -> ConfigDict:
  """The config that '<name>' or '<name>:<variant>' stands for.

  Raises:
    UserError: there is no such preset, or no such variant.
  """
  name, _, variant = preset.partition(':')
  if name not in files():
    raise UserError(f'preset {choices(name, files())}')
  if variant and variant not in variants(name):
    raise UserError(f'variant of {name} {choices(variant, variants(name))}')
  module = importlib.import_module(f'jaxrec.presets.{name}')
  return module.get_config(variant or None)
