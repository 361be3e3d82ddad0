import collections
import itertools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.batch import Batch, Counts
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import in_order
from jaxrec.models.terms.term import Channel
from jaxrec.models.text.bert import Bert
from jaxrec.training import flops
from tests.models.making import make_head

# Wide, so that what is no matmul is little; one text fills each row, so that
# what is useful is all that XLA computes; one layer to a scan, since XLA
# counts a scan's body once.
WIDTH, MLP_WIDTH, LENGTH, ROWS = 512, 2048, 512, 2
DENSE = {'width': WIDTH, 'mlp_width': MLP_WIDTH}
FULL = {'tokens': ROWS * LENGTH, 'squares': ROWS * LENGTH**2}


def lowered_bert(num_layers, trainable_layers, transform=lambda f: f):
  """`transform` of the parameters' function, lowered but never computed."""
  make = lambda: Bert(
    vocab_size=8,
    max_positions=LENGTH,
    num_types=2,
    num_heads=1,
    num_layers=num_layers,
    trainable_layers=trainable_layers,
    rngs=nnx.Rngs(0),
    **DENSE,
  )
  graphdef, params = nnx.split(nnx.eval_shape(make), nnx.Param)
  arrays = [jax.ShapeDtypeStruct((ROWS, LENGTH), jnp.int32)] * 3

  def total(params, *arrays):
    return nnx.merge(graphdef, params)(*arrays).sum()

  return jax.jit(transform(total)).lower(nnx.to_pure_dict(params), *arrays)


@pytest.mark.parametrize(
  ('num_layers', 'trainable_layers'), [(1, -1), (2, 1), (1, 0)]
)
def test_forward_is_what_xla_counts(num_layers, trainable_layers):
  compiled = lowered_bert(num_layers, trainable_layers).compile()
  ours = flops.encoder_flops(
    layers_run=num_layers, layers_trained=0, **DENSE, **FULL
  )
  assert compiled.cost_analysis()['flops'] == pytest.approx(ours, rel=0.04)


@pytest.mark.parametrize(('num_layers', 'trainable_layers'), [(1, -1), (2, 1)])
def test_training_is_what_xla_counts(num_layers, trainable_layers):
  # XLA's count has attention's recomputation too, which is no use.
  lowered = lowered_bert(num_layers, trainable_layers, jax.value_and_grad)
  ours = flops.encoder_flops(
    layers_run=num_layers, layers_trained=1, **DENSE, **FULL
  )
  assert lowered.cost_analysis()['flops'] == pytest.approx(ours, rel=0.1)


def test_flops_are_linear_in_tokens_and_layers():
  def count(run=3, trained=0, tokens=0, squares=0):
    return flops.encoder_flops(
      layers_run=run,
      layers_trained=trained,
      tokens=tokens,
      squares=squares,
      **DENSE,
    )

  one, other = dict(tokens=5, squares=9), dict(tokens=70, squares=800)
  both = {k: one[k] + other[k] for k in one}
  assert count(**both) == count(**one) + count(**other)
  assert count(tokens=5) > 0
  assert count(squares=9) > 0
  assert count(trained=3, **one) == 3 * count(**one)
  # Layers below the cut, cached: only those above are paid for.
  assert count(run=2, trained=2, **one) == count(trained=2, **one) - count(
    run=1, **one
  )
  assert count(run=0, **one) == 0


def test_more_layers_cannot_train_than_run():
  with pytest.raises(ValueError, match='2 layers train of 1'):
    flops.encoder_flops(
      layers_run=1, layers_trained=2, tokens=1, squares=1, **DENSE
    )


@pytest.mark.parametrize('name', [n for n in HEADS if HEADS[n].gates])
def test_a_recurrent_head_is_what_xla_counts(name):
  width, hidden_width, examples = 256, 128, 4
  make = lambda: make_head(
    HEADS[name].Config(width=hidden_width), Channel(width)
  )
  graphdef, params = nnx.split(nnx.eval_shape(make), nnx.Param)
  head = lambda params, history, mask, at: nnx.merge(graphdef, params)(
    history, mask, in_order(mask), at
  )
  # A history of 1: XLA counts the scan's body once.
  lowered = jax.jit(head).lower(
    nnx.to_pure_dict(params),
    jax.ShapeDtypeStruct((examples, 1, width), jnp.float32),
    jax.ShapeDtypeStruct((examples, 1), bool),
    jax.ShapeDtypeStruct((examples, 1), jnp.int32),
  )
  ours = flops.head_flops(
    width=width,
    hidden_width=hidden_width,
    items=0,
    history_steps=examples,
    examples=examples,
    gates=HEADS[name].gates,
  )
  assert lowered.cost_analysis()['flops'] * 3 == pytest.approx(ours, rel=0.04)


