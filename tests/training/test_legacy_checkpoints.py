import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.training import legacy_checkpoints
from jaxrec.training.optimizer import OptimizerConfig, make_tx
from jaxrec.training.state import TrainState

OLD = {  # Parameters as 0.1.0 named them; every one has another number.
  'bias': 1.0,
  'project': {'kernel': 2.0, 'bias': 3.0},
  'scale': 4.0,
  'appeal': {'kernel': 5.0},
  'item_bias': 6.0,
  'ids': {'read': 7.0},
  'head': {'mean': {'empty': 8.0}},
}
NEW = {
  'bias': 1.0,
  'terms': {
    'text': {'project': {'kernel': 2.0, 'bias': 3.0}, 'scale': 4.0},
    'appeal': {'linear': {'kernel': 5.0}},
    'item_bias': {'values': 6.0},
    'ids': {'read': 7.0},
  },
  'head': {'mean': {'empty': 8.0}},
}
RATES = {f'terms/{name}': 0.1 for name in ('appeal', 'item_bias', 'ids')}


def arrays(tree, scale=1.0):
  return jax.tree.map(lambda x: jnp.full(2, scale * x), tree)


def saved_tree(params, group_of):
  """What Orbax makes of a state of 0.1.0 after 9 steps."""

  def of_group(name):
    moments = {
      moment: {
        part: arrays(tree, scale) if group_of(part) == name else None
        for part, tree in params.items()
      }
      for moment, scale in (('mu', 10.0), ('nu', 100.0))
    }
    adam = {'count': jnp.int32(9), **moments}
    return {'inner_state': [adam, None, {'count': jnp.int32(9)}]}

  groups = {name: of_group(name) for name in map(group_of, params)}
  return {
    'step': jnp.int32(9),
    'params': arrays(params),
    'opt_state': [None, {'inner_states': groups}],
  }


def state_of(params):
  params = arrays(params)
  tx = make_tx(OptimizerConfig(), 10, RATES)
  state = TrainState(jnp.int32(0), params, tx.init(params))
  return jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
  )


@pytest.fixture
def saved():
  groups = {'ids': 'ids', 'item_bias': 'ids', 'appeal': 'appeal'}
  return saved_tree(OLD, lambda part: groups.get(part, 'head'))


def test_every_array_is_found_by_its_name(saved):
  state = state_of(NEW)
  assert legacy_checkpoints.is_old(saved)
  assert not legacy_checkpoints.is_old({'params': NEW})
  layout = legacy_checkpoints.layout(saved, state)
  assert jax.tree.structure(layout) == jax.tree.structure(saved)
  found = legacy_checkpoints.translate(saved, state)
  assert jax.tree.structure(found) == jax.tree.structure(state)
  paths = legacy_checkpoints.by_path(found)
  parameters = legacy_checkpoints.by_path(NEW)
  for path, x in paths.items():
    kind, parameter = legacy_checkpoints._meaning(path)
    if kind == 'step':
      assert x == 9
    else:
      scale = {'params': 1, 'mu': 10, 'nu': 100}[kind]
      np.testing.assert_array_equal(
        x, np.full(2, scale * parameters[parameter])
      )
  assert len(paths) == 3 * len(parameters) + 1 + 2 * (1 + len(RATES))
  # A step gives every array away: none may be there twice.
  assert len({id(x) for x in paths.values()}) == len(paths)


@pytest.mark.parametrize(
  'change',
  [
    lambda params: params.pop('scale'),  # It is not there.
    lambda params: params.update(more=jnp.zeros(2)),  # Nobody reads it.
    lambda params: params.update(scale=jnp.zeros(3)),
    lambda params: params.update(scale=jnp.zeros(2, jnp.int32)),
  ],
  ids=['absent', 'unread', 'shape', 'dtype'],
)
def test_another_model_is_told(saved, change):
  change(saved['params'])
  assert legacy_checkpoints.layout(saved, state_of(NEW)) is None
