"""jaxrec prepare, --mode=prepare."""

from absl import flags

from jaxrec import preflight
from jaxrec.cli import process
from jaxrec.cli.flags import CONFIG, PROCESSES
from jaxrec.cli.verb import Verb


def _check(values: flags.FlagValues) -> None:
  preflight.check_data(values.config.data)
  # Here, since a mistake in a key is told before files are looked at.
  from jaxrec.data.datasets import own_tables

  own_tables.check(values.config.data)


def _work(values: flags.FlagValues) -> None:
  process.start(values)
  with process.errors_told():
    process.join(values)
    from jaxrec.commands.prepare import prepare
    from jaxrec.console import Display

    prepare(values.config.data, Display())


VERB = Verb(
  'prepare',
  'Reads the data of a config, says what it read and what it set aside, and '
  'keeps it for runs to come. Trains nothing.',
  (CONFIG, *PROCESSES),
  ('config',),
  _work,
  _check,
)
run = VERB.run
