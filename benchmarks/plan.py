"""A plan for many chips: what a step computes, sends and takes, unrun.

    python -m benchmarks.plan                # one JSON: all of docs/scale.md
    python -m benchmarks.plan --markdown     # its tables
    python -m benchmarks.plan --mesh 32,8,1 --batch 8192
    python -m benchmarks.plan --measure=DIR  # work of a batch, from MIND's data

The real training step of a BERT-base, all of it trained in bfloat16, is
compiled for fake CPU devices from shapes alone: nothing is allocated, nothing
runs. Bytes between devices are read from the partitioned program; times follow
from published peak figures and an assumed MFU. They are predictions.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import collections
import dataclasses
import json
import math
import os
import time

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from benchmarks.hlo import Collective, collectives, partitioned_text
from jaxrec import sharding
from jaxrec.flops import encoder_flops, head_flops
from jaxrec.models.bert import Bert
from jaxrec.models.recommender import ItemEncoder, Recommender
from jaxrec.optim import make_tx
from jaxrec.steps import make_train_step
from jaxrec.train_state import TrainState
from jaxrec.types import Batch

MFU = 0.5  # Assumed, of useful FLOPs; nothing here was measured on a chip.
PER_CHIP = 32  # Examples, where the batch grows with the chips.
FIXED = 1024  # Examples of the whole batch, where it does not.
CHIPS = (8, 32, 64, 256)
MESHES = ((256, 1, 1), (32, 8, 1), (8, 32, 1), (32, 4, 2))
# Devices that would share a table, if each group of them had its own.
TABLE_GROUPS = (8, 16, 32, 64, 128)

# Distinct items and history slots of a batch of MIND-small's clicks, H 50 and
# C 5: the mean of some batches by --measure. Between, lines in logarithms;
# beyond, the last one goes on.
ITEMS = {4: 130, 8: 228, 32: 758, 128: 2324, 256: 3748, 1024: 7939}
HISTORY = 25.6  # Real slots of an example.
TOKENS, SQUARES = 16.13, 282.7  # Of an item: mean length and squared length.
FILLED = 0.93  # Of the rows' token slots: packing 0.99, ladder of sizes 0.94.


@dataclasses.dataclass(frozen=True)
class Sizes:
  """The model and rows; letters as in `jaxrec.types`."""

  width: int = 768
  mlp_width: int = 3072
  num_layers: int = 12
  num_heads: int = 12
  vocab_size: int = 30522
  hidden_width: int = 256
  history: int = 50
  candidates: int = 5
  row_tokens: int = 128
  row_segments: int = 16


@dataclasses.dataclass(frozen=True)
class Machine:
  """Published figures of one chip, per second and direction; see docs/scale.md.

  Attributes:
    flops: dense bfloat16 peak.
    memory: bytes of HBM.
    near: bytes/s of a torus dimension's link, or of NVLink in a host.
    far: bytes/s of a GPU's network card; None for a torus.
  """

  flops: float
  memory: float
  near: float
  far: float | None = None

  def seconds(self, x: Collective, num_chips: int, *, scatter: bool = False):
    """Predicted of one run; with `scatter`, sliced all-reduces go one way."""
    passes = 2 if x.kind == 'all-reduce' and not (scatter and x.sliced) else 1
    return passes * self.one_pass(x.kind, x.bytes, x.group, num_chips)

  def one_pass(self, kind, size, group, num_chips):
    n = len(group)
    # What leaves a chip: all of it in a permute.
    share = 1 if kind == 'collective-permute' else (n - 1) / n
    if self.far is None:
      return share * size / (self.near * torus_links(n, num_chips))
    hosts = collections.Counter(chip // 8 for chip in group)
    near = max(hosts.values())  # Members in one host.
    if kind in ('collective-permute', 'all-to-all'):
      outside = (n - near) / n if kind == 'all-to-all' else len(hosts) > 1
      return max(
        (share - outside) * size / self.near, outside * size / self.far
      )
    # Within hosts first; then each card carries its GPU's part.
    across = (len(hosts) - 1) / len(hosts) * size / near
    return (near - 1) / near * size / self.near + across / self.far


def torus_links(n: int, num_chips: int) -> int:
  """Links that a group of `n` sends over at once in a slice of a v5e torus.

  One for each dimension of the slice it spans, two where that dimension is 16
  long and closes into a ring. A group smaller than the slice is given one
  dimension.
  """
  rows = 2 ** (int(math.log2(num_chips)) // 2)
  links = [2 if side == 16 else 1 for side in (rows, num_chips // rows)]
  return sum(links) if n == num_chips else (max(links) if n >= 16 else 1)


MACHINES = {
  'TPU v5e': Machine(197e12, 16e9, near=50e9),
  'H100 SXM': Machine(989e12, 80e9, near=450e9, far=50e9),
}


# ---------------------------------------------------------------- the work
@dataclasses.dataclass(frozen=True)
class Work:
  """What a batch of `examples` holds: distinct items, their tokens, rows."""

  examples: int
  items: float
  rows: int

  @classmethod
  def of(cls, examples: int, sizes: Sizes, multiple: int) -> 'Work':
    """By ITEMS; rows are a multiple of the shards."""
    items = _items(examples)
    rows = items * TOKENS / FILLED / sizes.row_tokens
    return cls(examples, items, math.ceil(rows / multiple) * multiple)

  def flops(self, sizes: Sizes) -> float:
    """Useful FLOPs of a training step, by `jaxrec.flops`."""
    return encoder_flops(
      width=sizes.width,
      mlp_width=sizes.mlp_width,
      layers_run=sizes.num_layers,
      layers_trained=sizes.num_layers,
      tokens=self.items * TOKENS,
      squares=self.items * SQUARES,
    ) + head_flops(
      width=sizes.width,
      hidden_width=sizes.hidden_width,
      items=self.items,
      history_steps=self.examples * HISTORY,
      examples=self.examples,
    )


def _items(examples: float) -> float:
  x, y = (np.log(list(z)) for z in (ITEMS.keys(), ITEMS.values()))
  at = math.log(examples)
  slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
  return math.exp(np.interp(at, x, y) + max(at - x[-1], 0) * slope)


# ------------------------------------------------------------- the program
def lower_step(mesh, sizes: Sizes, work: Work):
  """The training step from shapes: (Lowered, state's bytes on one device)."""

  def make_model():
    bert = Bert(
      vocab_size=sizes.vocab_size,
      max_positions=512,
      num_types=2,
      width=sizes.width,
      mlp_width=sizes.mlp_width,
      num_heads=sizes.num_heads,
      num_layers=sizes.num_layers,
      dropout_rate=0.1,
      attention='xla',  # As on accelerators.
      dtype=jnp.bfloat16,
      rngs=nnx.Rngs(0),
    )
    return Recommender(
      encoder=ItemEncoder(bert, num_segments=sizes.row_segments),
      width=sizes.width,
      hidden_width=sizes.hidden_width,
      positive_rate=1 / sizes.candidates,
      rngs=nnx.Rngs(1),
    )

  tx = make_tx(
    num_train_steps=20_000,
    encoder_learning_rate=2e-5,
    head_learning_rate=5e-4,
    warmup_steps=1_000,
    weight_decay=0.01,
    clip_norm=1.0,
    b1=0.9,
    b2=0.999,
  )

  def init():
    params = nnx.to_pure_dict(nnx.state(make_model(), nnx.Param))
    return TrainState(jnp.int32(0), params, tx.init(params)), {}

  graphdef, _ = nnx.split(nnx.eval_shape(make_model))
  shapes = jax.eval_shape(init)
  specs = sharding.param_specs(shapes, mesh)
  placed = sharding.shardings(specs, mesh)
  state = jax.tree.map(
    lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
    shapes,
    placed,
  )
  step = jax.jit(
    make_train_step(
      graphdef,
      tx,
      gather=sharding.gather_params((specs[0].params, specs[1])),
      seed=0,
    ),
    donate_argnums=0,
    out_shardings=(placed[0], sharding.whole(mesh)),
  )
  with jax.set_mesh(mesh):
    lowered = step.lower(*state, _batch(mesh, sizes, work))
  held = sum(
    math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize
    for x in jax.tree.leaves(state)
  )
  return lowered, held


def _batch(mesh, sizes: Sizes, work: Work) -> Batch:
  over = jax.sharding.NamedSharding(mesh, sharding.BATCH)
  leaf = lambda dtype, *shape: jax.ShapeDtypeStruct(shape, dtype, sharding=over)
  rows = leaf(jnp.int32, work.rows, sizes.row_tokens)
  b, h, c = work.examples, sizes.history, sizes.candidates
  return Batch(
    history=leaf(jnp.int32, b, h),
    history_mask=leaf(jnp.bool_, b, h),
    candidates=leaf(jnp.int32, b, c),
    candidate_mask=leaf(jnp.bool_, b, c),
    labels=leaf(jnp.float32, b, c),
    example_mask=leaf(jnp.bool_, b),
    tokens=rows,
    positions=rows,
    segments=rows,
  )


# ---------------------------------------------------------------- the plan
def purpose(x: Collective, sizes: Sizes, work: Work, shards: int) -> str:
  """'table' of item vectors, 'activations', or 'parameters' and gradients."""
  slots = work.rows * sizes.row_segments
  if x.shape[:1] == (slots,):
    return 'table'
  rows = work.rows // shards
  # What is split like the batch crosses 'tensor' alone, or has tokens.
  share = x.shape[:1] == (slots // shards,) and 'tensor' in x.axes
  local = x.shape[:1] == (rows,) and rows != sizes.num_layers
  if sizes.row_tokens in x.shape[1:2] or share:
    return 'activations'
  return 'activations' if local and len(x.shape) > 2 else 'parameters'


def plan(shape: tuple[int, int, int], examples: int, sizes: Sizes) -> dict:
  """Everything about one mesh and one global batch; compiles one program."""
  num_chips = math.prod(shape)
  mesh = sharding.make_mesh(*shape, devices=jax.devices()[:num_chips])
  shards = sharding.num_batch_shards(mesh)
  work = Work.of(examples, sizes, shards)
  lowered, held = lower_step(mesh, sizes, work)
  found = collectives(partitioned_text(lowered), dict(mesh.shape))
  axes, purposes = collections.Counter(), collections.Counter()
  for x in found:
    axes['+'.join(x.axes)] += x.count * x.wire_bytes
    purposes[purpose(x, sizes, work, shards)] += x.count * x.wire_bytes
  flops = work.flops(sizes)
  slots = work.rows * sizes.row_segments
  result = {
    'mesh': shape,
    'chips': num_chips,
    'examples': examples,
    'items': round(work.items),
    'rows': work.rows,
    'table_slots': slots,
    'useful_flops': flops,
    'useful_flops_per_chip': flops / num_chips,
    'state_bytes_per_chip': held,
    'collectives': len({(x.op, x.op_name) for x in found}),
    'collectives_run': sum(
      {(x.op, x.op_name): x.count for x in found}.values()
    ),
    'wire_bytes_by_axes': dict(axes),
    'wire_bytes_by_purpose': dict(purposes),
    'wire_bytes': sum(axes.values()),
    'wire_bytes_if_scattered': sum(
      x.count * x.wire_bytes * (0.5 if x.sliced else 1) for x in found
    ),
    'machines': {},
  }
  if purposes['table']:
    result['table_exceeds_parameters_from_batch'] = next(
      2**k
      for k in range(30)
      if _items(2**k) / work.items * purposes['table'] > purposes['parameters']
    )
  for name, machine in MACHINES.items():
    result['machines'][name] = predict(
      machine, found, sizes, work, num_chips, shards
    )
  return result


def predict(machine, found, sizes, work, num_chips, shards) -> dict:
  """Times of one machine, seconds; nothing about latency is in them."""
  rate = machine.flops * MFU
  compute = work.flops(sizes) / num_chips / rate
  by_purpose = collections.Counter()
  better = collections.Counter()
  returns = sum(1 for x in found if _is_returned_table(x, sizes, work, shards))
  for x in found:
    name = purpose(x, sizes, work, shards)
    whole = x.count * machine.seconds(x, num_chips)
    by_purpose[name] += whole
    if _is_returned_table(x, sizes, work, shards):
      better[name] += whole / 2 / returns
    else:
      better[name] += x.count * machine.seconds(x, num_chips, scatter=True)
  sent, fixed = sum(by_purpose.values()), sum(better.values())
  alone = Work.of(PER_CHIP, sizes, 1)
  alone_rate = PER_CHIP / (alone.flops(sizes) / rate)
  return {
    'compute_seconds': compute,
    'communication_seconds': sent,
    'communication_seconds_by_purpose': dict(by_purpose),
    **_rates(work.examples, compute, sent),
    'times_one_chip': work.examples / (compute + sent) / alone_rate,
    # All-reduces of which a slice is used made reduce-scatters, and the
    # table's gradient summed once.
    'better': {
      'communication_seconds': fixed,
      'communication_seconds_by_purpose': dict(better),
      **_rates(work.examples, compute, fixed),
    },
    'own_tables': {
      size: _own_tables(machine, sizes, work, num_chips, size, better)
      for size in TABLE_GROUPS
      if size < num_chips and work.examples * size % num_chips == 0
    },
  }


def _is_returned_table(x: Collective, sizes, work, shards) -> bool:
  table = purpose(x, sizes, work, shards) == 'table'
  return table and x.kind == 'all-reduce'


def _rates(examples: int, compute: float, sent: float) -> dict:
  """Without overlap of computing and sending, and with all of it."""
  step, overlapped = compute + sent, max(compute, sent)
  return {
    'step_seconds': step,
    'step_seconds_overlapped': overlapped,
    'examples_per_second': examples / step,
    'examples_per_second_overlapped': examples / overlapped,
    'efficiency': compute / step,
    'efficiency_overlapped': compute / overlapped,
  }


def _own_tables(machine, sizes, work, num_chips, size, better) -> dict:
  """If every `size` chips packed their own examples and kept a table.

  Items that several groups need are encoded once for each. The table is
  gathered and its gradient scattered inside a group; all else as in 'better'.
  """
  own = Work.of(work.examples * size // num_chips, sizes, size)
  compute = own.flops(sizes) / size / (machine.flops * MFU)
  table = own.rows * sizes.row_segments * sizes.width * 4
  once = machine.one_pass('all-gather', table, range(size), num_chips)
  sent = sum(better.values()) - better['table'] + 2 * once
  return {
    'compute_seconds': compute,
    'communication_seconds': sent,
    **_rates(work.examples, compute, sent),
  }


def scaling(sizes: Sizes) -> dict:
  """The batch fixed, and growing with the chips; data-parallel and fsdp."""
  found = {}
  for kind in ('fixed', 'growing'):
    found[kind] = [
      plan(shape, FIXED if kind == 'fixed' else PER_CHIP * n, sizes)
      for n in CHIPS
      for shape in ((n, 1, 1), (n // 8, 8, 1))
    ]
  return found


def measure(directory: str) -> dict:
  """Work of batches of real clicks, and seconds to pack one on this host."""
  args = setup.parser('').parse_args(['--data', directory])
  changes = {'encoder.row_tokens': 128, 'encoder.trainable_layers': -1}
  experiment = setup.experiment(args, **changes)
  lengths = experiment.catalog.lengths.astype(np.int64)
  found = {}
  for batch_size in (*ITEMS, 2048, 4096):
    pipeline = dataclasses.replace(experiment.pipeline, batch_size=batch_size)
    rows = []
    for step in range(10 if batch_size <= 32 else 3):
      histories, candidates, _ = pipeline.examples_of(step)
      items = np.unique(np.concatenate(histories + candidates))
      rows.append(
        {
          'items': len(items),
          'tokens': lengths[items].sum(),
          'squares': (lengths[items] ** 2).sum(),
          'rows': pipeline.items.size(items),
          'history': sum(map(len, histories)),
        }
      )
    found[batch_size] = {
      key: float(np.mean([row[key] for row in rows])) for key in rows[0]
    }
    began = time.perf_counter()
    made = len(list(pipeline.batches(0, 16)))
    found[batch_size]['seconds_to_make'] = (time.perf_counter() - began) / made
  return found


# -------------------------------------------------------------- the report
def markdown(found: dict) -> str:
  """The tables of docs/scale.md."""
  parts = [_bytes_table(found['meshes'])]
  for name in MACHINES:
    parts.append(f'**{name}**\n\n' + _times_table(found['meshes'], name))
  for kind, title in (
    ('fixed', f'Batch fixed at {FIXED}'),
    ('growing', f'{PER_CHIP} examples for each chip'),
  ):
    if kind in found.get('scaling', {}):
      parts.append(f'**{title}**\n\n' + _scaling_table(found['scaling'][kind]))
  return '\n\n'.join(parts)


def _rows(head: list[str], rows: list[list[str]]) -> str:
  rule = ['---', *['---:'] * (len(head) - 1)]
  return '\n'.join(f'| {" | ".join(row)} |' for row in (head, rule, *rows))


def _mesh(x: dict) -> str:
  return f'({", ".join(map(str, x["mesh"]))})'


def _mega(x: float) -> str:
  return f'{x / 1e6:,.0f}'


def _milli(x: float) -> str:
  return f'{1e3 * x:.1f}'


def _bytes_table(plans: list[dict]) -> str:
  axes = sorted({axis for x in plans for axis in x['wire_bytes_by_axes']})
  purposes = ('parameters', 'table', 'activations')
  head = ['mesh (data, fsdp, tensor)', 'TFLOP/chip', 'state', *purposes]
  head += ['all', *axes, 'operations']
  return _rows(
    head,
    [
      [
        _mesh(x),
        f'{x["useful_flops_per_chip"] / 1e12:.2f}',
        _mega(x['state_bytes_per_chip']),
        *(_mega(x['wire_bytes_by_purpose'].get(k, 0)) for k in purposes),
        _mega(x['wire_bytes']),
        *(_mega(x['wire_bytes_by_axes'].get(k, 0)) for k in axes),
        f'{x["collectives"]} / {x["collectives_run"]}',
      ]
      for x in plans
    ],
  )


def _times_table(plans: list[dict], machine: str) -> str:
  head = ['mesh', 'compute', 'parameters', 'table', 'activations', 'step']
  head += ['examples/s', 'efficiency', 'better: sent', 'examples/s']
  head += ['own tables, best of', 'examples/s']
  rows = []
  for x in plans:
    m = x['machines'][machine]
    sent = m['communication_seconds_by_purpose']
    rate = 'examples_per_second'
    own = m['own_tables']  # Empty for few chips.
    size = max(own, key=lambda size: own[size][rate], default=None)
    rows.append(
      [
        _mesh(x),
        _milli(m['compute_seconds']),
        *(_milli(sent.get(k, 0)) for k in ('parameters', 'table')),
        _milli(sent.get('activations', 0)),
        f'{_milli(m["step_seconds"])} .. '
        f'{_milli(m["step_seconds_overlapped"])}',
        _span(m, rate, '{:,.0f}'),
        _span(m, 'efficiency', '{:.0%}'),
        _milli(m['better']['communication_seconds']),
        _span(m['better'], rate, '{:,.0f}'),
        f'{size} chips' if own else '',
        _span(own[size], rate, '{:,.0f}') if own else '',
      ]
    )
  return _rows(head, rows)


def _span(x: dict, key: str, form: str) -> str:
  """Without and with overlap."""
  return f'{form.format(x[key])} .. {form.format(x[f"{key}_overlapped"])}'


def _scaling_table(plans: list[dict]) -> str:
  head = ['mesh', 'batch', 'MB/chip', 'of it table']
  for name in MACHINES:
    head += [f'{name}: compute', 'sent', 'efficiency', 'x one chip']
  rows = []
  for x in plans:
    row = [_mesh(x), str(x['examples']), _mega(x['wire_bytes'])]
    row.append(_mega(x['wire_bytes_by_purpose'].get('table', 0)))
    for name in MACHINES:
      m = x['machines'][name]
      row += [_milli(m['compute_seconds']), _milli(m['communication_seconds'])]
      row.append(_span(m, 'efficiency', '{:.0%}'))
      row.append(f'{m["times_one_chip"]:.1f}')
    rows.append(row)
  return _rows(head, rows)


def main(argv: list[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument(
    '--mesh', nargs='*', help='data,fsdp,tensor; several may follow'
  )
  parser.add_argument('--batch', type=int, help='examples, over all chips')
  for field in dataclasses.fields(Sizes):
    parser.add_argument(f'--{field.name}', type=int, default=field.default)
  parser.add_argument('--measure', metavar='DIR', help="MIND's directory")
  parser.add_argument('--markdown', action='store_true')
  parser.add_argument('--output', help='file for the JSON')
  args = parser.parse_args(argv)
  jax.config.update('jax_platforms', 'cpu')
  if args.measure:
    print(json.dumps(measure(args.measure), indent=2))
    return
  sizes = Sizes(
    **{f.name: getattr(args, f.name) for f in dataclasses.fields(Sizes)}
  )
  shapes = [tuple(map(int, x.split(','))) for x in args.mesh or ()] or MESHES
  needed = max(math.prod(x) for x in shapes)
  if not args.mesh:
    needed = max(needed, *CHIPS)
  # Of two such flags the last counts; read when the first device is.
  os.environ['XLA_FLAGS'] = ' '.join(
    [
      os.environ.get('XLA_FLAGS', ''),
      f'--xla_force_host_platform_device_count={needed}',
    ]
  )
  found = {
    'sizes': dataclasses.asdict(sizes),
    'assumed_mfu': MFU,
    'machines': {k: dataclasses.asdict(m) for k, m in MACHINES.items()},
    'meshes': [
      plan(x, args.batch or PER_CHIP * math.prod(x), sizes) for x in shapes
    ],
  }
  if not args.mesh:
    found['scaling'] = scaling(sizes)
  if args.output:
    with open(args.output, 'w') as f:
      json.dump(found, f, indent=2)
  print(markdown(found) if args.markdown else json.dumps(found, indent=2))


if __name__ == '__main__':
  main()
