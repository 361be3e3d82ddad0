"""jaxrec export, --mode=export."""

from absl import flags

import jaxrec
from jaxrec import preflight
from jaxrec.cli import process
from jaxrec.cli.flags import CONFIG, PROCESSES, WORKDIR, Flag
from jaxrec.cli.verb import Verb

BUNDLE = Flag(
  'bundle',
  'The directory that is written; a bundle that is there is replaced.',
  'DIR',
  hint='give the directory of what --mode=export writes',
)


def _check(values: flags.FlagValues) -> None:
  preflight.check_trained(process.absolute(values.workdir))
  preflight.check_data(values.config.data)


def _work(values: flags.FlagValues) -> None:
  process.start(values)
  with process.errors_told():
    process.join(values)
    jaxrec.export(
      values.config,
      process.absolute(values.workdir),
      process.absolute(values.bundle),
    )


VERB = Verb(
  'export',
  'Writes the model of a trained workdir as a bundle: a directory that '
  'jaxrec.load, jaxrec recommend and jaxrec serve read.',
  (CONFIG, WORKDIR, BUNDLE, *PROCESSES),
  ('config', 'workdir', 'bundle'),
  _work,
  _check,
  after_training=True,
)
run = VERB.run
