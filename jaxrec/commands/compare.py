"""Several trainings and one table: ours beside all baselines.

Each run is a process of its own, `python -m jaxrec.main ...`: what a failed one
was doing, and the memory it held, ends with it, for the 15 s of one more start.
Its last line of error stands in the table, and the others are trained all the
same. This process never touches an accelerator. Baselines are computed anew
beside every seed (10 to 35 s), for each seed's paired comparison needs their
values of every user on the same draws.
"""

import pathlib
import time
from typing import Any

from jaxrec import workdirs
from jaxrec.commands import runs as trainings
from jaxrec.commands.runs import Run
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.files import write_text
from jaxrec.report import comparison, comparison_figure, seeds


def compare(runs: list[Run], workdir: pathlib.Path, display: Display) -> dict:
  """Trains what is not finished, and tells of all of it after each run.

  Returns:
    What compare.json holds.

  Raises:
    UserError: a workdir is of another run; nothing was trained then.
    Stopped: SIGTERM came.
  """
  results = {run.workdir: trainings.finished(run) for run in runs}
  errors: dict[pathlib.Path, str] = {}
  unfinished = [run for run in runs if results[run.workdir] is None]
  display.say(
    f'{len(runs)} runs, {len(runs) - len(unfinished)} of them finished'
  )
  compared = tell(runs, results, errors, workdir)
  seconds: dict[str, list[float]] = {}  # By config.
  for i, run in enumerate(unfinished):
    left = _left(seconds, unfinished[i:])
    display.say(
      f'run {i + 1} of {len(unfinished)}: {run.name}, seed {run.seed}{left}'
    )
    start = time.monotonic()
    error = trainings.train(run)
    if error is None:
      seconds.setdefault(run.name, []).append(time.monotonic() - start)
      results[run.workdir] = trainings.finished(run)
    if results[run.workdir] is None:
      errors[run.workdir] = error or 'stopped before it was finished'
    compared = tell(runs, results, errors, workdir)
  return compared


def _left(seconds: dict[str, list[float]], unfinished: list[Run]) -> str:
  """', about 3 min left', by what earlier runs took."""
  known = [s for of_config in seconds.values() for s in of_config]
  if not known:
    return ''

  def mean(taken: list[float]) -> float:
    return sum(taken) / len(taken)

  total = sum(mean(seconds.get(run.name) or known) for run in unfinished)
  return f', about {max(total / 60, 1):.0f} min left'


def tell(
  runs: list[Run],
  results: dict[pathlib.Path, dict | None],
  errors: dict[pathlib.Path, str],
  workdir: pathlib.Path,
) -> dict:
  """Writes compare.json, compare.md and compare.svg, each whole or not at all.

  Args:
    runs: all.
    results: by workdir, what results.json holds; None: not finished.
    errors: by workdir, the line of error.
    workdir: where to.

  Returns:
    What compare.json holds.
  """
  datasets: dict[str, dict[str, Any]] = {}
  for name in dict.fromkeys(run.name for run in runs):
    of_config = [run for run in runs if run.name == name]
    finished, missing = {}, {}
    for run in of_config:
      if result := results[run.workdir]:
        finished[run.seed] = result
      else:
        missing[str(run.seed)] = _why_missing(run, errors)
    dataset: dict[str, Any] = {
      'arguments': of_config[0].arguments[:-1]  # All but the seed.
    }
    try:
      dataset |= seeds.combine(finished) if finished else {}
    except UserError as e:
      missing |= {str(seed): f'failed: {e}' for seed in finished}
    datasets[name] = dataset | {'missing': missing}
  compared = {'notes': comparison.foot(datasets), 'datasets': datasets}
  workdir.mkdir(parents=True, exist_ok=True)
  for file, text in {
    'compare.md': comparison.markdown(datasets),
    'compare.svg': comparison_figure.draw(datasets),
  }.items():
    write_text(workdir / file, text)
  workdirs.write_json(workdir / 'compare.json', compared)
  return compared


def _why_missing(run: Run, errors: dict[pathlib.Path, str]) -> str:
  if run.workdir in errors:
    return f'failed: {errors[run.workdir]}'
  if (run.workdir / 'config.json').is_file():
    return 'started, not finished'
  return 'has not run yet'


def show(compared: dict, workdir: pathlib.Path, display: Display) -> None:
  """A table for people of what `compare` returned, and where the files are."""
  rows, lines = {}, []
  for name, dataset in compared['datasets'].items():
    if 'methods' in dataset:
      rows[name] = comparison.brief(dataset)
      if said := comparison.training(dataset):
        lines.append(f'{name}: {said}')
    lines += [f'{name}, {line}' for line in comparison.missing(dataset)]
  if rows:
    display.table('jaxrec and the best baseline of each', rows)
  lines.append(
    ', '.join(str(workdir / f'compare.{end}') for end in ('md', 'json', 'svg'))
  )
  for line in lines:
    display.say(line)
