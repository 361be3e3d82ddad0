"""What the benchmarks share: environment, experiment, timing, report.

Imported before JAX or TensorFlow, whose words it keeps off the report.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')

from configs import news
from jaxrec import workdirs
from jaxrec.console import Display
from jaxrec.training.experiment import Experiment


def parser(description: str) -> argparse.ArgumentParser:
  """Arguments that every benchmark on data takes."""
  found = argparse.ArgumentParser(description=description)
  found.add_argument('--data', required=True, help="MIND's directory")
  found.add_argument('--cache', default='', help='as config.data.cache_dir')
  found.add_argument('--encoder', default='minilm', help='as in the config')
  found.add_argument('--batch_size', type=int, default=32)
  found.add_argument('--rounds', type=int, default=3)
  found.add_argument('--output', help='file for the JSON; it is printed too')
  return found


def experiment(args: argparse.Namespace, **changes) -> Experiment:
  """mind_small on the data given, with a constant learning rate."""
  config = news.get_config('mind_small')
  config.update_from_flattened_dict(
    {
      'data.dir': args.data,
      'data.cache_dir': args.cache,
      'encoder.pretrained': args.encoder,
      'batch_size': args.batch_size,
      # So that the schedule is flat from the first step on.
      'optim.warmup_steps': 0,
      'num_train_steps': 1_000_000,
      **changes,
    }
  )
  return Experiment.from_config(config, Display())


def interleaved(
  contenders: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
  """Seconds of each contender, in turn, `rounds` times.

  In turn, so that a slow minute of the machine hits all of them.
  """
  taken = {name: [] for name in contenders}
  for _ in range(rounds):
    for name, call in contenders.items():
      began = time.perf_counter()
      call()
      taken[name].append(time.perf_counter() - began)
  return taken


def rates(taken: Mapping[str, list[float]], work: Mapping[str, float]) -> dict:
  """Work per second by contender: the median, and each round's."""
  found = {}
  for name, seconds in taken.items():
    each = [work[name] / s for s in seconds]
    found[name] = {'median': statistics.median(each), 'rounds': each}
  return found


def ratio(rates: Mapping, one: str, other: str) -> dict:
  """How many times faster `one` is: the median of the rounds' ratios."""
  pairs = zip(rates[one]['rounds'], rates[other]['rounds'], strict=True)
  each = [a / b for a, b in pairs]
  return {'median': statistics.median(each), 'rounds': each}


def report(args: argparse.Namespace, found: dict) -> None:
  """Prints one JSON, with what it was measured on."""
  found = {
    'arguments': {k: v for k, v in vars(args).items() if k != 'output'},
    **found,
    'versions': workdirs.versions() | {'machine': platform.machine()},
    'cores': len(os.sched_getaffinity(0)),
  }
  print(json.dumps(found, indent=2))
  if args.output:
    with open(args.output, 'w') as f:
      json.dump(found, f, indent=2)
