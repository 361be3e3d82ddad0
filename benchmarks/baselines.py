"""All baselines, tuned on validation and judged on the test split: seconds.

    python -m benchmarks.baselines --config=configs/video.py:movielens \
      --data=DIR

Prints each baseline's settings, metrics and seconds, tuning included, and the
seconds of all. Texts are encoded before, once, and kept.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import importlib
import time

import jax

from jaxrec.baselines import BASELINES
from jaxrec.console import Display
from jaxrec.evaluation import metrics
from jaxrec.evaluation.summary import judge_baseline
from jaxrec.training.experiment import Experiment


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--config', required=True, help='FILE or FILE:VARIANT')
  parser.add_argument('--data', default='', help='as config.data.dir')
  parser.add_argument('--protocol', help='as config.data.protocol')
  parser.add_argument('--seen', help='as config.evaluation.seen')
  parser.add_argument('--cache', default='', help='as config.data.cache_dir')
  parser.add_argument('--encoder', default='minilm', help='as in the config')
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  args = parser.parse_args()
  path, _, variant = args.config.partition(':')
  module = path.removesuffix('.py').replace('/', '.')
  config = importlib.import_module(module).get_config(variant or None)
  changes = {
    'data.dir': args.data,
    'data.cache_dir': args.cache,
    'encoder.pretrained': args.encoder,
    'data.protocol': args.protocol or config.data.protocol,
    'evaluation.seen': args.seen or config.evaluation.seen,
  }
  config.update_from_flattened_dict(changes)
  experiment = Experiment.from_config(config, Display())
  with jax.set_mesh(experiment.mesh):
    known = {split: experiment.known(split) for split in ('validation', 'test')}
  protocol, data = experiment.protocol, experiment.dataset
  examples, left_out = protocol.examples(data.test)
  choosing, _ = protocol.examples(data.validation)
  found = {}
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
    found[name] = {
      'seconds': time.perf_counter() - began,
      'settings': settings,
      'metrics': metrics.finalize(judged.values),
    }
  setup.report(
    args,
    {
      'protocol': f'{protocol.name}, among {protocol.describe()}',
      'examples': len(examples),
      'left_out': left_out,
      'seconds': sum(one['seconds'] for one in found.values()),
      'baselines': found,
    },
  )


if __name__ == '__main__':
  main()
