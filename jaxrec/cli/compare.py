"""Several datasets at once: ours beside all baselines, in one table.

    python -m jaxrec.compare \
      --configs=configs/news.py:demo,configs/video.py:movielens \
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

import pathlib
import sys
import time

# configs/ lies beside jaxrec/, and the configs import each other.
sys.path.append(str(pathlib.Path(__file__).parents[2]))

from absl import app, flags

from jaxrec import workdirs
from jaxrec.cli.flags import fail, parse
from jaxrec.commands import runs
from jaxrec.commands.runs import Run, Stopped
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.files import write_text
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


def compare(asked: list[Run], workdir: pathlib.Path, display: Display) -> dict:
  """Trains what is not finished, and tells of all of it after each run.

  Returns:
    What compare.json holds.

  Raises:
    UserError: a workdir is of another run; nothing was trained then.
    Stopped: SIGTERM came.
  """
  done = {run.workdir: runs.finished(run) for run in asked}
  failed = {}
  todo = [run for run in asked if done[run.workdir] is None]
  display.say(f'{len(asked)} runs, {len(asked) - len(todo)} of them finished')
  told = tell(asked, done, failed, workdir)
  seconds = {}  # By config.
  for i, run in enumerate(todo):
    left = _left(seconds, todo[i:])
    display.say(
      f'run {i + 1} of {len(todo)}: {run.name}, seed {run.seed}{left}'
    )
    start = time.monotonic()
    line = runs.train(run)
    if line is None:
      seconds.setdefault(run.name, []).append(time.monotonic() - start)
      done[run.workdir] = runs.finished(run)
    if done[run.workdir] is None:
      failed[run.workdir] = line or 'stopped before it was finished'
    told = tell(asked, done, failed, workdir)
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
  asked: list[Run], done: dict, failed: dict, workdir: pathlib.Path
) -> dict:
  """Writes compare.json, compare.md and compare.svg, each whole or not at all.

  Args:
    asked: all.
    done: by workdir, what results.json holds, or None.
    failed: by workdir, the line of error.
    workdir: where to.

  Returns:
    What compare.json holds.
  """
  datasets = {}
  for name in dict.fromkeys(run.name for run in asked):
    mine = [run for run in asked if run.name == name]
    missing = {
      str(run.seed): f'failed: {failed[run.workdir]}'
      if run.workdir in failed
      else 'started, not finished'
      if (run.workdir / 'config.json').is_file()
      else 'has not run yet'
      for run in mine
      if done[run.workdir] is None
    }
    reached = {run.seed: found for run in mine if (found := done[run.workdir])}
    found = {'arguments': mine[0].arguments[:-1]}  # All but the seed.
    try:
      found |= comparison.combine(reached) if reached else {}
    except UserError as e:
      missing |= {str(seed): f'failed: {e}' for seed in reached}
    datasets[name] = found | {'missing': missing}
  told = {'notes': comparison.foot(datasets), 'datasets': datasets}
  workdir.mkdir(parents=True, exist_ok=True)
  for name, text in {
    'compare.md': comparison.markdown(datasets),
    'compare.svg': comparison_figure.draw(datasets),
  }.items():
    write_text(workdir / name, text)
  workdirs.write_json(workdir / 'compare.json', told)
  return told


def _show(told: dict, workdir: pathlib.Path, display: Display) -> None:
  rows, failures = {}, []
  for name, of in told['datasets'].items():
    if 'methods' in of:
      rows[name] = comparison.brief(of)
    failures += [f'{name}, {line}' for line in comparison.missing(of)]
  if rows:
    display.table('jaxrec and the best baseline of each', rows)
  for line in failures:
    display.say(line)
  display.say(
    ', '.join(str(workdir / f'compare.{end}') for end in ('md', 'json', 'svg'))
  )


def _parse(argv):
  try:
    rest = parse(flags.FLAGS, argv, None)
    if not _WORKDIR.value:
      raise UserError('--workdir is missing: give a directory for the results')
    return rest
  except UserError as e:
    fail(e)


def main(argv):
  """Reads the flags; the rest is `compare`."""
  del argv
  again = 'the same command goes on from there'
  try:
    workdir = pathlib.Path(_WORKDIR.value).expanduser().absolute()
    display = Display()
    asked = runs.plan(_CONFIGS.value, _SEEDS.value, _SET.value, workdir)
    told = compare(asked, workdir, display)
    _show(told, workdir, display)
  except (UserError, OSError) as e:  # The latter name the file.
    fail(e)
  except Stopped:
    print(f'jaxrec: stopped: {again}', file=sys.stderr)
    return
  except KeyboardInterrupt:
    print(f'jaxrec: interrupted: {again}', file=sys.stderr)
    sys.exit(130)  # As a shell has it for SIGINT.
  if any(of['missing'] for of in told['datasets'].values()):
    sys.exit(2)


def run():
  """The entry point."""
  app.run(main, flags_parser=_parse)
