"""What limits a training step, beside PyTorch's: its profile and its bound.

    python -m benchmarks.limits --data=../shared/data/mind --against=torch

For `all` layers and the `top2` of benchmarks.train: seconds of a step by kind
of operation, each kind timed alone at the step's own shapes, forward and
backward; GFLOP/s of the layers' matmuls, in both programs, with the rows of a
whole batch and with those of one of `dedup`'s chunks; and, from the matmuls
that either program has to run, how much faster than `dedup` ours could be if
they took all of the time.
"""

from benchmarks import setup, train  # isort: skip (first: the environment)

import statistics
from collections.abc import Sequence

import numpy as np


# ------------------------------------------------------------------ counting
def kernel_shapes(width: int, mlp_width: int) -> dict[str, tuple[int, int]]:
  """The kernels of a BERT layer, [in, out]."""
  return {
    'qkv': (width, 3 * width),
    'out': (width, width),
    'up': (width, mlp_width),
    'down': (mlp_width, width),
  }


def best_ratio(ours: float, theirs: float, rates=(1.0, 1.0)) -> float:
  """How many times faster we are if matmuls are all that takes time.

  Args:
    ours, theirs: FLOPs of a step.
    rates: FLOP/s of ours and theirs.
  """
  return (theirs / rates[1]) / (ours / rates[0])


def profile(step: float, kinds: dict[str, float]) -> dict:
  """Seconds and shares of a step by kind; 'rest' is what no kind explains."""
  kinds = kinds | {'rest': step - sum(kinds.values())}
  return {
    kind: {'seconds': seconds, 'share': seconds / step}
    for kind, seconds in kinds.items()
  }


# -------------------------------------------------------------------- timing
def forward_and_backward(f, *args):
  """A call that runs `f` of arrays and all its gradients, and waits."""
  import jax
  import jax.numpy as jnp

  dy = jnp.ones(jax.eval_shape(f, *args).shape)

  @jax.jit
  def run(*args):
    y, vjp = jax.vjp(f, *args)
    return y, vjp(dy)

  return lambda: jax.block_until_ready(run(*args))


def matmuls(rows: int, sizes: dict, rng, torch=None):
  """A call that runs a layer's 4 matmuls and their 8 derivatives, and waits."""
  import jax

  arrays = [
    [rng.normal(size=s).astype(np.float32) for s in ((rows, a), (a, b))]
    + [rng.normal(size=(rows, b)).astype(np.float32)]
    for a, b in kernel_shapes(sizes['width'], sizes['mlp_width']).values()
  ]
  run = lambda arrays: [(x @ w, dy @ w.T, x.T @ dy) for x, w, dy in arrays]
  if torch:
    arrays = [[torch.from_numpy(x) for x in three] for three in arrays]
    return lambda: run(arrays)
  arrays, run = jax.device_put(arrays), jax.jit(run)
  return lambda: jax.block_until_ready(run(arrays))


def operations(encoder, rows: int, segments, rng) -> dict:
  """Calls for the kinds of operation of one layer that are no dense matmul."""
  import jax
  import jax.numpy as jnp

  from jaxrec.models.text.attention import attend
  from jaxrec.models.text.bert import REMAT, gelu, layer_norm

  sizes, length = encoder.sizes, encoder.row_tokens
  heads = (sizes['num_heads'], sizes['width'] // sizes['num_heads'])
  array = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)
  x, d = array(rows, length, sizes['width']), array(sizes['width'])

  def attention(q, k, v):
    return attend(q, k, v, segments, encoder.config.attention)

  def norms(x, scale, bias):
    for _ in range(2):
      x = layer_norm(x, scale, bias, 1e-12)
    return x

  # As in a step, where the policy may have its forward pass run again.
  attention = jax.checkpoint(attention, policy=REMAT[encoder.config.remat])
  q, k, v = (array(rows, length, *heads) for _ in range(3))
  return {
    'attention': forward_and_backward(attention, q, k, v),
    'norms': forward_and_backward(norms, x, d, d),
    'gelu': forward_and_backward(gelu, array(rows, length, sizes['mlp_width'])),
  }


def main(argv: Sequence[str] | None = None) -> None:
  parser = setup.parser(__doc__.splitlines()[0])
  setup.add_against(parser)
  parser.add_argument('--cases', default='all,top2')
  args = parser.parse_args(argv)
  cases = setup.names(args.cases, ('all', 'top2'), '--cases')
  setup.check_against(args)
  setup.report(args, measure(args, cases))


