"""Whose a workdir is: that of one config and one set of data."""

import pathlib
from collections.abc import Mapping

from jaxrec import workdirs
from jaxrec.training import legacy
from jaxrec.training.settings import Config


def check(
  workdir: pathlib.Path, config: Config, fingerprints: Mapping[str, str]
) -> None:
  """Makes the workdir, or checks that what is there is of the same run.

  One that version 0.1.0 began is read in its own words.

  Args:
    workdir: of a run.
    config: of the run.
    fingerprints: of what else must be the same, see `Experiment`.

  Raises:
    UserError: the workdir is of another config or other data, or cannot be
      made.
  """
  written = workdirs.read_config(workdir)
  if written is not None:
    values = written['config']
    if legacy.is_old(values):
      values = legacy.translated_config(values)
    values = Config.from_dict(values).to_dict()  # Keys that are new since then.
    written = {**written, 'config': values}
  workdirs.check_workdir(workdir, config.to_dict(), fingerprints, written)


def claim(
  workdir: pathlib.Path, config: Config, fingerprints: Mapping[str, str]
) -> None:
  """Makes a workdir this run's, see `workdirs.claim_workdir`."""
  workdirs.claim_workdir(workdir, config.to_dict(), fingerprints)
