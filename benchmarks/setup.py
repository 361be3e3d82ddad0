"""What the benchmarks share: environment, experiment, timing, report.

Imported before JAX or TensorFlow, whose words it keeps off the report. The
benchmarks import both within functions, so that --help answers at once.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')

from jaxrec.errors import UserError, choices, one_line

# The recommender that is measured, here and in PyTorch (`torch_model`): vectors
# of texts, read by an LSTM, scored by cosine. Nothing is beside them, fields,
# ids, biases or a trend.
RECOMMENDER = {
  'data.name': 'mind_small',
  'input.history_length': 50,
  'input.num_candidates': 5,
  'model.text.pooling': 'mean',
  'model.text.dropout': 0.1,
  'model.head.type': 'lstm',
  'model.head.width': 256,
  'model.terms': 'text',
  'model.terms.text.scoring': 'cosine',
  'objectives': 'impressions',
  'objectives.impressions.loss': 'sigmoid',
  # So that the schedule is flat from the first step on.
  'optimizer.warmup_steps': 0,
  'training.num_steps': 1_000_000,
}


def run(main: Callable[[], None]) -> None:
  """Runs a benchmark; an error of its user is one line, and exit code 2."""
  try:
    main()
  except UserError as e:
    print(f'error: {one_line(e)}', file=sys.stderr)
    sys.exit(2)


def add_against(parser: argparse.ArgumentParser) -> None:
  """--against, for what can be measured beside PyTorch."""
  parser.add_argument('--against', choices=('none', 'torch'), default='none')


def check_against(args: argparse.Namespace) -> None:
  """UserError unless what --against names can be measured here.

  PyTorch's programs run on the CPU, in float32: beside an accelerator, or
  bfloat16, they would be another measurement.
  """
  import jax

  if args.against == 'none':
    return
  if importlib.util.find_spec('torch') is None:
    raise UserError('--against=torch: there is no torch: pip install torch')
  if jax.default_backend() != 'cpu':
    raise UserError(
      f'--against=torch is on the CPU, and JAX on {jax.default_backend()}: '
      'set JAX_PLATFORMS=cpu'
    )


def names(text: str, known: Sequence[str], flag: str) -> list[str]:
  """'a,b' -> ['a', 'b'], each one of `known`; else UserError."""
  found = text.split(',')
  for name in found:
    if name not in known:
      raise UserError(f'{flag}: {choices(name, known)}')
  return found


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


def experiment(args: argparse.Namespace, **changes):
  """An Experiment of RECOMMENDER on the data given; `changes` of its config."""
  from jaxrec.console import Display
  from jaxrec.training.experiment import Experiment
  from jaxrec.training.settings import Config

  given = {
    'data.dir': args.data,
    'data.cache_dir': args.cache,
    'model.text.pretrained': args.encoder,
    'input.batch_size': args.batch_size,
  }
  config = changed(Config().to_dict(), RECOMMENDER | given | changes)
  return Experiment.from_config(config, Display())


def changed(config: Mapping, changes: Mapping[str, object]):
  """A ConfigDict of `config` with changes, by the keys of --config.KEY."""
  from ml_collections import ConfigDict

  from jaxrec.cli import config_flag

  texts = {key: str(value) for key, value in changes.items()}
  return config_flag.change(ConfigDict(config), texts, note=print)


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


def peak_bytes() -> int:
  """The most memory this process held; getrusage would count its parent's."""
  status = pathlib.Path('/proc/self/status').read_text()
  return 1024 * int(re.search(r'VmHWM:\s+(\d+) kB', status)[1])


def report(args: argparse.Namespace, found: dict) -> None:
  """Prints one JSON, with what it was measured on."""
  from jaxrec import workdirs

  found = {
    'arguments': {k: v for k, v in vars(args).items() if k != 'output'},
    **found,
    'versions': workdirs.versions() | {'machine': platform.machine()},
    'cores': len(os.sched_getaffinity(0)),
  }
  print_json(found, args.output)


def print_json(measured: dict, output: str | None) -> None:
  """Prints it, and writes it to the file `output` if there is one."""
  text = json.dumps(measured, indent=2)
  print(text)
  if output:
    pathlib.Path(output).write_text(f'{text}\n', encoding='utf8')
