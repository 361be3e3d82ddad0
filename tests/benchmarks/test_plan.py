"""The plan's arithmetic, and that its bytes are the program's."""

import dataclasses
import itertools
import json
import math

import jax
import pytest

from benchmarks import plan, plan_model, plan_step
from benchmarks.hlo import Collective, collectives, partitioned_text
from jaxrec.parallel import sharding

SMALL = plan_model.Sizes(
  width=32,
  mlp_width=64,
  num_layers=2,
  num_heads=2,
  vocab_size=200,
  hidden_width=8,
  history=160,  # Look-ups outnumber the table's rows, as they do in earnest.
  row_tokens=16,
  row_segments=2,
)
EXAMPLES = 64
FLOAT32, BFLOAT16 = 4, 2  # Bytes.


def moved(kind='all-reduce', size=1 << 20, group=range(8), **changes):
  return Collective(
    **{
      'kind': kind,
      'dtype': 'u8',
      'shape': (size,),
      'axes': ('data',),
      'group': tuple(group),
      'count': 1,
      'sliced': False,
      'op': 'x',
      'op_name': '',
      **changes,
    }
  )


@pytest.fixture(scope='module')
def data_parallel():
  mesh = sharding.make_mesh(8, 1, 1)
  work = plan_model.Work.of(EXAMPLES, SMALL, 8)
  lowered, held = plan_step.lower_step(mesh, SMALL, work)
  found = collectives(partitioned_text(lowered), dict(mesh.shape))
  slots = work.rows * SMALL.row_segments
  named = [(plan_model.purpose(x, slots), x) for x in found]
  return work, held, named, lowered


def test_every_gradient_is_summed_over_the_data_axis_once(data_parallel):
  _, _, named, lowered = data_parallel
  state = lowered.args_info[0][0]
  params = sum(math.prod(x.shape) for x in jax.tree.leaves(state.params))
  summed = sum(
    x.count * math.prod(x.shape) for name, x in named if name == 'parameters'
  )
  assert {x.axes for _, x in named} == {('data',)}
  # But for that of type 1's embedding, which no text has; and a few counts.
  assert 0 <= summed - (params - SMALL.width) < 10


def test_kernels_gradients_cross_in_bfloat16(data_parallel):
  _, _, named, _ = data_parallel
  kernel = (SMALL.mlp_width, SMALL.width)
  (up, down) = (x for _, x in named if x.shape in (kernel, kernel[::-1]))
  assert up.dtype == down.dtype == 'bf16'
  assert up.count == down.count == SMALL.num_layers


