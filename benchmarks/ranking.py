"""Ranking the whole catalog, in users/s, beside a PyTorch program.

    python -m benchmarks.ranking --against=torch

Random vectors; the k items with the largest dot products, exact, for every
user.

- `top_k`: all users, beside torch's matmul and topk by blocks of users, of the
  size at which torch is fastest; both must find the same scores.
- `choices`, over the first block's users: the exact list, `approximate` with
  its recall, and `rank` with 20 seen items and a target per user.
- `peak_bytes`: the most memory a process held that made the vectors and ranked
  them as in `top_k`, all counted, by Linux's account.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import functools
import subprocess
import sys
from collections.abc import Sequence

import numpy as np

SEEN = 20
SAME_SCORES = 1e-3  # Of sums over D products of normal numbers.
TORCH_BLOCKS = (128, 256, 512, 1024)


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  setup.add_against(parser)
  parser.add_argument('--users', type=int, default=10_000)
  parser.add_argument('--items', type=int, default=200_000)
  parser.add_argument('--width', type=int, default=256)
  parser.add_argument('--k', type=int, default=100)
  parser.add_argument('--approximate', type=float, default=0.95)
  parser.add_argument('--rounds', type=int, default=5)
  parser.add_argument('--only_peak', action='store_true', help='print it alone')
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  given = sys.argv[1:] if argv is None else argv
  args = parser.parse_args(given)
  setup.check_against(args)
  if args.only_peak:
    users, index, _ = make(args)
    index.top_k(users, args.k)
    print(setup.peak_bytes())
    return
  command = [sys.executable, '-m', 'benchmarks.ranking', *given]
  peak = subprocess.run(
    [*command, '--only_peak'], check=True, stdout=subprocess.PIPE
  )
  setup.report(args, measure(args) | {'peak_bytes': int(peak.stdout)})


def make(args):
  """Users, an index over the items, and the items."""
  from jaxrec.parallel import sharding
  from jaxrec.retrieval import sharded_index

  rng = np.random.default_rng(0)
  users = rng.standard_normal((args.users, args.width), np.float32)
  items = rng.standard_normal((args.items, args.width), np.float32)
  return users, sharded_index.ItemIndex(items, sharding.make_mesh()), items


def measure(args) -> dict:
  """Rates and ratios of both parts, and the recall."""
  import jax

  from jaxrec.retrieval.sharded_index import recall

  users, index, items = make(args)
  contenders = {'jaxrec': functools.partial(index.top_k, users, args.k)}
  best = contenders['jaxrec']()  # Compiles.
  measured = {'block': {'jaxrec': index.block_users}}
  if args.against == 'torch':
    contenders['torch'], block = torch_top_k(users, items, args.k)
    measured['block']['torch'] = block
    scores = contenders['torch']()
    np.testing.assert_allclose(best.scores, scores, atol=SAME_SCORES)
  taken = setup.interleaved(contenders, args.rounds)
  measured['top_k'] = compared(taken, args.users, 'jaxrec')

  few = users[: index.block_users]
  rng = np.random.default_rng(1)
  offsets = np.arange(len(few) + 1)
  draw = lambda n: rng.integers(0, args.items, n * len(few)).astype(np.int32)
  lists = {'seen': (draw(SEEN), offsets * SEEN), 'targets': (draw(1), offsets)}
  contenders = {
    'exact': lambda: index.top_k(few, args.k),
    'approximate': lambda: index.top_k(
      few, args.k, approximate=args.approximate
    ),
    'seen_and_targets': lambda: index.rank(few, args.k, **lists),
  }
  results = {name: call() for name, call in contenders.items()}
  taken = setup.interleaved(contenders, args.rounds)
  measured['choices'] = compared(taken, len(few), 'exact')
  measured['recall'] = recall(results['approximate'], results['exact'])
  measured['backend'] = jax.default_backend()
  return measured


def compared(taken, num_users: int, one: str) -> dict:
  """Users/s of each contender, and how much faster `one` is."""
  rates = setup.rates(taken, dict.fromkeys(taken, num_users))
  return {
    'users_per_second': rates,
    'ratios': {
      f'{one} / {name}': setup.ratio(rates, one, name)
      for name in taken
      if name != one
    },
  }


def torch_top_k(users: np.ndarray, items: np.ndarray, k: int):
  """A call that gives the scores, and the fastest number of users at once."""
  import torch

  users, items = torch.from_numpy(users), torch.from_numpy(items)

  def top_k(users, block: int):
    return torch.cat(
      [torch.topk(part @ items.T, k).values for part in users.split(block)]
    ).numpy()

  few = users[: max(TORCH_BLOCKS)]
  trials = {b: functools.partial(top_k, few, b) for b in TORCH_BLOCKS}
  setup.interleaved(trials, 1)  # Memory, caches.
  taken = setup.interleaved(trials, 3)
  block = min(taken, key=lambda b: min(taken[b]))
  return functools.partial(top_k, users, block), block


if __name__ == '__main__':
  setup.run(main)
