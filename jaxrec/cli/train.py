"""jaxrec train, --mode=train."""

from absl import flags

import jaxrec
from jaxrec import preflight
from jaxrec.cli import process
from jaxrec.cli.flags import CONFIG, PROCESSES, VERBOSE, WORKDIR
from jaxrec.cli.verb import Verb


def _check(values: flags.FlagValues) -> None:
  preflight.check_name(process.absolute(values.workdir))
  preflight.check_data(values.config.data)
  # Here, since a mistake in a key is told before files are looked at.
  from jaxrec.data.datasets import own_tables

  own_tables.check(values.config.data)


def _work(values: flags.FlagValues) -> None:
  process.start(values)
  with process.errors_told():
    process.join(values)
    jaxrec.train(
      values.config, process.absolute(values.workdir), verbose=values.verbose
    )


VERB = Verb(
  'train',
  'Trains on the data of a config, validates on the way, and evaluates the '
  'best step beside the baselines. A workdir that was begun is continued.',
  (CONFIG, WORKDIR, VERBOSE, *PROCESSES),
  ('config', 'workdir'),
  _work,
  _check,
)
run = VERB.run
