import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrec.errors import UserError
from jaxrec.models.text.bert import SHARDING, Bert
from jaxrec.models.text.item_encoder import ItemEncoder
from jaxrec.parallel import sharding
from jaxrec.training.objectives.impressions import ImpressionsObjective
from jaxrec.training.optimizer import OptimizerConfig, make_tx
from jaxrec.training.state import init_state
from jaxrec.training.steps import make_train_step
from tests.conftest import TINY
from tests.models.making import make_recommender
from tests.models.test_recommender import S, batch_of, catalog, examples

__all__ = ['catalog']  # A fixture.
STEPS = 5
# Collectives in the text of the compiled step; more would be a change for the
# worse that nobody saw.
CEILING = {(8, 1, 1): 5, (1, 8, 1): 26, (2, 2, 2): 48, (4, 1, 2): 25}
QUICK = ((2, 2, 2),)  # The others run with what is slow.
COLLECTIVE = re.compile(
  r' (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)'
  r'(-start)?\('
)


def make_model():
  bert = Bert(**TINY, dropout_rate=0.0, trainable_layers=1, rngs=nnx.Rngs(1))
  return make_recommender(
    ItemEncoder(bert, num_segments=S), width=TINY['width'], positive_rate=0.25
  )


def train(catalog, shape):
  """Losses and last state of a few steps on a mesh, and the compiled step."""
  count = int(np.prod(shape))
  mesh = sharding.make_mesh(*shape, devices=jax.devices()[:count])
  config = OptimizerConfig(learning_rate=1e-2, warmup_steps=0)
  tx = make_tx(config, STEPS, {'encoder': 1e-3})
  is_frozen = lambda path: 'embeddings' in path or 'frozen_layers' in path
  losses = []
  with jax.set_mesh(mesh):
    graphdef, state, frozen, specs = init_state(
      make_model, tx, mesh, is_frozen=is_frozen, rules=SHARDING
    )
    gather = sharding.gather_params((specs[0].params, specs[1]))
    step = jax.jit(
      make_train_step(
        graphdef,
        tx,
        objectives=[ImpressionsObjective(ImpressionsObjective.Config())],
        gather=gather,
        seed=0,
      ),
      donate_argnums=0,
      out_shardings=(
        sharding.shardings(specs[0], mesh),
        sharding.whole(mesh),
      ),
    )
    for i in range(STEPS):
      batch = batch_of(catalog, examples(i, count=16), rows=64)
      batch = sharding.put_batch(batch, mesh)
      if i == 0:
        step = step.lower(state, frozen, batch).compile()
      before = state
      state, metrics = step(state, frozen, batch)
      scale = before.params['terms']['text']['scale']
      assert scale.is_deleted()  # The state is donated.
      losses.append(float(metrics['loss']))
  return losses, state, step.as_text()


@pytest.fixture(scope='module')
def on_one_device(catalog):
  return train(catalog, (1, 1, 1))


# (2, 2, 2) has all the axes.
@pytest.mark.parametrize(
  'shape',
  [
    pytest.param(shape, marks=[pytest.mark.slow] * (shape not in QUICK))
    for shape in CEILING
  ],
  ids=str,
)
def test_eight_devices_equal_one(catalog, on_one_device, shape):
  losses, state, text = train(catalog, shape)
  want, single, _ = on_one_device
  np.testing.assert_allclose(losses, want, atol=1e-5)
  assert len(set(np.round(want, 4))) == STEPS  # It does learn.
  # Softmax does not see the keys' bias: its gradient is rounding, and Adam
  # makes steps of it.
  for (path, a), b in zip(
    jax.tree_util.tree_leaves_with_path(state.params),
    jax.tree.leaves(single.params),
    strict=True,
  ):
    if not jax.tree_util.keystr(path).endswith("['qkv']['bias']"):
      np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=2e-4)
  kernel = state.params['encoder']['bert']['layers']['up']['kernel']
  moment = jax.tree.leaves(
    [
      x
      for path, x in jax.tree_util.tree_leaves_with_path(state.opt_state)
      if jax.tree_util.keystr(path).endswith("['up']['kernel']")
    ]
  )
  assert moment
  for x in (kernel, *moment):  # Stored in parts, the optimizer's state too.
    part = x.addressable_shards[0].data.size
    assert part == x.size // (shape[1] * shape[2])
  assert 0 < len(COLLECTIVE.findall(text)) <= CEILING[shape]


def bytes_on_a_device(mesh):
  """Of kernels and embeddings, and of the rest."""
  tx = optax.adamw(1e-3)
  _, state, _, _ = init_state(make_model, tx, mesh, rules=SHARDING)
  kernels = whole = 0
  for path, _, spec, size in sharding.placement(state):
    if path.endswith(('kernel', 'tokens/embedding')):
      kernels += size
      assert mesh.size == 1 or 'fsdp' in spec, path
    else:
      whole += size
  return kernels, whole


@pytest.fixture(scope='module')
def single():
  return bytes_on_a_device(sharding.make_mesh(devices=jax.devices()[:1]))


