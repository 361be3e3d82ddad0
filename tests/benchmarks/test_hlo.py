"""Collectives known by construction are found in compiled programs."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from benchmarks.hlo import _groups, collectives, partitioned_text
from jaxrec.parallel import sharding

SHAPE = {'data': 2, 'fsdp': 2, 'tensor': 2}
TRIPS = 5
X = (16, 8)  # Of the argument, whole on every device.


def lowered(function, dtype=jnp.float32):
  """`function` of one array, run by each device under shard_map."""
  mesh = sharding.make_mesh(*SHAPE.values())
  mapped = jax.shard_map(
    function, mesh=mesh, in_specs=P(), out_specs=P(), check_vma=False
  )
  return jax.jit(mapped).lower(jax.ShapeDtypeStruct(X, dtype))


def only(text):
  (found,) = collectives(text, SHAPE)
  return found


def scan(function, times):
  def run(x):
    return jax.lax.scan(lambda x, _: (function(x), None), x, None, times)[0]

  return run


SUM = lambda axes: lambda x: jax.lax.psum(x, axes)
SIZE = math.prod(X) * 4
# One operation, its kind, axes, bytes where it is whole, bytes sent.
CASES = {
  'sum': (SUM('data'), 'all-reduce', ('data',), SIZE, SIZE),
  'sum over two': (
    SUM(('data', 'tensor')),
    'all-reduce',
    ('data', 'tensor'),
    SIZE,
    1.5 * SIZE,
  ),
  'gather': (
    lambda x: jax.lax.all_gather(x, 'fsdp', tiled=True),
    'all-gather',
    ('fsdp',),
    2 * SIZE,
    SIZE,
  ),
  'scatter': (
    lambda x: jax.lax.psum_scatter(x, ('fsdp', 'tensor'), tiled=True),
    'reduce-scatter',
    ('fsdp', 'tensor'),
    SIZE,
    0.75 * SIZE,
  ),
  'permute': (
    lambda x: jax.lax.ppermute(x, 'tensor', [(0, 1), (1, 0)]),
    'collective-permute',
    ('tensor',),
    SIZE,
    SIZE,
  ),
}


@pytest.mark.parametrize('case', CASES)
def test_an_operation_is_found_with_its_axes_and_bytes(case):
  function, kind, axes, size, wire = CASES[case]
  lower = lowered(function)
  for text in (lower.compile(), partitioned_text(lower)):
    found = only(text)
    assert (found.kind, found.axes, found.bytes) == (kind, axes, size)
    assert found.wire_bytes == wire
    assert (found.count, found.dtype) == (1, 'f32')


def test_all_to_all_sends_all_but_ones_own():
  function = lambda x: jax.lax.all_to_all(x, 'data', 0, 0, tiled=True)
  lower = lowered(function)
  for text in (lower.compile(), partitioned_text(lower)):
    found = collectives(text, SHAPE)
    assert {(x.kind, x.axes) for x in found} == {('all-to-all', ('data',))}
    assert sum(x.wire_bytes for x in found) == SIZE / 2


def test_loops_multiply_and_nest():
  inner = lambda x: jnp.tanh(jax.lax.psum(x, 'data'))
  outer = lambda x: jnp.sin(jax.lax.pmax(scan(inner, TRIPS)(x), 'fsdp'))
  lower = lowered(scan(outer, 3))
  for text in (lower.compile(), partitioned_text(lower)):
    counts = {x.axes: x.count for x in collectives(text, SHAPE)}
    assert counts == {('data',): 3 * TRIPS, ('fsdp',): 3}


def test_a_loop_whose_end_is_data_is_refused():
  def run(x):
    more = lambda x: x.sum() < 1e3
    return jax.lax.while_loop(more, lambda x: jax.lax.psum(x, 'data') + 1, x)

  with pytest.raises(ValueError, match='iterations unknown'):
    collectives(lowered(run).compile(), SHAPE)


def test_the_partitioned_program_keeps_bfloat16():
  for case in ('sum', 'gather', 'permute'):
    function, _, _, size, wire = CASES[case]
    found = only(partitioned_text(lowered(function, jnp.bfloat16)))
    assert (found.dtype, found.bytes) == ('bf16', size / 2)
    assert found.wire_bytes == wire / 2


def test_a_sum_that_is_cut_at_once_is_told_from_one_that_is_not():
  """A matmul over a split axis: its result whole, or split again."""
  mesh = sharding.make_mesh(1, 8, 1)
  split = NamedSharding(mesh, P(None, 'fsdp'))
  args = (
    jax.ShapeDtypeStruct((16, 64), jnp.float32, sharding=split),
    jax.ShapeDtypeStruct(
      (64, 16), jnp.float32, sharding=NamedSharding(mesh, P('fsdp'))
    ),
  )
  for spec, sliced in ((P(), False), (P('fsdp'), True)):
    out = NamedSharding(mesh, spec)
    lower = jax.jit(jnp.matmul, out_shardings=out).lower(*args)
    (found,) = collectives(partitioned_text(lower), dict(mesh.shape))
    assert (found.kind, found.sliced) == ('all-reduce', sliced)


def test_asynchronous_pairs_and_tuples_count_once():
  text = """
