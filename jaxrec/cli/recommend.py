"""jaxrec recommend, --mode=recommend."""

import contextlib

from absl import flags

import jaxrec
from jaxrec.bundle import layout
from jaxrec.cli import process
from jaxrec.cli.flags import Flag
from jaxrec.cli.verb import Verb
from jaxrec.errors import UserError
from jaxrec.inference import user_files

FLAGS = (
  Flag(
    'bundle',
    'The directory that jaxrec export wrote.',
    'DIR',
    hint='give the directory of what --mode=export writes',
  ),
  Flag(
    'users',
    'Who is recommended to: .jsonl, .csv, .tsv or .parquet of user_id and '
    'history, a list of item ids; or a log of user_id, item_id, timestamp.',
    'FILE',
    hint='give a file of users, .jsonl, .csv, .tsv or .parquet',
  ),
  Flag(
    'output',
    'What is written, .jsonl or .parquet.',
    'FILE',
    hint='give a name for the recommendations, .jsonl or .parquet',
  ),
  Flag('k', 'Items for each user.', 'N', 'integer', 10),
  Flag(
    'strategy',
    'top_k: the k best; probability: of them those above the threshold.',
    'NAME',
    default='top_k',
  ),
  Flag(
    'threshold', 'Of --strategy=probability: a probability, or auto.', 'NUMBER'
  ),
  Flag(
    'exclude_seen',
    "Nothing out of the user's history is recommended.",
    kind='bool',
    default=True,
  ),
  Flag(
    'diversity',
    'How much the texts of a list are to differ, 0 to 1.',
    'NUMBER',
    'float',
    0.0,
  ),
  Flag(
    'unknown',
    'What becomes of unknown ids in histories: error sets the line aside, '
    'skip leaves them out.',
    'NAME',
    default='error',
  ),
)


def _check(values: flags.FlagValues) -> None:
  user_files.check_name(process.absolute(values.users))
  layout.check_there(process.absolute(values.bundle))


def _work(values: flags.FlagValues) -> None:
  process.start(values)
  threshold = values.threshold
  with contextlib.suppress(TypeError, ValueError):
    threshold = float(threshold)
  with process.errors_told('nothing was written'):
    counts = jaxrec.recommend_file(
      process.absolute(values.bundle),
      process.absolute(values.users),
      process.absolute(values.output),
      k=values.k,
      strategy=values.strategy,
      threshold=threshold,
      exclude_seen=values.exclude_seen,
      diversity=values.diversity,
      unknown=values.unknown,
    )
    if counts.bad > counts.good:
      raise UserError(
        f'{counts.bad:,} of {counts.bad + counts.good:,} lines of '
        f'{values.users} were set aside: {values.output} has the others'
      )


VERB = Verb(
  'recommend',
  'Recommends to all users of a file, by a bundle: a line of items for each.',
  FLAGS,
  ('bundle', 'users', 'output'),
  _work,
  _check,
)
run = VERB.run
