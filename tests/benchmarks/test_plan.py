"""The plan's arithmetic, and that its bytes are the program's."""

import dataclasses
import itertools
import json
import math

import jax
import pytest

from benchmarks import plan
from benchmarks.hlo import Collective, collectives, partitioned_text
from jaxrec import sharding

SMALL = plan.Sizes(
  width=32,
  mlp_width=64,
  num_layers=2,
  num_heads=2,
  vocab_size=200,
  hidden_width=8,
  history=4,
  row_tokens=16,
  row_segments=2,
)
EXAMPLES = 16


def moved(kind='all-reduce', size=1 << 20, group=range(8), sliced=False):
  return Collective(
    kind=kind,
    dtype='u8',
    shape=(size,),
    axes=('data',),
    group=tuple(group),
    count=1,
    sliced=sliced,
    op='x',
    op_name='',
  )


@pytest.fixture(scope='module')
def data_parallel():
  mesh = sharding.make_mesh(8, 1, 1)
  work = plan.Work.of(EXAMPLES, SMALL, 8)
  lowered, held = plan.lower_step(mesh, SMALL, work)
  found = collectives(partitioned_text(lowered), dict(mesh.shape))
  return work, held, found, lowered


def test_every_gradient_is_summed_over_the_data_axis_once(data_parallel):
  work, _, found, lowered = data_parallel
  state = lowered.args_info[0][0]
  params = sum(math.prod(x.shape) for x in jax.tree.leaves(state.params))
  summed = sum(
    x.count * math.prod(x.shape)
    for x in found
    if plan.purpose(x, SMALL, work, 8) == 'parameters'
  )
  assert {x.axes for x in found} == {('data',)}
  # But for that of type 1's embedding, which no text has; and a few counts.
  assert 0 <= summed - (params - SMALL.width) < 10


def test_kernels_gradients_cross_in_bfloat16(data_parallel):
  _, _, found, _ = data_parallel
  kernel = (SMALL.mlp_width, SMALL.width)
  (up, down) = (x for x in found if x.shape in (kernel, kernel[::-1]))
  assert up.dtype == down.dtype == 'bf16'
  assert up.count == down.count == SMALL.num_layers


def test_the_table_goes_out_whole_and_its_gradient_comes_back(data_parallel):
  work, _, found, _ = data_parallel
  table = [x for x in found if plan.purpose(x, SMALL, work, 8) == 'table']
  whole = work.rows * SMALL.row_segments * SMALL.width * 4
  assert {x.bytes for x in table} == {whole}
  assert sum(x.kind == 'all-gather' for x in table) == 1
  assert sum(x.wire_bytes for x in table) >= 2 * 7 / 8 * whole


def test_a_plan_adds_up_and_is_told(
  data_parallel, tmp_path, capsys, monkeypatch
):
  """By the program itself, on the devices there are."""
  monkeypatch.setenv('XLA_FLAGS', '')  # It adds to them.
  path = tmp_path / 'plan.json'
  sizes = [
    f'--{key}={value}' for key, value in dataclasses.asdict(SMALL).items()
  ]
  args = ['--mesh', '2,2,2', f'--batch={EXAMPLES}', f'--output={path}']
  plan.main([*args, '--markdown', *sizes])
  assert capsys.readouterr().out.count('(2, 2, 2)') == 1 + len(plan.MACHINES)
  (found,) = json.loads(path.read_text())['meshes']
  assert found['examples'] == EXAMPLES
  _, held, _, _ = data_parallel
  # The rest are positions, which are kept whole.
  assert held / 4 < found['state_bytes_per_chip'] < 0.6 * held
  wire = found['wire_bytes']
  for by in ('axes', 'purpose'):
    assert sum(found[f'wire_bytes_by_{by}'].values()) == pytest.approx(wire)
  assert found['wire_bytes_by_purpose']['activations'] > 0
  assert wire / 2 <= found['wire_bytes_if_scattered'] <= wire
  assert found['collectives_run'] > found['collectives']  # Layers are scanned.
  assert found['useful_flops_per_chip'] * 8 == found['useful_flops']
  for m in found['machines'].values():
    sent = m['communication_seconds']
    assert sent == pytest.approx(
      sum(m['communication_seconds_by_purpose'].values())
    )
    assert m['better']['communication_seconds'] < sent
    assert m['step_seconds'] == m['compute_seconds'] + sent
    assert m['step_seconds_overlapped'] == max(m['compute_seconds'], sent)


@pytest.mark.parametrize('machine', plan.MACHINES.values(), ids=plan.MACHINES)
def test_seconds_follow_bytes_and_passes(machine):
  seconds = lambda x, **options: machine.seconds(x, 256, **options)
  twice = seconds(moved(size=2 << 20))
  assert twice == pytest.approx(2 * seconds(moved()))
  assert seconds(moved()) == 2 * seconds(moved('all-gather'))
  assert seconds(moved(sliced=True)) == seconds(moved())
  assert seconds(moved(sliced=True), scatter=True) == seconds(
    moved('reduce-scatter')
  )
  assert seconds(moved(), scatter=True) == seconds(moved())


def test_hosts_are_crossed_over_the_slower_card():
  gpu = plan.MACHINES['H100 SXM']
  near = gpu.seconds(moved(group=range(8)), 256)
  far = gpu.seconds(moved(group=range(0, 64, 8)), 256)
  assert far / near == pytest.approx(gpu.near / gpu.far)
  # Eight cards share the part between hosts.
  both = gpu.seconds(moved(group=range(64)), 256)
  assert near < both < near + far / 4
  for kind in ('all-to-all', 'collective-permute'):
    inside = gpu.seconds(moved(kind, group=(0, 7)), 256)
    assert inside < gpu.seconds(moved(kind, group=(0, 8)), 256)


def test_only_a_full_dimension_of_the_torus_is_a_ring():
  chips = (8, 32, 64, 256)
  assert [plan.torus_links(n, n) for n in chips] == [2, 2, 2, 4]
  assert [plan.torus_links(n, 256) for n in chips] == [1, 2, 2, 4]
  # 256 chips: 4 links of 50 GB/s are the 51.2 TB/s of Google's page.
  assert 256 * 4 * plan.MACHINES['TPU v5e'].near == pytest.approx(51.2e12)


def test_work_meets_what_was_measured_and_grows_slower_than_the_batch():
  for examples, items in plan.ITEMS.items():
    assert plan.Work.of(examples, SMALL, 1).items == pytest.approx(items)
  works = [plan.Work.of(2**k, SMALL, 8) for k in range(3, 15)]
  for one, two in itertools.pairwise(works):
    assert one.items < two.items < 2 * one.items
    assert one.flops(SMALL) < two.flops(SMALL) < 2 * one.flops(SMALL)
    assert two.rows % 8 == 0
    assert two.rows * SMALL.row_tokens >= two.items * plan.TOKENS
