"""jaxrec compare, python -m jaxrec.compare: several datasets at once.

    jaxrec compare --configs=news,video:movielens \
      --set=video:data.dir=DIR --workdir=OUT --seeds=0,1,2

trains every config once for each seed, in OUT/<config>-<variant>/seed<k>, and
writes OUT/compare.md, compare.json and compare.svg after each run: ours beside
all baselines, in one table. The same command again reads finished runs,
continues an interrupted one and tries again what failed.

--set=KEY=VALUE changes a key of all configs, --set=NAME:KEY=VALUE of those of
that name: a file's ('video') or a run's ('video-movielens'). May be repeated,
the last one counts; no character of it needs quotes. Keys and types are those
of --config.KEY=VALUE, of which each run gets them; an unknown key, in any
config, is an error with the near misses before anything is trained.
"""

import pathlib
import re
import sys
from typing import TYPE_CHECKING

from absl import flags

from jaxrec.cli import mistakes, process
from jaxrec.cli.arguments import split
from jaxrec.cli.flags import Flag, load_config
from jaxrec.cli.verb import Verb
from jaxrec.errors import Mistakes, UserError, choices

if TYPE_CHECKING:  # It imports jax.
  from jaxrec.commands.runs import Run

FLAGS = (
  Flag(
    'configs',
    'Presets or config files with their variants, by commas: '
    'news,video:movielens.',
    'CONFIG,...',
    'list',
    [],
  ),
  Flag(
    'workdir',
    'Where runs and tables go.',
    'DIR',
    hint='give a directory for the results',
  ),
  Flag('seeds', 'A training each, by commas.', 'SEED,...', 'list', ['0']),
  Flag(
    'set',
    'Changes a key of all configs, or of those named so: video:data.dir=DIR. '
    'May be repeated.',
    '[NAME:]KEY=VALUE',
    'multi_string',
    [],
  ),
)


def plan(
  configs: list[str],
  seeds: list[str],
  changes: list[str],
  workdir: pathlib.Path,
) -> list['Run']:
  """The trainings that flags ask for, in the order they are run.

  The order is by seed, so that the first round has all datasets in the table.

  Args:
    configs, seeds, changes: of --configs, --seeds, --set.
    workdir: of all.

  Raises:
    UserError: one of them cannot be.
  """
  from jaxrec.commands.runs import Run
  from jaxrec.training.settings import Config

  runs = []
  for name, seed, arguments in _arguments(configs, seeds, changes):
    try:
      loaded = Config.from_dict(load_config(arguments))
    except UserError as e:
      raise UserError(f'{name}: {e}') from e
    runs.append(
      Run(name, seed, arguments, loaded, workdir / name / f'seed{seed}')
    )
  return runs


def _arguments(
  configs: list[str], seeds: list[str], changes: list[str]
) -> list[tuple[str, int, list[str]]]:
  """Of each run its name, its seed and what makes its config, as for `plan`."""
  named = {}  # By the run's name: the config, and the file's name.
  for config in configs:
    file, _, variant = config.partition(':')
    stem = pathlib.Path(file).stem
    name = re.sub(r'[^\w.-]', '-', f'{stem}-{variant}' if variant else stem)
    if name in named:
      raise UserError(f'--configs: two are named {name!r}: give each once')
    named[name] = config, stem
  if not named:
    raise UserError('--configs is missing: give e.g. --configs=news,video')
  overrides: dict[str, dict[str, object]] = {name: {} for name in named}
  for change in changes:
    who, key, value = _change(change)
    meant = [n for n, (_, stem) in named.items() if who in ('', n, stem)]
    if not meant:
      known = {*named, *(stem for _, stem in named.values())}
      raise UserError(f'--set={change}: {choices(who, known)}')
    for name in meant:
      overrides[name][key] = value
  runs = []
  for seed in _seeds(seeds):
    for name, (config, _) in named.items():
      changed = overrides[name] | {'seed': seed}
      arguments = [f'--config={config}']
      arguments += [f'--config.{k}={v}' for k, v in changed.items()]
      runs.append((name, seed, arguments))
  return runs


def _check(values: flags.FlagValues) -> None:
  """The names in all configs, before JAX is there."""
  runs = _arguments(values.configs, values.seeds, values.set)
  lines = []
  for name, seed, arguments in runs:
    if seed == runs[0][1]:
      file, changes, _ = split(arguments)
      lines += [f'{name}: {x}' for x in mistakes.of_config(file, changes)]
  if lines:
    raise Mistakes(lines)


def _change(text: str) -> tuple[str, str, str]:
  """'video:data.dir=a' -> ('video', 'data.dir', 'a')."""
  left, equals, value = text.partition('=')
  who, _, key = left.rpartition(':')
  if not (equals and key):
    raise UserError(f'--set={text}: give KEY=VALUE or NAME:KEY=VALUE')
  if key == 'seed':
    raise UserError(f'--set={text}: seeds are given by --seeds')
  return who, key, value


def _seeds(seeds: list[str]) -> list[int]:
  if not seeds or any(not re.fullmatch(r'[0-9]+', seed) for seed in seeds):
    raise UserError(
      f'--seeds={",".join(seeds)}: give whole numbers by commas, 0 or more'
    )
  return list(dict.fromkeys(map(int, seeds)))


def _work(values: flags.FlagValues) -> None:
  with process.errors_told('the same command goes on from there'):
    from jaxrec.commands import compare
    from jaxrec.console import Display

    workdir, display = process.absolute(values.workdir), Display()
    runs = plan(values.configs, values.seeds, values.set, workdir)
    compared = compare.compare(runs, workdir, display)
    compare.show(compared, workdir, display)
    if any(dataset['missing'] for dataset in compared['datasets'].values()):
      sys.exit(2)


VERB = Verb(
  'compare',
  'Trains every config once for each seed, each in a process of its own, and '
  'writes ours beside all baselines as compare.md, compare.json and '
  'compare.svg. The same command again goes on where it was.',
  FLAGS,
  ('workdir',),
  _work,
  _check,
)


def run(argv: list[str] | None = None) -> None:
  """The entry point.

  Args:
    argv: what stands after the verb; None: of this process.
  """
  VERB.run(sys.argv[1:] if argv is None else argv)