def measure(args, cases: Sequence[str]) -> dict:
  """Seconds by kind of operation and case, bounds, and speeds of matmuls."""
  import jax.numpy as jnp

  from benchmarks import programs
  from jaxrec.training.flops import batch_counts

  rng, torch = np.random.default_rng(0), None
  if args.against == 'torch':
    import torch

  calls, work, tokens, flops = {}, {}, {}, {}
  for case in cases:
    experiment = setup.experiment(
      args, **{'model.text.trainable_layers': train.CASES[case]}
    )
    jax_program = programs.JaxProgram(experiment, steps=1)
    encoder, [batch] = experiment.encoder, jax_program.batches
    layers, trained = encoder.sizes['num_layers'], encoder.num_trained
    used, _, slots = batch_counts(batch)
    runs = {'jaxrec': (slots, encoder.num_run)}
    calls[f'{case}/jaxrec'] = jax_program.run
    if torch:
      from benchmarks import torch_model

      torch_program = programs.TorchProgram(jax_program, torch_model.dedup)
      texts = torch_program.feed(torch_program.examples[0]).texts
      chunks = [text.numel() for text, _ in texts]
      runs['torch_dedup'] = (sum(chunks), layers)
      calls[f'{case}/torch_dedup'] = torch_program.run
    tokens[case] = {'useful': used}
    for name, (count, run) in runs.items():
      tokens[case][name] = count
      flops[f'{case}/{name}'] = dense(encoder.sizes, count, run, trained)
    if case == cases[0]:
      # Kinds are timed at these shapes; those of the other case are the same
      # to a few rows of padding.
      rows, segments = batch.segments.shape[0], jnp.asarray(batch.segments)
      calls |= operations(encoder, rows, segments, rng)
      shapes = {'batch': slots}
      if torch:
        shapes['chunk'] = int(statistics.median(chunks))
      for shape, count in shapes.items():
        for name, library in {'jax': None, 'torch': torch}.items():
          if name == 'jax' or library:
            call = f'{name}/{shape}'
            repeats = max(slots // count, 1)  # As much work, in parts.
            calls[call] = repeated(
              matmuls(count, encoder.sizes, rng, library), repeats
            )
            work[call] = repeats * dense(encoder.sizes, count, 1, 1)

  for call in calls.values():  # Compiles.
    call()
  taken = {
    name: statistics.median(seconds)
    for name, seconds in setup.interleaved(calls, args.rounds).items()
  }
  rate = {name: work[name] / taken[name] for name in work}
  measured = {}
  for case, counts in tokens.items():
    step, mine = taken[f'{case}/jaxrec'], flops[f'{case}/jaxrec']
    # A trained layer runs each kind once: it is what 3 passes take.
    each = mine / dense(encoder.sizes, counts['jaxrec'], 1, 1)
    kinds = {'matmuls': mine / rate['jax/batch']}
    kinds |= {k: each * taken[k] for k in ('attention', 'norms', 'gelu')}
    found = {'tokens': counts, 'jaxrec': {'seconds': step}}
    found['jaxrec']['by_kind'] = profile(step, kinds)
    if torch:
      other, needed = taken[f'{case}/torch_dedup'], flops[f'{case}/torch_dedup']
      kinds = {'matmuls': needed / rate['torch/chunk']}
      found['torch_dedup'] = {'seconds': other}
      found['torch_dedup']['by_kind'] = profile(other, kinds)
      found['ratio'] = {
        'measured': other / step,
        'best_at_equal_flops': best_ratio(mine, needed),
        'best_at_measured_flops': best_ratio(
          mine, needed, (rate['jax/batch'], rate['torch/chunk'])
        ),
      }
    measured[case] = found
  return {
    'cases': measured,
    'rows_of_matmuls': shapes,
    'gflops_of_matmuls': {name: 1e-9 * x for name, x in rate.items()},
  }


def dense(sizes: dict, tokens: int, run: int, trained: int) -> float:
  """FLOPs of the layers' dense matmuls on `tokens`, padding included."""
  from jaxrec.training.flops import encoder_flops

  return encoder_flops(
    width=sizes['width'],
    mlp_width=sizes['mlp_width'],
    layers_run=run,
    layers_trained=trained,
    tokens=tokens,
    squares=0,
  )


def repeated(call, times: int):
  """`call`, some times in a row."""
  return lambda: [call() for _ in range(times)]


if __name__ == '__main__':
  setup.run(main)