@pytest.mark.parametrize(
  'fsdp', [2, pytest.param(4, marks=pytest.mark.slow), 8]
)
def test_bytes_on_a_device_fall_as_one_over_fsdp(single, fsdp):
  """All kernels and embeddings; what stays whole is small."""
  split = bytes_on_a_device(sharding.make_mesh(data=8 // fsdp, fsdp=fsdp))
  assert split[0] * fsdp == single[0]
  assert split[1] == single[1] < 0.01 * single[0]


@pytest.mark.parametrize('shape', CEILING, ids=str)
def test_each_device_gets_its_slice_of_a_batch(shape):
  mesh = sharding.make_mesh(*shape)
  batch = {'x': np.arange(32).reshape(16, 2), 'mask': np.arange(16) % 3 == 0}
  placed = sharding.put_batch(batch, mesh)
  shards = sharding.num_batch_shards(mesh)
  place = {
    device: i
    for i, row in enumerate(mesh.devices.reshape(shards, -1))
    for device in row
  }
  for name, whole in batch.items():
    assert placed[name].shape == whole.shape
    for part in placed[name].addressable_shards:
      want = np.split(whole, shards)[place[part.device]]
      np.testing.assert_array_equal(np.asarray(part.data), want)


@pytest.mark.parametrize('shape', CEILING, ids=str)
@pytest.mark.parametrize('processes', [1, 2, 4, 8])
def test_a_process_holds_what_its_devices_need(shape, processes):
  """Wherever on the mesh they are; and no more than that."""
  mesh = sharding.make_mesh(*shape)
  whole = np.arange(32).reshape(16, 2)
  split = NamedSharding(mesh, sharding.BATCH)
  places = split.devices_indices_map(whole.shape)
  devices = np.random.default_rng(0).permutation(jax.devices())
  for own in (*np.split(devices, processes), jax.devices()[:2]):
    part = sharding.part_of(mesh, list(own))
    held = whole[part.rows(len(whole))]
    needed = [
      part.cut(held, places[d][0].start, places[d][0].stop) for d in own
    ]
    for device, rows in zip(own, needed, strict=True):
      np.testing.assert_array_equal(rows, whole[places[device]])
    assert set(held[:, 0]) == set(np.concatenate(needed)[:, 0])
  assert sharding.part_of(mesh).rows(16).tolist() == list(range(16))


def test_the_optimizer_has_no_state_for_what_does_not_train(on_one_device):
  _, state, _ = on_one_device
  paths = [
    jax.tree_util.keystr(path)
    for path, _ in jax.tree_util.tree_leaves_with_path(state)
  ]
  assert any('layers' in path for path in paths)
  assert not any('frozen_layers' in p or 'embeddings' in p for p in paths)


@pytest.mark.parametrize(
  ('sizes', 'shape'),
  [
    ({}, (8, 1, 1)),
    ({'fsdp': 4}, (2, 4, 1)),
    ({'data': 2, 'fsdp': -1, 'tensor': 2}, (2, 2, 2)),
  ],
)
def test_one_size_may_be_left_out(sizes, shape):
  mesh = sharding.make_mesh(**sizes)
  assert tuple(mesh.shape.values()) == shape
  assert mesh.axis_names == sharding.AXES


@pytest.mark.parametrize(
  'sizes',
  [{'fsdp': 3}, {'data': 2}, {'data': -1, 'fsdp': -1}, {'fsdp': 0}],
  ids=str,
)
def test_sizes_that_do_not_fit(sizes):
  with pytest.raises(UserError, match=r'sizes that would: \[1, 2, 4, 8\]'):
    sharding.make_mesh(**sizes)


def test_a_parameter_that_does_not_divide_stays_whole():
  mesh = sharding.make_mesh(2, 4, 1)
  tree = {
    'up': {'kernel': jnp.zeros((3, 6, 8)), 'bias': jnp.zeros((3, 8))},
    'project': {'kernel': jnp.zeros((8, 8))},
  }
  specs = sharding.param_specs(tree, mesh, SHARDING)
  assert specs['up']['kernel'] == P(None, None, 'tensor')
  assert specs['up']['bias'] == P(None, 'tensor')
  assert specs['project']['kernel'] == P('fsdp', None)


def test_what_has_a_row_for_each_item_is_split_by_rows():
  """Numbers of items as well as vectors; a path's end says which."""
  mesh = sharding.make_mesh(2, 4, 1)
  rows = P('fsdp', None)
  rules = [('ids/read', rows), ('item_bias/values', rows)]
  tree = {
    'ids': {'read': jnp.zeros((8, 3)), 'log_gains': jnp.zeros(8)},
    'item_bias': {'values': jnp.zeros(8)},
    'odd': {'ids': {'read': jnp.zeros((9, 4))}},
  }
  specs = sharding.param_specs(tree, mesh, rules)
  assert specs['ids'] == {'read': P('fsdp', None), 'log_gains': P(None)}
  assert specs['item_bias']['values'] == P('fsdp')
  assert specs['odd']['ids']['read'] == P(None, None)