def test_mean_head_has_only_the_projection():
  many = flops.head_flops(
    width=8, hidden_width=0, items=5, history_steps=99, examples=9
  )
  assert many == 3 * 2 * 5 * 8 * 8


def packed_segments(rng, rows=7, length=12, num_segments=4):
  """Rows of up to S items of random lengths, the rest padding."""
  segments = np.zeros((rows, length), np.int32)
  for row in segments[1:]:  # The first row stays empty.
    begin = 0
    for segment in range(1, rng.integers(1, num_segments + 1) + 1):
      end = begin + rng.integers(1, length // num_segments + 1)
      row[begin:end], begin = segment, end
  return segments


def make_batch(rng, *, examples=5, real=5, **items):
  shape = examples, 6
  return Batch(
    history=rng.integers(0, 20, shape).astype(np.int32),
    history_mask=rng.random(shape) < 0.5,
    candidates=rng.integers(0, 20, shape).astype(np.int32),
    candidate_mask=rng.random(shape) < 0.5,
    labels=np.zeros(shape, np.float32),
    example_mask=np.arange(examples) < real,
    **items,
  )


@pytest.fixture
def rng():
  return np.random.default_rng(0)


def test_batch_counts_are_a_plain_loops(rng):
  for _ in range(20):
    segments = packed_segments(rng)
    lengths = collections.Counter(
      (r, s) for r, row in enumerate(segments.tolist()) for s in row if s
    )
    assert flops.batch_counts(make_batch(rng, segments=segments)) == (
      sum(lengths.values()),
      sum(n**2 for n in lengths.values()),
      segments.size,
    )


@pytest.mark.parametrize('segments', [None, np.zeros((2, 3), np.int32)])
def test_batch_counts_without_items(rng, segments):
  slots = 0 if segments is None else 6
  batch = make_batch(rng, segments=segments)
  assert flops.batch_counts(batch) == (0, 0, slots)


def test_a_steps_flops_are_its_parts():
  counts = Counts(4, items=9, history=17, tokens=60, squares=500, slots=80)
  layers = {'layers_run': 3, 'layers_trained': 2}
  assert flops.step_flops(
    counts, hidden_width=16, **layers, **DENSE
  ) == flops.encoder_flops(
    tokens=60, squares=500, **layers, **DENSE
  ) + flops.head_flops(
    width=WIDTH, hidden_width=16, items=9, history_steps=17, examples=4
  )


def device(kind, platform='gpu', process=0):
  return types.SimpleNamespace(
    device_kind=kind, platform=platform, process_index=process
  )


def test_published_peak_is_for_bfloat16_and_all_devices():
  peak, source = flops.peak_flops('bfloat16', [device('NVIDIA H200')] * 8)
  assert peak == 8 * flops.PUBLISHED['NVIDIA H200']
  assert source == 'published: 8 x NVIDIA H200'


@pytest.mark.parametrize(
  ('dtype', 'devices', 'times'),
  [
    ('float32', [device('NVIDIA H200')] * 4, 4),
    ('bfloat16', [device('NVIDIA H100 80GB HBM3 MIG 1g.10gb')] * 2, 2),
    ('float32', [device('cpu', 'cpu')] * 8, 1),
    ('float32', [device('cpu', 'cpu', p) for p in (1, 1, 0, 0)], 2),
  ],
)
def test_measured_peak_counts_accelerators_and_hosts(
  monkeypatch, dtype, devices, times
):
  def measure(dtype_, device, *, size):
    assert dtype_ == dtype
    assert device.process_index == jax.process_index()
    return 7.0

  monkeypatch.setattr(flops, 'measured_flops', measure)
  peak, source = flops.peak_flops(dtype, devices)
  assert peak == 7 * times
  assert source.startswith(f'measured: {dtype} matmul, {times} x ')


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_measured_flops_within_a_mesh_of_many(dtype):
  ticks = itertools.accumulate(np.repeat([1.0, 2.0, 100.0], [2, 2, 2]))
  # Read in pairs: runs of 1, 2 and 100 seconds, whose median is 2.
  mesh = jax.make_mesh((jax.device_count(),), ('data',))
  with jax.set_mesh(mesh):
    found = flops.measured_flops(
      dtype, jax.devices()[3], size=16, repeats=3, clock=lambda: next(ticks)
    )
    assert jax.sharding.get_mesh() == mesh
  assert found == 2 * 16**3 / 2
