"""The optimizer: a learning rate of each part's own, and decay of kernels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.errors import UserError
from jaxrec.training.optimizer import OptimizerConfig, learning_rate, make_tx

STEPS = 10


def params():
  part = lambda: {'kernel': jnp.ones((2, 3)), 'bias': jnp.ones(3)}
  return {
    'encoder': part(),
    'head': part(),
    'terms': {'ids': part(), 'ids_too': part()},
  }


def first_step(gradient, rates=None, **options):
  """By how much each parameter moves, of equal gradients."""
  config = OptimizerConfig(
    **{'learning_rate': 0.5, 'warmup_steps': 0, 'clip_norm': 0.0} | options
  )
  tx = make_tx(config, STEPS, rates)
  grads = jax.tree.map(lambda x: jnp.full_like(x, gradient), params())
  updates, _ = tx.update(grads, tx.init(params()), params())
  return updates


def test_each_part_moves_by_its_own_learning_rate():
  rates = {'encoder': 0.25, 'terms/ids': 0.0}
  moved = first_step(1.0, rates, weight_decay=0.0)
  for part, rate in (
    (moved['encoder'], 0.25),
    (moved['head'], 0.5),
    (moved['terms']['ids'], 0.0),
    (moved['terms']['ids_too'], 0.5),  # Its name only begins like another's.
  ):
    for x in jax.tree.leaves(part):  # Adam's first step is the rate's.
      np.testing.assert_allclose(x, -rate, rtol=1e-5)


def test_kernels_decay_alone():
  moved = first_step(0.0, {'encoder': 0.25}, weight_decay=0.1)
  for part, rate in ((moved['encoder'], 0.25), (moved['head'], 0.5)):
    np.testing.assert_allclose(part['kernel'], -0.1 * rate, rtol=1e-5)
    assert not part['bias'].any()


def test_clipping_is_of_all_parts_together():
  count = sum(x.size for x in jax.tree.leaves(params()))
  options = {'b1': 0.0, 'b2': 0.0, 'weight_decay': 0.0}
  config = OptimizerConfig(clip_norm=1e-8, warmup_steps=0, **options)
  tx = make_tx(config, STEPS)
  grads = jax.tree.map(jnp.ones_like, params())
  updates, _ = tx.update(grads, tx.init(params()), params())
  # So small a gradient is beside Adam's epsilon, 1e-8.
  each = 1e-8 / np.sqrt(count)
  want = config.learning_rate * each / (each + 1e-8)
  for x in jax.tree.leaves(updates):
    np.testing.assert_allclose(x, -want, rtol=1e-3)


def test_the_rate_rises_to_its_peak_and_falls_to_nothing():
  rates = [float(learning_rate(2.0, 4, STEPS)(i)) for i in range(STEPS + 1)]
  np.testing.assert_allclose(rates[:5], [0, 0.5, 1, 1.5, 2], atol=1e-6)
  assert (np.diff(rates[4:]) < 0).all() and rates[-1] == 0
  # A training shorter than its warm-up has one step at the peak at least.
  short = learning_rate(2.0, 50, 3)
  assert float(short(2)) == 2.0
  assert float(learning_rate(2.0, 0, 3)(0)) == 2.0


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'learning_rate': -2.0}, 'learning_rate=-2.0: must be 0 or more'),
    ({'clip_norm': -1.0}, 'clip_norm=-1.0: must be 0 or more'),
    ({'b2': 1.0}, 'b2=1.0: must be 0 or more, < 1'),
  ],
  ids=str,
)
def test_settings_that_cannot_be(options, message):
  with pytest.raises(UserError, match=message):
    OptimizerConfig(**options)
