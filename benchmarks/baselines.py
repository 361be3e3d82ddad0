"""All baselines, tuned on validation and judged on the test split: seconds.

    python -m benchmarks.baselines --config=configs/video.py:movielens \
      --data=DIR

Prints each baseline's settings, metrics and seconds, tuning included, and the
seconds of all. Texts are encoded before, once, and kept.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import importlib
import pathlib
import time
from collections.abc import Sequence

from jaxrec.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--config', required=True, help='FILE or FILE:VARIANT')
  parser.add_argument('--data', default='', help='as config.data.dir')
  parser.add_argument('--protocol', help='as config.data.protocol')
  parser.add_argument('--seen', help='as config.evaluation.seen')
  parser.add_argument('--cache', default='', help='as config.data.cache_dir')
  parser.add_argument('--encoder', default='minilm', help='as in the config')
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  args = parser.parse_args(argv)
  setup.report(args, measure(args))


def config_of(args: argparse.Namespace):
  """The config named, with what the flags change.

  Raises:
    UserError: there is no such config or variant.
  """
  name, _, variant = args.config.partition(':')
  path = pathlib.Path(name).with_suffix('.py')
  if path.is_absolute() or not (ROOT / path).is_file():
    raise UserError(f'--config={args.config}: no such file in {ROOT}')
  module = importlib.import_module('.'.join(path.with_suffix('').parts))
  try:
    config = module.get_config(variant or None)
  except KeyError as e:
    raise UserError(f'--config={args.config}: {e.args[0]}') from e
  changes = {
    'data.dir': args.data,
    'data.cache_dir': args.cache,
    'model.text.pretrained': args.encoder,
    'data.protocol': args.protocol or config.data.protocol,
    'evaluation.seen': args.seen or config.evaluation.seen,
  }
  return setup.changed(config.to_dict(), changes)


def measure(args: argparse.Namespace) -> dict:
  """Settings, metrics and seconds of each baseline."""
  import jax

  from jaxrec.baselines import BASELINES
  from jaxrec.console import Display
  from jaxrec.evaluation import metrics
  from jaxrec.evaluation.tuning import judge_baseline
  from jaxrec.training.experiment import Experiment

  experiment = Experiment.from_config(config_of(args), Display())
  with jax.set_mesh(experiment.mesh):
    known = {
      split: experiment.judge.known(split) for split in ('validation', 'test')
    }
  protocol, data = experiment.judge.protocol, experiment.dataset
  examples, left_out = protocol.examples(data.test)
  choosing, _ = protocol.examples(data.validation)
  baselines = {}
  for name in BASELINES:
    began = time.perf_counter()
    judged, settings = judge_baseline(
      name,
      protocol,
      examples,
      known['test'],
      choosing,
      known['validation'],
    )
    baselines[name] = {
      'seconds': time.perf_counter() - began,
      'settings': settings,
      'metrics': metrics.finalize(judged.values),
    }
  return {
    'protocol': f'{protocol.name}, among {protocol.describe()}',
    'examples': len(examples),
    'left_out': left_out,
    'seconds': sum(each['seconds'] for each in baselines.values()),
    'baselines': baselines,
  }


if __name__ == '__main__':
  setup.run(main)
