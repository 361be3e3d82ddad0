"""Softmax over a whole catalog: time and memory, in blocks and at once.

    python -m benchmarks.catalog_loss

Needs no data. For each catalog a loss with its gradient is compiled and timed:
that of training, which holds one block of logits at a time, and the plain one,
which holds all of them. Beside the milliseconds stand the megabytes of the
compiled program's temporary arrays, and the bound that `training.catalog_loss`
states. The plain loss is left out where its logits alone would take more than
--most_mb.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
from collections.abc import Sequence

import numpy as np

MB = 1e6


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--items', default='10000,100000,1000000', help='N')
  parser.add_argument('--positions', type=int, default=400, help='of a batch')
  parser.add_argument('--width', type=int, default=128, help='of the vectors')
  parser.add_argument('--rounds', type=int, default=5)
  parser.add_argument('--most_mb', type=float, default=2000)
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  args = parser.parse_args(argv)
  setup.report(args, measure(args))


def measure(args: argparse.Namespace) -> dict:
  """Milliseconds and megabytes for each catalog."""
  import jax

  from jaxrec.training import catalog_loss

  rows = []
  for count in map(int, args.items.split(',')):
    steps, memory = {}, {}
    inputs = made(count, args.positions, args.width)
    logits_mb = 4 * count * args.positions / MB
    losses = {'blocks': catalog_loss.catalog_softmax}
    if logits_mb <= args.most_mb:
      losses['at_once'] = plain
    for name, loss in losses.items():
      gradient = jax.jit(
        jax.grad(lambda u, v, rest, loss=loss: loss(u, v, *rest)[0], (0, 1))
      )
      compiled = gradient.lower(*inputs).compile()
      memory[name] = compiled.memory_analysis().temp_size_in_bytes / MB
      steps[name] = lambda run=compiled, given=inputs: jax.block_until_ready(
        run(*given)
      )
      steps[name]()
    taken = setup.interleaved(steps, args.rounds)
    held = 4 * args.width * (count + args.positions) / MB
    rows.append(
      {
        'items': count,
        'milliseconds': {
          name: float(np.median(seconds)) * 1e3
          for name, seconds in taken.items()
        },
        'temporary_mb': memory,
        'bound_mb': 3 * (catalog_loss.BLOCK_BYTES / MB + held),
        'logits_mb': logits_mb,
      }
    )
  return {
    'positions': args.positions,
    'width': args.width,
    'rounds': args.rounds,
    'block_mb': catalog_loss.BLOCK_BYTES / MB,
    'catalogs': rows,
  }


def made(count: int, positions: int, width: int) -> tuple:
  """Users, items, and what else the losses take, of random numbers."""
  rng = np.random.default_rng(0)
  draw = lambda rows: rng.standard_normal((rows, width), np.float32)
  targets = rng.integers(0, count, positions).astype(np.int32)
  rest = targets, np.ones(positions, bool), np.ones(count, bool)
  return draw(positions), draw(count), rest


def plain(users, items, targets, counted, is_item):
  """The same, with all logits at once."""
  import jax
  import jax.numpy as jnp

  del is_item
  logs = jax.nn.log_softmax(users @ items.T)
  each = -jnp.take_along_axis(logs, targets[:, None], 1)[:, 0]
  return jnp.sum(jnp.where(counted, each, 0)), jnp.sum(counted)


if __name__ == '__main__':
  setup.run(main)
