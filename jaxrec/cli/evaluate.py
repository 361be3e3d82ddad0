"""jaxrec evaluate, --mode=evaluate."""

from absl import flags

import jaxrec
from jaxrec import preflight
from jaxrec.cli import process
from jaxrec.cli.flags import CONFIG, PROCESSES, WORKDIR, Flag
from jaxrec.cli.verb import Verb

SPLIT = Flag(
  'split',
  'What is evaluated: test, validation or train.',
  'SPLIT',
  default='test',
)


def _check(values: flags.FlagValues) -> None:
  preflight.check_split(values.split)
  preflight.check_trained(process.absolute(values.workdir))
  preflight.check_data(values.config.data)


def _work(values: flags.FlagValues) -> None:
  process.start(values)
  with process.errors_told():
    process.join(values)
    from jaxrec.parallel.processes import StopSignal

    with StopSignal():
      jaxrec.evaluate(
        values.config, process.absolute(values.workdir), values.split
      )


VERB = Verb(
  'evaluate',
  'Evaluates the best step of a trained workdir anew, beside the baselines.',
  (CONFIG, WORKDIR, SPLIT, *PROCESSES),
  ('config', 'workdir'),
  _work,
  _check,
  after_training=True,
)
run = VERB.run
