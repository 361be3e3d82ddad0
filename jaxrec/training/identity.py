"""Whose a workdir is: that of one config and one set of data."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from jaxrec import workdirs
from jaxrec.data.raw_files import Files
from jaxrec.errors import UserError
from jaxrec.training import legacy, longer
from jaxrec.training.settings import Config


def config_of(workdir: pathlib.Path, written: Mapping[str, Any]) -> Config:
  """The config that a workdir was begun with, in the keys of now.

  Keys that are new since then have their defaults, which is what was computed
  before there were keys for it. What version 0.1.0 wrote is translated.

  Args:
    workdir: for messages.
    written: what its config.json holds.

  Raises:
    UserError: it is no training's config.json, or of a version that had keys
      which this one lacks.
  """
  path = workdir / 'config.json'
  values = written.get('config') if isinstance(written, dict) else None
  if not isinstance(values, dict) or 'fingerprints' not in written:
    is_bundle = (workdir / 'manifest.json').is_file()
    but = ", but a bundle's" if is_bundle else ''
    raise UserError(
      f'{path} is not what a training writes{but}: give the --workdir of one'
    )
  if legacy.is_old(values):
    values = legacy.translated_config(values)
  try:
    return Config.from_dict(values)
  except UserError as e:
    by = written.get('version')
    raise UserError(
      f'{path}: {e}: it was written by another version of jaxrec'
      f'{f", {by}" if by else ""}'
    ) from e


def check(
  workdir: pathlib.Path,
  config: Config,
  fingerprints: Mapping[str, str],
  files: Files | None = None,
  *,
  may_grow_to: Callable[[], int] | None = None,
) -> None:
  """Makes the workdir, or checks that what is there is of the same run.

  One that version 0.1.0 began is read in its own words.

  Args:
    workdir: of a run.
    config: of the run.
    fingerprints: of what else must be the same, see `Experiment`.
    files: of the data, to name those that changed.
    may_grow_to: gives the steps of the training, if it may be longer than the
      one begun there; None: it may not.

  Raises:
    UserError: the workdir is of another config or other data, or cannot be
      made.
  """
  written = workdirs.read_config(workdir)
  if written is not None:
    begun = config_of(workdir, written)
    if may_grow_to and longer.is_longer(config, begun):
      longer.check(config, begun, workdir, may_grow_to)
      begun = longer.as_long_as(config, begun)
    written = {**written, 'config': begun.to_dict()}
  workdirs.check_workdir(
    workdir, config.to_dict(), fingerprints, written, files
  )


def claim(
  workdir: pathlib.Path,
  config: Config,
  fingerprints: Mapping[str, str],
  files: Files | None = None,
) -> None:
  """Makes a workdir this run's, see `workdirs.claim_workdir`.

  Of a training that grew config.json says from now on how long it is.
  """
  written = workdirs.read_config(workdir)
  grown = written is not None and longer.is_longer(
    config, config_of(workdir, written)
  )
  workdirs.claim_workdir(
    workdir, config.to_dict(), fingerprints, files, anew=grown
  )
