"""The input alone at scale: memory and time per batch as the set grows.

    python -m benchmarks.scale --items=10_000_000 --examples=100_000_000

Sets of three sizes, 1/100, 1/10 and all of what is asked for, are drawn as
integers, never as text, and written the way `--mode=prepare` leaves a set. Two
fresh processes read each: one finds the clicks to train on, one makes batches.
Anonymous memory is what a process must hold; file pages are those of the
memory-mapped columns it has touched, which the kernel may drop.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import contextlib
import dataclasses
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from jaxrec.errors import UserError

CHUNK = 1 << 19  # Examples or items drawn at a time.
MIN_TOKENS, MAX_TOKENS = 4, 30
HISTORY = 50  # The longest; the mean is about 12.
CANDIDATES = 5  # One of them clicked.
ROUNDS = 5
PROCESSES = (1, 4, 32)  # Of which one is measured.
FRACTIONS = (100, 10, 1)
# A little over what a set takes: columns, offsets and the index of clicks.
BYTES_PER_ITEM, BYTES_PER_EXAMPLE = 80, 125


def write_set(directory: pathlib.Path, items: int, examples: int) -> None:
  """Draws a set and writes its columns, in little memory."""
  from jaxrec.data.columns.files import ColumnWriter

  rng = np.random.default_rng(0)
  runs = lambda count: (
    min(CHUNK, count - begin) for begin in range(0, count, CHUNK)
  )
  draw = lambda high, size: rng.integers(0, high, size, np.int32)
  with ColumnWriter(directory / 'tokens') as writer:
    for count in runs(items):
      lengths = rng.integers(MIN_TOKENS, MAX_TOKENS + 1, count)
      writer.append_offsets('offsets', lengths)
      writer.append({'tokens': draw(30_522, lengths.sum())})
  with ColumnWriter(directory / 'train') as writer:
    for count in runs(examples):
      lengths = (rng.random(count, np.float32) ** 3 * (HISTORY + 1)).astype(int)
      writer.append_offsets('history_offsets', lengths)
      writer.append_offsets('candidate_offsets', np.full(count, CANDIDATES))
      clicked = draw(CANDIDATES, (count, 1)) == np.arange(CANDIDATES)
      writer.append(
        {
          'history': draw(items, lengths.sum()),
          'candidates': draw(items, count * CANDIDATES),
          'labels': clicked.ravel().view(np.uint8),
          'times': np.zeros(count, np.int64),
        }
      )


def read_set(directory: pathlib.Path):
  """The Catalog and Impressions that `write_set` wrote, memory-mapped.

  Ids are times, which nothing reads.
  """
  from jaxrec.data.columns.files import read_columns
  from jaxrec.data.columns.impressions import Impressions
  from jaxrec.data.items.catalog import Catalog

  columns = read_columns(directory / 'train')
  tokens = read_columns(directory / 'tokens')
  impressions = Impressions(
    impression_ids=columns['times'],
    user_ids=columns['times'],
    directory=directory / 'train',
    **columns,
  )
  ids = tokens['offsets'][1:]
  return Catalog(ids, ids, fingerprint='', **tokens), impressions


def memory() -> dict[str, int]:
  """Resident bytes of this process: anonymous, and pages of files."""
  found = {}
  for line in pathlib.Path('/proc/self/status').read_text().splitlines():
    name, _, value = line.partition(':')
    if name in ('RssAnon', 'RssFile'):
      found[name] = int(value.split()[0]) * 1024
  return {'anonymous': found['RssAnon'], 'file_pages': found['RssFile']}


@contextlib.contextmanager
def peak_memory():
  """`memory`, sampled while the context is open; the highest of each."""
  peak, done = memory(), threading.Event()

  def look():
    for name, value in memory().items():
      peak[name] = max(peak[name], value)

  def sample():
    while not done.wait(0.01):
      look()

  thread = threading.Thread(target=sample)
  thread.start()
  try:
    yield peak
  finally:
    done.set()
    thread.join()
    look()


def find_clicks(args: argparse.Namespace) -> dict:
  """The preparation's part: the index of clicks."""
  _, impressions = read_set(args.directory)
  began = time.perf_counter()
  with peak_memory() as peak:
    impressions.trainable_clicks()
  return {'seconds': time.perf_counter() - began, 'memory': peak}


def seconds_of(
  batches: Iterator, count: int, clock: Callable = time.perf_counter
) -> float:
  """Seconds for each of the next `count` batches."""
  began = clock()
  for _ in range(count):
    next(batches)
  return (clock() - began) / count


def cpu_seconds(pipeline, steps: int) -> dict[str, float]:
  """Of all threads for a batch: whole, and as one of several processes."""
  from jaxrec.batch import Part

  found = {}
  for processes in PROCESSES:
    part = Part(processes, (0,))
    batches = dataclasses.replace(pipeline, part=part).batches(0, 1 + steps)
    next(batches)
    found[f'1 of {processes}'] = seconds_of(batches, steps, time.process_time)
  return found


