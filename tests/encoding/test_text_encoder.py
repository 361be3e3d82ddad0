"""What lies below the trained layers is computed once, and changes nothing."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.text.weights import STACKS
from jaxrec.parallel import sharding

STEPS = 3


def train(experiment):
  """Losses of some steps, with dropout, and the parameters after them."""
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    losses = []
    batch = next(iter(experiment.pipeline.batches(0, 1)))  # One compilation.
    batch = sharding.put_batch(batch, experiment.mesh)
    for _ in range(STEPS):
      state, metrics = experiment.train_step(state, frozen, batch)
      losses.append(float(metrics['loss']))
    assert experiment.train_step._cache_size() == 1  # The state's types stay.
    return losses, state, frozen


_kept = {}


@pytest.fixture
def without(experiment_of):
  """Trained without the cache; once for all tests."""
  if not _kept:
    changes = {'model.text.prefix_cache': 'none', 'model.text.dropout': 0.3}
    _kept['trained'] = train(experiment_of(**changes))
  return _kept['trained']


def test_the_cache_changes_no_loss_and_no_checkpoint(experiment_of, without):
  a, b = without, train(experiment_of(**{'model.text.dropout': 0.3}))
  np.testing.assert_allclose(b[0], a[0], atol=1e-5)
  assert len(set(a[0])) == STEPS
  assert a[2] and not b[2]  # Frozen parameters are not even made.
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5), a[1], b[1]
  )


@pytest.mark.slow
def test_a_cache_of_half_the_size_is_near(experiment_of, without):
  changes = {'model.text.prefix_cache': 'bfloat16', 'model.text.dropout': 0.3}
  experiment = experiment_of(**changes)
  losses, *_ = train(experiment)
  assert experiment.encoder.hidden.dtype == jnp.bfloat16
  np.testing.assert_allclose(losses, without[0], rtol=2e-3)
  assert losses != without[0]


@pytest.mark.parametrize(
  'changes',
  [{'model.text.trainable_layers': n} for n in (-1, 0, 2)]
  + [{'model.text.prefix_cache': 'none'}],
  ids=str,
)
def test_no_cache_where_there_is_nothing_to_save(experiment_of, changes):
  assert experiment_of(**changes).encoder.prefix_dtype is None


def test_vectors_from_the_cache_are_those_of_the_whole_encoder(
  experiment_of, tmp_path
):
  changes = {'model.text.pooling': 'cls'}
  cached = experiment_of(**changes, **{'data.cache_dir': str(tmp_path)})
  plain = experiment_of(**changes, **{'model.text.trainable_layers': 0})
  with jax.set_mesh(plain.mesh):
    np.testing.assert_allclose(
      cached.encoder.vectors, plain.encoder.vectors, atol=1e-5
    )


@pytest.mark.parametrize('prefix_cache', ['auto', 'none'])
@pytest.mark.parametrize('layers', [-1, 1, 2])
def test_layers_trained_and_run_are_those_of_the_step(
  experiment_of, layers, prefix_cache
):
  encoder = experiment_of(
    **{
      'model.text.trainable_layers': layers,
      'model.text.prefix_cache': prefix_cache,
    }
  ).encoder
  params = nnx.to_pure_dict(
    nnx.state(nnx.eval_shape(encoder.make_for_step), nnx.Param)
  )['bert']
  stacks = {
    name: len(params[name]['out']['bias']) for name in STACKS if name in params
  }
  assert encoder.num_trained == stacks['layers']
  assert encoder.num_run == sum(stacks.values())


def test_tokens_that_the_weights_lack_are_told(experiment_of):
  encoder = experiment_of().encoder
  size = encoder.sizes['vocab_size']
  catalog = dataclasses.replace(
    encoder.catalog, tokens=np.array([1, size, 2], np.int32)
  )
  with pytest.raises(UserError, match=f'the token {size}, the weights have'):
    dataclasses.replace(encoder, catalog=catalog)