def test_the_table_goes_out_whole_and_its_gradient_comes_back_once(
  data_parallel,
):
  work, _, named, _ = data_parallel
  out, back = (x for name, x in named if name == 'table')
  whole = work.rows * SMALL.row_segments * SMALL.width * FLOAT32
  assert out.bytes == back.bytes == whole
  assert (out.kind, back.kind) == ('all-gather', 'all-reduce')
  assert back.sliced


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
  machines = plan_model.MACHINES
  assert capsys.readouterr().out.count('(2, 2, 2)') == 1 + len(machines)
  (found,) = json.loads(path.read_text())['meshes']
  assert found['examples'] == EXAMPLES
  _, held, _, _ = data_parallel
  # The rest are positions, which are kept whole.
  assert held / 4 < found['state_bytes_per_chip'] < 0.6 * held
  wire = found['wire_bytes_by_purpose']
  compiled = wire['as_compiled']
  assert sum(found['wire_bytes_by_axes'].values()) == pytest.approx(
    sum(compiled.values())
  )
  # A layer's two sums over 'tensor', and two on the way back.
  assert compiled['activations'] == (
    4
    * SMALL.num_layers
    * (found['rows'] // 4 * SMALL.row_tokens * SMALL.width * BFLOAT16)
  )
  assert wire['scattered']['parameters'] < compiled['parameters']
  for name in ('parameters', 'table'):
    assert wire['bfloat16'][name] < wire['scattered'][name]
  assert found['collectives_run'] > found['collectives']  # Layers are scanned.
  assert found['useful_flops_per_chip'] * 8 == found['useful_flops']
  for m in found['machines'].values():
    for variant in m['variants'].values():
      sent = variant['sent_seconds']
      by = variant['sent_seconds_by_purpose']
      assert sent == pytest.approx(sum(by.values()))
      assert variant['step_seconds'] == m['compute_seconds'] + sent
      most = max(m['compute_seconds'], sent)
      assert variant['step_seconds_overlapped'] == most
    compiled, scattered, narrow = m['variants'].values()
    assert compiled['step_seconds'] > scattered['step_seconds']
    assert scattered['step_seconds'] > narrow['step_seconds']


def test_a_sum_that_is_cut_at_once_is_scattered_for_half_the_bytes():
  cut, kept = moved(sliced=True), moved()
  assert plan_model.scattered(cut).wire_bytes == cut.wire_bytes / 2
  assert plan_model.scattered(kept) == kept


def test_gathered_kernels_and_the_table_are_narrowed_and_nothing_else():
  kernel = moved('all-gather', dtype='f32')
  table = moved('reduce-scatter', dtype='f32')
  for x, name in ((kernel, 'parameters'), (kernel, 'table'), (table, 'table')):
    assert plan_model.narrowed(x, name).bytes == x.bytes / 2
  for x, name in (
    (moved(dtype='f32'), 'parameters'),  # A gradient.
    (kernel, 'activations'),
    (moved('all-gather', dtype='s32'), 'table'),
  ):
    assert plan_model.narrowed(x, name) == x


@pytest.mark.parametrize(
  'machine', plan_model.MACHINES.values(), ids=plan_model.MACHINES
)
def test_seconds_follow_bytes_and_passes(machine):
  seconds = lambda x: machine.seconds(x, 256)
  twice = seconds(moved(size=2 << 20))
  assert twice == pytest.approx(2 * seconds(moved()))
  for kind in ('all-gather', 'reduce-scatter'):
    assert seconds(moved()) == 2 * seconds(moved(kind))


def test_hosts_are_crossed_over_the_slower_card():
  gpu = plan_model.MACHINES['H100 SXM']
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
  assert [plan_model.torus_links(n, n) for n in chips] == [2, 2, 2, 4]
  assert [plan_model.torus_links(n, 256) for n in chips] == [1, 2, 2, 4]
  # 256 chips: 4 links of 50 GB/s are the 51.2 TB/s of Google's page.
  assert 256 * 4 * plan_model.MACHINES['TPU v5e'].near == pytest.approx(51.2e12)


def test_work_meets_what_was_measured_and_grows_slower_than_the_batch():
  for examples, items in plan_model.ITEMS.items():
    assert plan_model.Work.of(examples, SMALL, 1).items == pytest.approx(items)
  works = [plan_model.Work.of(2**k, SMALL, 8) for k in range(3, 15)]
  for one, two in itertools.pairwise(works):
    assert one.items < two.items < 2 * one.items
    assert one.flops(SMALL) < two.flops(SMALL) < 2 * one.flops(SMALL)
    assert two.rows % 8 == 0
    assert two.rows * SMALL.row_tokens >= two.items * plan_model.TOKENS


def test_the_work_of_batches_is_measured(
  tiny_mind, tiny_bert, cache_dir, one_device, monkeypatch, tmp_path
):
  monkeypatch.setattr(plan, 'ITEMS', {4: 1, 8: 1})
  monkeypatch.setattr(plan, 'LARGER', (64,))
  flags = [f'--cache={cache_dir}', f'--encoder={tiny_bert}']
  path = tmp_path / 'work.json'
  plan.main([f'--measure={tiny_mind}', f'--output={path}', *flags])
  measured = json.loads(path.read_text())
  assert measured.keys() == {'4', '8', '64'}
  few, _, many = measured.values()
  assert few['items'] < many['items'] == 60  # Its whole catalog.
  for work in measured.values():
    mean = work['tokens'] / work['items']
    assert work['squares'] >= mean * work['tokens'] > 0
    assert work['rows'] * plan_model.Sizes().row_tokens >= work['tokens']