def make_batches(args: argparse.Namespace) -> dict:
  """The training's part: batches, from the first."""
  from jaxrec.data.batches.assemble import PackedItems
  from jaxrec.data.batches.train import TrainPipeline

  before = memory()
  began = time.perf_counter()
  with peak_memory() as peak:
    catalog, impressions = read_set(args.directory)
    pipeline = TrainPipeline(
      behaviours=impressions,
      items=PackedItems(catalog, row_tokens=32, row_segments=4),
      batch_size=args.batch,
      num_candidates=CANDIDATES,
      history_length=HISTORY,
      seed=0,
    )
    size = max(args.steps // ROUNDS, 1)
    batches = pipeline.batches(0, 1 + size * ROUNDS)
    first = next(batches)
    to_first = time.perf_counter() - began
    rounds = [seconds_of(batches, size) for _ in range(ROUNDS)]
  return {
    'seconds_to_first_batch': to_first,
    'seconds_per_batch': statistics.median(rounds),
    'seconds_per_batch_of_rounds': rounds,
    'cpu_seconds_per_batch': cpu_seconds(pipeline, size),
    'rows_per_batch': len(first.tokens),
    'memory_after_imports': before,
    'memory': peak,
  }


PARTS = {'clicks': find_clicks, 'batches': make_batches}


def _in_a_process(part: str, directory: pathlib.Path, args) -> dict:
  command = [sys.executable, '-m', 'benchmarks.scale', f'--part={part}']
  command += [f'--directory={directory}', f'--batch={args.batch}']
  command += [f'--steps={args.steps}']
  done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
  return json.loads(done.stdout)


def measure(directory: pathlib.Path, items: int, examples: int, args) -> dict:
  """Writes one set, reads it in fresh processes, removes it."""
  began = time.perf_counter()
  write_set(directory, items, examples)
  written = time.perf_counter() - began
  parts = {part: _in_a_process(part, directory, args) for part in PARTS}
  size = sum(p.stat().st_size for p in directory.rglob('*') if p.is_file())
  shutil.rmtree(directory)
  return {
    'items': items,
    'examples': examples,
    'bytes_on_disk': size,
    'seconds_to_write': written,
    **parts,
  }


def check_room(directory: str, items: int, examples: int) -> None:
  """UserError where the largest set would not fit the disk."""
  needed = items * BYTES_PER_ITEM + examples * BYTES_PER_EXAMPLE
  free = shutil.disk_usage(directory).free
  if free < needed:
    raise UserError(
      f'{directory}: {needed / 1e9:.1f} GB needed for {examples:,} examples, '
      f'{free / 1e9:.1f} GB free: give another --dir or fewer --examples'
    )


def compare(sizes: list[dict]) -> dict[str, float]:
  """The largest set's numbers by the smallest's."""
  one, many = sizes[0]['batches'], sizes[-1]['batches']
  of_clicks = [size['clicks']['memory']['anonymous'] for size in sizes]
  return {
    'examples': sizes[-1]['examples'] / sizes[0]['examples'],
    'anonymous_memory': many['memory']['anonymous']
    / one['memory']['anonymous'],
    'anonymous_memory_finding_clicks': of_clicks[-1] / of_clicks[0],
    'seconds_per_batch': many['seconds_per_batch'] / one['seconds_per_batch'],
    'seconds_to_first_batch': many['seconds_to_first_batch']
    / one['seconds_to_first_batch'],
  }


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--items', type=int, default=10_000_000)
  parser.add_argument('--examples', type=int, default=100_000_000)
  parser.add_argument(
    '--batch', type=int, default=1024, help=f'a multiple of {PROCESSES[-1]}'
  )
  parser.add_argument('--steps', type=int, default=50)
  parser.add_argument('--dir', default=None, help='for the sets; default: temp')
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  # What the processes it starts are told.
  parser.add_argument('--part', choices=PARTS, help=argparse.SUPPRESS)
  parser.add_argument('--directory', type=pathlib.Path, help=argparse.SUPPRESS)
  args = parser.parse_args(argv)
  if args.part:
    print(json.dumps(PARTS[args.part](args)))
    return
  if args.batch % PROCESSES[-1]:
    raise UserError(f'--batch={args.batch} is no multiple of {PROCESSES[-1]}')
  place = args.dir or tempfile.gettempdir()
  check_room(place, args.items, args.examples)
  sizes = []
  with tempfile.TemporaryDirectory(prefix='jaxrec-scale-', dir=place) as root:
    for part in FRACTIONS:
      items, examples = (
        max(n // part, CANDIDATES) for n in (args.items, args.examples)
      )
      where = pathlib.Path(root) / str(part)
      sizes.append(measure(where, items, examples, args))
  del args.part, args.directory
  setup.report(args, {'sizes': sizes, 'largest_by_smallest': compare(sizes)})


if __name__ == '__main__':
  setup.run(main)