ENTRY %main (p: f32[4,8]) -> f32[8,8] {
  %p = f32[4,8]{1,0} parameter(0)
  %s = (f32[4,8]{1,0}, f32[8,8]{1,0}) all-gather-start(%p), channel_id=1, replica_groups=[4,2]<=[8], dimensions={0}
  %d = f32[8,8]{1,0} all-gather-done(%s)
  %r = (f32[4,8]{1,0}, /*index=1*/bf16[3]{0}) all-reduce-start(%p, %p), channel_id=2, replica_groups={}, to_apply=%add
  %e = (f32[4,8]{1,0}, bf16[3]{0}) all-reduce-done(%r)
  %c = (f32[4,8]{1,0}, f32[4,8]{1,0}, u32[], u32[]) collective-permute-start(%p), source_target_pairs={{0,4},{4,0}}
  %f = f32[4,8]{1,0} collective-permute-done(%c)
  ROOT %a = f32[8,8]{1,0} all-reduce(%d), channel_id=3, replica_groups={{0},{1},{2},{3},{4},{5},{6},{7}}, to_apply=%add
}

%add (x: f32[], y: f32[]) -> f32[] {
  %x = f32[] parameter(0)
  %y = f32[] parameter(1)
  ROOT %z = f32[] add(%x, %y)
}
"""  # noqa: E501
  found = collectives(text, SHAPE)
  assert [(x.kind, x.shape, x.bytes, x.axes) for x in found] == [
    ('all-gather', (8, 8), 256, ('tensor',)),
    ('all-reduce', (4, 8), 128, tuple(SHAPE)),
    ('all-reduce', (3,), 6, tuple(SHAPE)),
    ('collective-permute', (4, 8), 128, ('data',)),
  ]


def groups_of(axes):
  """What a mesh of SHAPE makes along some axes, by NumPy alone."""
  ids = np.arange(8).reshape(2, 2, 2)
  names = list(SHAPE)
  along = [names.index(x) for x in axes]
  rest = [i for i in range(3) if i not in along]
  ids = ids.transpose(rest + along).reshape(-1, 2 ** len(along))
  return rest + along, ids.tolist()


@pytest.mark.parametrize(
  'axes',
  [x for n in (1, 2, 3) for x in itertools.combinations(SHAPE, n)],
  ids='+'.join,
)
def test_every_way_of_writing_groups_reads_the_same(axes):
  order, want = groups_of(axes)
  comma = lambda x: ','.join(map(str, x))
  braces = ','.join('{' + comma(x) + '}' for x in want)
  sizes = ','.join(f"'axis_{i}'=2" for i in range(3))
  names = list(SHAPE)
  along = ','.join(f"'axis_{names.index(x)}'" for x in axes)
  turned = ','.join(f"'axis_{order.index(names.index(x))}'" for x in axes)
  cut = ','.join(f"'a':({2 ** names.index(x)})2" for x in axes)
  for text in (
    f'replica_groups={{{braces}}}, x',
    f'replica_groups=[{len(want)},{len(want[0])}]<=[2,2,2]T({comma(order)})',
    f'replica_groups=mesh[{sizes}] {{{along}}}',
    f'replica_groups=mesh[{sizes}], device_ids=([2,2,2]T({comma(order)})) '
    f'{{{turned}}}',
  ):
    found = [sorted(x) for x in _groups(text, 8)]
    assert sorted(found) == sorted(sorted(x) for x in want), text
  if len(axes) == 1:  # One axis of 8, of which a part is meant.
    found = _groups(f"replica_groups=mesh['a'=8] {{{cut}}}", 8)
    assert sorted(found) == sorted(tuple(x) for x in want)


def test_groups_written_in_an_unknown_way_are_refused():
  with pytest.raises(ValueError, match='not understood'):
    _groups('replica_groups=new', 8)
