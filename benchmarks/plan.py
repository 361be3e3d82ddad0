"""A plan for many chips: what a step computes, sends and takes, unrun.

    python -m benchmarks.plan                # one JSON: all of docs/scale.md
    python -m benchmarks.plan --markdown     # its tables
    python -m benchmarks.plan --mesh 32,8,1 --batch 8192
    python -m benchmarks.plan --measure=DIR  # work of a batch, from MIND's data

How it is worked out: `benchmarks.plan_model`.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import collections
import dataclasses
import json
import math
import os
import time
from collections.abc import Sequence

import numpy as np

from benchmarks import plan_tables
from benchmarks.hlo import collectives, partitioned_text
from benchmarks.plan_model import (
  ITEMS,
  MACHINES,
  MFU,
  Sizes,
  Work,
  items_of,
  narrowed,
  predict,
  purpose,
  scattered,
  total,
)
from jaxrec.errors import UserError

PER_CHIP = 32  # Examples, where the batch grows with the chips.
FIXED = 1024  # Examples of the whole batch, where it does not.
CHIPS = (8, 32, 64, 256)
LARGER = (2048, 4096)  # Batches that are measured beside those of ITEMS.
MESHES = ((256, 1, 1), (32, 8, 1), (8, 32, 1), (32, 4, 2))


def plan(shape: tuple[int, int, int], examples: int, sizes: Sizes) -> dict:
  """Everything about one mesh and one global batch; compiles one program.

  Times in seconds, sizes in bytes, of one chip and step. 'variants' are the
  program as compiled; with reduce-scatters; and with bfloat16 besides.
  """
  import jax

  from benchmarks.plan_step import lower_step
  from jaxrec.parallel import sharding

  num_chips = math.prod(shape)
  mesh = sharding.make_mesh(*shape, devices=jax.devices()[:num_chips])
  work = Work.of(examples, sizes, sharding.num_batch_shards(mesh))
  lowered, held = lower_step(mesh, sizes, work)
  found = collectives(partitioned_text(lowered), dict(mesh.shape))
  slots = work.rows * sizes.row_segments
  named = [(purpose(x, slots), x) for x in found]
  better = [(name, scattered(x)) for name, x in named]
  variants = {
    'as_compiled': named,
    'scattered': better,
    'bfloat16': [(name, narrowed(x, name)) for name, x in better],
  }
  axes = collections.Counter()
  for x in found:
    axes['+'.join(x.axes)] += x.count * x.wire_bytes
  counts = {(x.op, x.op_name): x.count for x in found}
  flops = work.flops(sizes)
  wire = {
    key: total(moved, lambda x: x.wire_bytes) for key, moved in variants.items()
  }
  of = wire['as_compiled']
  return {
    'mesh': shape,
    'chips': num_chips,
    'examples': examples,
    'items': round(work.items),
    'rows': work.rows,
    'table_slots': slots,
    'useful_flops': flops,
    'useful_flops_per_chip': flops / num_chips,
    'state_bytes_per_chip': held,
    'collectives': len(counts),
    'collectives_run': sum(counts.values()),
    'wire_bytes_by_axes': dict(axes),
    'wire_bytes_by_purpose': wire,
    # The table grows as the items do, parameters do not.
    'table_exceeds_parameters_from_batch': next(
      (
        2**k
        for k in range(30)
        if of['table'] * items_of(2**k) / work.items > of['parameters']
      ),
      None,  # One chip sends nothing.
    ),
    'machines': {
      name: predict(machine, variants, sizes, work, num_chips)
      for name, machine in MACHINES.items()
    },
  }


def scaling(sizes: Sizes) -> dict:
  """The batch fixed, and growing with the chips; data-parallel and fsdp."""
  batches = {
    f'batch fixed at {FIXED}': lambda n: FIXED,
    f'{PER_CHIP} examples for each chip': lambda n: PER_CHIP * n,
  }
  return {
    title: [
      plan(shape, examples(n), sizes)
      for n in CHIPS
      for shape in ((n, 1, 1), (n // 8, 8, 1))
    ]
    for title, examples in batches.items()
  }


def measure(directory: str, cache: str, encoder: str) -> dict:
  """Work of batches of real clicks, and seconds to pack one on this host."""
  args = setup.parser('').parse_args(
    ['--data', directory, '--cache', cache, '--encoder', encoder]
  )
  changes = {'model.text.row_tokens': 128, 'model.text.trainable_layers': -1}
  experiment = setup.experiment(args, **changes)
  lengths = experiment.catalog.lengths.astype(np.int64)
  found = {}
  for batch_size in (*ITEMS, *LARGER):
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


def shape_of(text: str) -> tuple[int, int, int]:
  """'32,8,1' -> (32, 8, 1); UserError where it is no mesh."""
  sizes = text.split(',')
  if len(sizes) != 3 or not all(x.isdecimal() and int(x) for x in sizes):
    raise UserError(f'--mesh {text}: give data,fsdp,tensor, like 32,8,1')
  return tuple(map(int, sizes))


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument(
    '--mesh', nargs='*', help='data,fsdp,tensor; several may follow'
  )
  parser.add_argument('--batch', type=int, help='examples, over all chips')
  for field in dataclasses.fields(Sizes):
    parser.add_argument(f'--{field.name}', type=int, default=field.default)
  parser.add_argument('--measure', metavar='DIR', help="MIND's directory")
  parser.add_argument('--cache', default='', help='of --measure')
  parser.add_argument('--encoder', default='minilm', help='of --measure')
  parser.add_argument('--markdown', action='store_true')
  parser.add_argument('--output', help='file for the JSON')
  args = parser.parse_args(argv)
  import jax

  jax.config.update('jax_platforms', 'cpu')
  if args.measure:
    work = measure(args.measure, args.cache, args.encoder)
    setup.print_json(work, args.output)
    return
  sizes = Sizes(
    **{f.name: getattr(args, f.name) for f in dataclasses.fields(Sizes)}
  )
  shapes = [shape_of(x) for x in args.mesh or ()] or MESHES
  needed = max(math.prod(x) for x in shapes)
  if not args.mesh:
    needed = max(needed, *CHIPS)
  # Of two such flags the last counts; read when the first device is. What is
  # only compiled needs no optimization.
  os.environ['XLA_FLAGS'] = ' '.join(
    [
      os.environ.get('XLA_FLAGS', ''),
      f'--xla_force_host_platform_device_count={needed}',
      '--xla_backend_optimization_level=0',
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
  write = plan_tables.markdown if args.markdown else json.dumps
  print(write(found))


if __name__ == '__main__':
  setup.run(main)
