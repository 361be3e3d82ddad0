"""The encoder's training step alone, for a GPU or TPU: which choices are fast.

    python -m benchmarks.encoder

Needs no torch and no data: a BERT-base with random weights in bfloat16, rows
packed with texts as long as MIND's titles. Every attention x row length x remat
x unroll is compiled, then timed in turn; MFU is against the device's known
peak. `--layers=6 --width=384 --dtype=float32` is MiniLM on a CPU.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import itertools
import statistics
from collections.abc import Sequence

import numpy as np

from jaxrec.errors import UserError

# Of MIND-small's titles in WordPiece tokens: mean and deviation.
MEAN, DEVIATION, LONGEST = 14.8, 4.6, 32
HEADS = 12


def rows_of(tokens: int, row_tokens: int, rng) -> tuple[np.ndarray, ...]:
  """tokens, positions, segments of some `tokens` tokens, in full rows."""
  from jaxrec.data.batches.packing import fill_rows, pack

  count = int(tokens / MEAN)
  lengths = rng.normal(MEAN, DEVIATION, count).round().clip(4, LONGEST)
  lengths = lengths.astype(np.int64)
  offsets = np.concatenate([[0], np.cumsum(lengths)])
  values = rng.integers(1000, 30000, offsets[-1]).astype(np.int32)
  *placed, used = pack(lengths, row_tokens, max(row_tokens // 8, 1))
  return fill_rows(values, offsets, np.arange(count), placed, used, row_tokens)


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--tokens', type=int, default=32768, help='of a batch')
  parser.add_argument('--layers', type=int, default=12)
  parser.add_argument('--width', type=int, default=768, help='12 heads')
  parser.add_argument('--dtype', default='bfloat16')
  parser.add_argument('--rows', default='32,64,128,256,512', help='lengths')
  parser.add_argument('--attention', default='batched,xla,cudnn')
  parser.add_argument('--remat', default='none,dots,full')
  parser.add_argument('--unroll', default='1,12')
  parser.add_argument('--rounds', type=int, default=5)
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  args = parser.parse_args(argv)
  if args.width % HEADS:
    raise UserError(f'--width={args.width} is no multiple of {HEADS} heads')
  setup.report(args, measure(args))


def measure(args) -> dict:
  """Milliseconds and MFU of every choice, the fastest first; what failed.

  Raises:
    UserError: a choice that there is not.
  """
  import jax

  from jaxrec.batch import Batch
  from jaxrec.models.text.attention import IMPLEMENTATIONS
  from jaxrec.models.text.bert import REMAT
  from jaxrec.training.flops import batch_counts, encoder_flops, peak_flops

  choices = itertools.product(
    numbers(args.rows, '--rows'),
    setup.names(args.attention, IMPLEMENTATIONS, '--attention'),
    setup.names(args.remat, tuple(REMAT), '--remat'),
    numbers(args.unroll, '--unroll'),
  )
  rng = np.random.default_rng(0)
  peak, source = peak_flops(args.dtype, jax.devices()[:1])

  runs, failed, flops = {}, {}, {}
  for row_tokens, attention, remat, unroll in choices:
    name = f'rows={row_tokens} attention={attention} remat={remat}'
    name += f' unroll={unroll}'
    rows = rows_of(args.tokens, row_tokens, np.random.default_rng(0))
    try:
      runs[name] = step_of(args, rows, attention, remat, unroll, rng)
      runs[name]()
    except Exception as e:  # What a device cannot do is a finding too.
      runs.pop(name, None)
      failed[name] = (str(e) or repr(e)).splitlines()[0][:200]
      continue
    used, squares, _ = batch_counts(Batch(*[None] * 6, segments=rows[2]))
    flops[name] = encoder_flops(
      width=args.width,
      mlp_width=4 * args.width,
      layers_run=args.layers,
      layers_trained=args.layers,
      tokens=used,
      squares=squares,
    )
  taken = setup.interleaved(runs, args.rounds)
  median = {name: statistics.median(t) for name, t in taken.items()}
  order = sorted(median, key=lambda name: -flops[name] / median[name])
  return {
    'device': jax.devices()[0].device_kind,
    'peak_flops': peak,
    'peak_flops_source': source,
    'steps': {
      name: {
        'milliseconds': 1e3 * median[name],
        'mfu': flops[name] / median[name] / peak,
      }
      for name in order
    },
    'failed': failed,
  }


def numbers(text: str, flag: str) -> list[int]:
  """'1,12' -> [1, 12]; UserError where one is no positive number."""
  found = text.split(',')
  if not all(x.isdecimal() and int(x) for x in found):
    raise UserError(f'{flag}={text}: give positive numbers, like 1,12')
  return [int(x) for x in found]


def step_of(args, rows, attention, remat, unroll, rng):
  """A call that runs one forward and backward pass, and waits for it."""
  import jax
  import jax.numpy as jnp
  from flax import nnx

  from jaxrec.models.text.bert import Bert

  bert = Bert(
    vocab_size=30522,
    max_positions=512,
    num_types=2,
    width=args.width,
    mlp_width=4 * args.width,
    num_heads=HEADS,
    num_layers=args.layers,
    attention=attention,
    remat=remat,
    unroll=unroll,
    dtype=jnp.dtype(args.dtype),
    rngs=nnx.Rngs(0),
  )
  graphdef, params = nnx.split(bert, nnx.Param)
  shape = (*rows[0].shape, args.width)
  weights = jnp.asarray(rng.normal(size=shape), jnp.dtype(args.dtype))

  @jax.jit
  def gradient(params, rows):
    def loss(params):
      hidden = nnx.merge(graphdef, params)(*rows)
      return (hidden * weights).astype(jnp.float32).mean()

    return jax.grad(loss)(params)

  rows = jax.device_put(rows)
  return lambda: jax.block_until_ready(gradient(params, rows))


if __name__ == '__main__':
  setup.run(main)
