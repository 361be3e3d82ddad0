import jax.numpy as jnp
import numpy as np
import optax

from jaxrec.training.averaging import averaged
from jaxrec.training.optimizer import OptimizerConfig, make_tx


def test_the_average_follows_the_weights():
  tx = averaged(optax.sgd(1.0), 0.9)
  params = {'x': jnp.array(4.0)}
  state, weights, want = tx.init(params), [4.0], 4.0
  for step in range(1, 40):
    updates, state = tx.update({'x': jnp.array(0.5)}, state, params)
    params = optax.apply_updates(params, updates)
    weights.append(float(params['x']))
    d = min(0.9, step / (9 + step))
    want = d * want + (1 - d) * weights[-1]
    np.testing.assert_allclose(state.average['x'], want, rtol=1e-5)
  assert weights[-1] < state.average['x'] < weights[-20]


def test_weights_are_the_same_with_an_average_beside_them():
  params = {'a': {'kernel': jnp.ones((2, 2))}}
  got = []
  for average in (0.0, 0.99):
    tx = make_tx(OptimizerConfig(average=average, warmup_steps=0), 5)
    state, here = tx.init(params), params
    for _ in range(3):
      updates, state = tx.update(here, state, here)
      here = optax.apply_updates(here, updates)
    got.append(here['a']['kernel'])
  np.testing.assert_array_equal(*got)
