"""The trainings of a comparison: which, whether finished, each in a process."""

import pathlib
import re
import signal
import subprocess
import sys
from typing import NamedTuple

from absl import flags
from ml_collections import config_flags

from jaxrec import workdirs
from jaxrec.cli.flags import PREFIX, parse
from jaxrec.errors import UserError, choices


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
      try:
        config = load(arguments)
      except UserError as e:
        raise UserError(f'{name}: {e}') from e
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
  parse(values, argv, flag)
  return flag.value


def finished(run: Run) -> dict | None:
  """What a run's results.json holds, if it is trained to its end.

  Raises:
    UserError: another run's workdir.
  """
  kept = workdirs.read_config(run.workdir)
  if kept is None:
    return None
  # What lies in the data's directory now does not matter to a finished run.
  workdirs.check_workdir(run.workdir, run.config, kept['fingerprints'])
  done = workdirs.read(run.workdir)
  steps = done and done['train'].get('steps')
  return done if steps == run.config.num_train_steps else None


def train(run: Run) -> str | None:
  """One run in a process of its own; what it failed with, if it did.

  Raises:
    Stopped: SIGTERM came, and the run has saved where it was.
  """
  command = [sys.executable, '-m', 'jaxrec.main']
  command += [*run.arguments, f'--workdir={run.workdir}']
  stopped, process, last = False, None, ''

  def stop(*_):
    nonlocal stopped
    stopped = True
    if process is not None:
      process.terminate()

  # First: it may come while the process is being started.
  before = signal.signal(signal.SIGTERM, stop)
  try:
    process = subprocess.Popen(
      command, stderr=subprocess.PIPE, errors='replace'
    )
    if stopped:
      process.terminate()
    for line in process.stderr:
      print(line, end='', file=sys.stderr, flush=True)
      last = line if line.strip() else last
    code = process.wait()
  except BaseException:  # Ctrl-C: it came to the run, too, which saves.
    if process is not None:
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
