"""jaxrec: recommenders that read.

    import jaxrec
    from jaxrec import presets

    jaxrec.train(presets.get_config('news'), '/tmp/news')
    jaxrec.export(presets.get_config('news'), '/tmp/news', '/tmp/bundle')
    jaxrec.load('/tmp/bundle').recommend(['N0007'], k=5)

Nothing heavy is imported before it is used.
"""

import os
import pathlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from collections.abc import Callable

  from ml_collections import ConfigDict

  from jaxrec.commands.recommend import LineCounts
  from jaxrec.inference.model import Model
  from jaxrec.training.settings import Config

__version__ = '0.1.0'
__all__ = [
  'Config',
  '__version__',
  'evaluate',
  'export',
  'load',
  'recommend_file',
  'train',
]

_Path = str | os.PathLike[str]


def load(bundle: _Path) -> 'Model':
  """The model in a directory that `export` wrote.

  Needs numpy, jax, tokenizers and safetensors, and nothing that trains.

  Args:
    bundle: the directory.

  Raises:
    UserError: it is no bundle, or not as it was written; names the file.
  """
  from jaxrec.inference.load import load

  return load(_absolute(bundle))


def train(
  config: 'Config | ConfigDict', workdir: _Path, *, verbose: bool = False
) -> dict[str, Any]:
  """Trains, validates on the way, and evaluates the best step.

  A workdir that was begun is continued, bit for bit as if it had never stopped;
  a finished one is only shown.

  Args:
    config: what `presets.get_config('news:mind_small')` returns, changed or
      not.
    workdir: for checkpoints, event files, results.json and report.html.
    verbose: whether the table of parameters is shown, too.

  Returns:
    What results.json holds.

  Raises:
    UserError: anything that can be mended; another process trains there.
  """
  from jaxrec.commands.setup import set_up

  set_up(config)
  from jaxrec.commands.train import train_and_evaluate

  return train_and_evaluate(config, _absolute(workdir), verbose=verbose)


def evaluate(
  config: 'Config | ConfigDict', workdir: _Path, split: str = 'test'
) -> dict[str, Any]:
  """Evaluates the best step of a trained workdir anew, beside the baselines.

  Args:
    config: as `train` got it.
    workdir: likewise.
    split: test, validation or train.

  Returns:
    What was written as results.json, or results.<split>.json.

  Raises:
    UserError: nothing is trained there, or by another config; no such split.
  """
  from jaxrec.commands.setup import set_up

  set_up(config)
  from jaxrec.commands.evaluate import evaluate_workdir

  return evaluate_workdir(config, _absolute(workdir), split)


def export(
  config: 'Config | ConfigDict', workdir: _Path, bundle: _Path
) -> dict[str, Any]:
  """Writes the model of a trained workdir as a bundle, which `load` reads.

  Args:
    config: as `train` got it.
    workdir: likewise.
    bundle: the directory; a bundle that is there is replaced.

  Returns:
    The bundle's manifest.

  Raises:
    UserError: nothing is trained there, or by another config; `bundle` is
      something else, or cannot be written.
  """
  from jaxrec.commands.setup import set_up

  set_up(config)
  from jaxrec.commands.export import export_workdir

  return export_workdir(config, _absolute(workdir), _absolute(bundle))


def recommend_file(
  bundle: _Path,
  users: _Path,
  output: _Path,
  *,
  k: int = 10,
  say: 'Callable[[str], None]' = print,
  **options: Any,
) -> 'LineCounts':
  """Recommends to all users of a file, a line of items for each.

  Args:
    bundle: a directory that `export` wrote.
    users: .jsonl or .parquet of user_id and history, a list of item ids.
    output: .jsonl or .parquet, written whole or not at all.
    k: items for each user at most.
    say: called with lines for people.
    options: strategy, threshold, exclude_seen, diversity, unknown: of
      `Model.recommend_many`.

  Returns:
    How many users were written, how many lines set aside, and the seconds.

  Raises:
    UserError: a file that is missing, unreadable, or of an unknown form; an
      option that cannot be; no line was good.
  """
  from jaxrec.commands.recommend import recommend_file

  return recommend_file(
    _absolute(bundle),
    _absolute(users),
    _absolute(output),
    k=k,
    say=say,
    **options,
  )


def _absolute(path: _Path) -> pathlib.Path:
  return pathlib.Path(path).expanduser().absolute()


def __getattr__(name: str) -> Any:
  if name != 'Config':
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  from jaxrec.training.settings import Config

  return Config


def __dir__() -> list[str]:
  return sorted({*globals(), *__all__})
