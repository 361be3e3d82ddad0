"""Several datasets at once: ours beside all baselines, in one table.

    python -m jaxrec.compare --configs=configs/news.py:demo,configs/video.py \
      --set=video:data.dir=DIR --workdir=OUT --seeds=0,1,2

trains every config once for each seed, in OUT/<config>-<variant>/seed<k>, and
writes OUT/compare.md, compare.json and compare.svg after each run. The same
command again reads finished runs, continues an interrupted one and tries again
what failed.

--set=KEY=VALUE changes a key of all configs, --set=NAME:KEY=VALUE of those of
that name: a file's ('video') or a run's ('video-movielens'). May be repeated,
the last one counts; no character of it needs quotes. Keys and types are those
of --config.KEY=VALUE, of which each run gets them; an unknown key, in any
config, is an error with the near misses before anything is trained.

Each run is a process of its own, `python -m jaxrec.main ...`: what a failed one
was doing, and the memory it held, ends with it, for the 15 s of one more start.
Its last line of error stands in the table, the others are trained all the same,
and the exit code is 2. This process never touches an accelerator. Baselines
are computed anew beside every seed (10 to 35 s), for each seed's paired
comparison needs their values of every user on the same draws.

The order is by seed, so that the first round has all datasets in the table.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from typing import NamedTuple

# configs/ lies beside jaxrec/, and the configs import each other.
sys.path.append(str(pathlib.Path(__file__).parents[1]))

from absl import app, flags
from ml_collections import config_flags

from jaxrec import results
from jaxrec.display import Display
from jaxrec.errors import UserError, choices, one_line
from jaxrec.report import comparison, comparison_figure

_CONFIGS = flags.DEFINE_list(
  'configs', [], 'Config files with their variants, by commas.'
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Where runs and tables go.')
_SEEDS = flags.DEFINE_list('seeds', ['0'], 'A training each, by commas.')
_SET = flags.DEFINE_multi_string(
  'set',
  [],
  'KEY=VALUE of all configs or NAME:KEY=VALUE of one; may be repeated.',
)
PREFIX = 'jaxrec: error: '  # Of main's lines.
NOT_YET = 'has not run yet'


class Run(NamedTuple):
  """One training.

  Attributes:
    name: of its config, '<file>-<variant>'.
    seed: of the training.
    arguments: what makes its config, as main takes it.
    config: the ConfigDict that these make.
    workdir: its own.
  """

  name: str
  seed: int
  arguments: list[str]
  config: object
  workdir: pathlib.Path


class Stopped(Exception):
  """SIGTERM came."""


def plan(
  configs: list[str], seeds: list[str], changes: list[str], workdir
) -> list[Run]:
  """The trainings that flags ask for, in the order they are run.

  Args:
    configs, seeds, changes: of --configs, --seeds, --set.
    workdir: of all.

  Raises:
    UserError: one of them cannot be.
  """
  named = {}  # By the run's name: the config, and the file's name.
  for given in configs:
    file, _, variant = given.partition(':')
    stem = pathlib.Path(file).stem
    name = re.sub(r'[^\w.-]', '-', f'{stem}-{variant}' if variant else stem)
    if name in named:
      raise UserError(f'--configs: two are named {name!r}: give each once')
    named[name] = given, stem
  if not named:
    raise UserError(
      '--configs is missing: give e.g. --configs=configs/news.py:demo'
    )
  overrides = {name: {} for name in named}
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
    for name, (given, _) in named.items():
      changed = overrides[name] | {'seed': seed}
      arguments = [f'--config={given}']
      arguments += [f'--config.{k}={v}' for k, v in changed.items()]
      config = load(arguments)
      runs.append(
        Run(name, seed, arguments, config, workdir / name / f'seed{seed}')
      )
  return runs


def _change(text: str) -> tuple[str, str, str]:
  """'video:data.dir=a' -> ('video', 'data.dir', 'a')."""
  left, equals, value = text.partition('=')
  who, _, key = left.rpartition(':')
  if not (equals and key):
    raise UserError(f'--set={text}: give KEY=VALUE or NAME:KEY=VALUE')
  if key == 'seed':
    raise UserError(f'--set={text}: seeds are given by --seeds')
  return who, key, value


def _seeds(given: list[str]) -> list[int]:
  if not given or any(not re.fullmatch(r'[0-9]+', seed) for seed in given):
    raise UserError(
      f'--seeds={",".join(given)}: give whole numbers by commas, 0 or more'
    )
  return list(dict.fromkeys(map(int, given)))


def load(arguments: list[str]):
  """The config that main would make of --config=... and --config.KEY=...

  Raises:
    UserError: there is no such file, variant or key, or not of that type.
  """
  values = flags.FlagValues()
  argv = ['jaxrec', *arguments]
  flag = config_flags.DEFINE_config_file(
    'config', None, flag_values=values, sys_argv=argv
  )
  try:
    values(argv)
    flag.value.lock()  # Raises where the file could not be read.
  except (
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    OSError,
    flags.Error,
  ) as e:
    told = ' '.join(arguments)
    raise UserError(f'{one_line(e)} (of {told})') from e
  return flag.value


def finished(run: Run) -> dict | None:
  """What a run's results.json holds, if it is trained to its end.

  Raises:
    UserError: another run's workdir.
  """
  kept = results.read_config(run.workdir)
  if kept is None:
    return None
  # What lies in the data's directory now does not matter to a finished run.
  results.check_workdir(run.workdir, run.config, kept['fingerprints'])
  done = results.read(run.workdir)
  steps = done and done['train'].get('steps')
  return done if steps == run.config.num_train_steps else None


def train(run: Run) -> str | None:
  """One run in a process of its own; what it failed with, if it did.

  Raises:
    Stopped: SIGTERM came, and the run has saved where it was.
  """
  command = [sys.executable, '-m', 'jaxrec.main']
  command += [*run.arguments, f'--workdir={run.workdir}']
  stopped = False

  def stop(*_):
    nonlocal stopped
    stopped = True
    process.terminate()

  process = subprocess.Popen(command, stderr=subprocess.PIPE, errors='replace')
  before = signal.signal(signal.SIGTERM, stop)
  last = ''
  try:
    for line in process.stderr:
      print(line, end='', file=sys.stderr, flush=True)
      last = line if line.strip() else last
    code = process.wait()
  except BaseException:  # Ctrl-C: it came to the run, too, which saves.
    process.wait()
    raise
  finally:
    signal.signal(signal.SIGTERM, before)
  if stopped:
    raise Stopped
  if code == 0:
    return None
  told = ''.join(c if c.isprintable() else ' ' for c in last).strip()
  told = told.removeprefix(PREFIX)
  if code < 0:
    told = f'ended by {signal.Signals(-code).name} {told}'.strip()
  return told or f'ended with exit code {code}'


def compare(runs: list[Run], workdir: pathlib.Path, display: Display) -> dict:
  """Trains what is not finished, and tells of all of it after each run.

  Returns:
    What compare.json holds.

  Raises:
    UserError: a workdir is of another run; nothing was trained then.
    Stopped: SIGTERM came.
  """
  done = {run.workdir: finished(run) for run in runs}
  failed = {}
  todo = [run for run in runs if done[run.workdir] is None]
  display.say(f'{len(runs)} runs, {len(runs) - len(todo)} of them finished')
  told = tell(runs, done, failed, workdir)
  seconds = {}  # By config.
  for i, run in enumerate(todo):
    left = _left(seconds, todo[i:])
    display.say(f'run {i + 1} of {len(todo)}: {run.name}, seed {run.seed}{left}')
    start = time.monotonic()
    line = train(run)
    if line is None:
      seconds.setdefault(run.name, []).append(time.monotonic() - start)
      done[run.workdir] = finished(run)
    if done[run.workdir] is None:
      failed[run.workdir] = line or 'stopped before it was finished'
    told = tell(runs, done, failed, workdir)
  return told


def _left(seconds: dict[str, list[float]], todo: list[Run]) -> str:
  """', about 3 min left', by what earlier runs took."""
  known = [s for of in seconds.values() for s in of]
  if not known:
    return ''
  mean = lambda of: sum(of) / len(of)
  total = sum(mean(seconds.get(run.name) or known) for run in todo)
  return f', about {max(total / 60, 1):.0f} min left'


def tell(
  runs: list[Run], done: dict, failed: dict, workdir: pathlib.Path
) -> dict:
  """Writes compare.json, compare.md and compare.svg, each whole or not at all.

  Args:
    runs: all.
    done: by workdir, what results.json holds, or None.
    failed: by workdir, the line of error.
    workdir: where to.

  Returns:
    What compare.json holds.
  """
  datasets = {}
  for name in dict.fromkeys(run.name for run in runs):
    mine = [run for run in runs if run.name == name]
    lines = {
      run.seed: failed.get(run.workdir, NOT_YET)
      for run in mine
      if done[run.workdir] is None
    }
    reached = {run.seed: found for run in mine if (found := done[run.workdir])}
    found = {'arguments': mine[0].arguments[:-1]}  # All but the seed.
    try:
      found |= comparison.combine(reached) if reached else {}
    except UserError as e:
      lines |= dict.fromkeys(reached, one_line(e))
    datasets[name] = found | {'failed': lines}
  told = {'notes': comparison.foot(datasets), 'datasets': datasets}
  workdir.mkdir(parents=True, exist_ok=True)
  for name, text in {
    'compare.md': comparison.markdown(datasets),
    'compare.svg': comparison_figure.draw(datasets),
  }.items():
    partial = workdir / f'{name}.partial{os.getpid()}'
    partial.write_text(text, encoding='utf8')
    partial.replace(workdir / name)
  results.write_json(workdir / 'compare.json', told)
  return told


def _show(told: dict, workdir: pathlib.Path, display: Display) -> None:
  rows, failures = {}, []
  for name, of in told['datasets'].items():
    if 'methods' in of:
      rows[name] = comparison.brief(of)
    failures += [
      f'{name}, seed {seed} failed: {line}'
      for seed, line in of['failed'].items()
    ]
  if rows:
    display.table('jaxrec and the best baseline of each', rows)
  for line in failures:
    display.say(line)
  display.say(
    ', '.join(str(workdir / f'compare.{end}') for end in ('md', 'json', 'svg'))
  )


def _fail(error):
  print(f'{PREFIX}{error}', file=sys.stderr)
  sys.exit(2)


def _parse(argv):
  try:
    rest = flags.FLAGS(argv)
    if len(rest) > 1:
      raise UserError(f'unexpected argument {rest[1]!r}: options start with --')
    if not _WORKDIR.value:
      raise UserError('--workdir is missing: give a directory for the results')
    return rest
  except (ValueError, flags.Error) as e:
    _fail(one_line(e))


def main(argv):
  """Reads the flags; the rest is `compare`."""
  del argv
  again = 'the same command goes on from there'
  try:
    workdir = pathlib.Path(_WORKDIR.value).expanduser().absolute()
    display = Display()
    runs = plan(_CONFIGS.value, _SEEDS.value, _SET.value, workdir)
    told = compare(runs, workdir, display)
    _show(told, workdir, display)
  except (UserError, OSError) as e:  # The latter name the file.
    _fail(one_line(e))
  except Stopped:
    print(f'jaxrec: stopped: {again}', file=sys.stderr)
    return
  except KeyboardInterrupt:
    print(f'jaxrec: interrupted: {again}', file=sys.stderr)
    sys.exit(130)  # As a shell has it for SIGINT.
  if any(of['failed'] for of in told['datasets'].values()):
    sys.exit(2)


if __name__ == '__main__':
  app.run(main, flags_parser=_parse)
