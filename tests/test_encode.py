"""What lies below the trained layers is computed once, and changes nothing."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec import encode, sharding
from jaxrec.display import Display
from jaxrec.experiment import Experiment

STEPS = 3


@pytest.fixture
def experiment_of(tiny_config, monkeypatch):
  """changes -> an Experiment on one device, its mesh set."""
  make_mesh = functools.partial(sharding.make_mesh, devices=jax.devices()[:1])
  monkeypatch.setattr(sharding, 'make_mesh', make_mesh)

  def make(**changes):
    changes = {'encoder.trainable_layers': 1, **changes}
    config = tiny_config(**changes)
    return Experiment.from_config(config, Display(quiet=True))

  return make


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
    changes = {'encoder.prefix_cache': 'none', 'encoder.dropout': 0.3}
    _kept['trained'] = train(experiment_of(**changes))
  return _kept['trained']


def test_the_cache_changes_no_loss_and_no_checkpoint(experiment_of, without):
  a, b = without, train(experiment_of(**{'encoder.dropout': 0.3}))
  np.testing.assert_allclose(b[0], a[0], atol=1e-5)
  assert len(set(a[0])) == STEPS
  assert a[2] and not b[2]  # Frozen parameters are not even made.
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5), a[1], b[1]
  )


def test_a_cache_of_half_the_size_is_near(experiment_of, without):
  changes = {'encoder.prefix_cache': 'bfloat16', 'encoder.dropout': 0.3}
  experiment = experiment_of(**changes)
  losses, *_ = train(experiment)
  assert experiment.hidden.dtype == jnp.bfloat16
  np.testing.assert_allclose(losses, without[0], rtol=2e-3)
  assert losses != without[0]


@pytest.mark.parametrize(
  'changes',
  [{'encoder.trainable_layers': n} for n in (-1, 0, 2)]
  + [{'encoder.prefix_cache': 'none'}],
  ids=str,
)
def test_no_cache_where_there_is_nothing_to_save(experiment_of, changes):
  assert experiment_of(**changes).prefix_dtype is None


@pytest.mark.parametrize('kind', ['hidden', 'vectors'])
def test_a_killed_encoding_goes_on_to_the_same_bits(
  experiment_of, kind, tmp_path, monkeypatch
):
  monkeypatch.setattr(encode, 'CPU_BATCH_TOKENS', 128)
  changes = {'encoder.trainable_layers': 0 if kind == 'vectors' else 1}
  of = lambda name: experiment_of(
    **changes, **{'data.cache_dir': str(tmp_path / name)}
  )
  batches = encode.CatalogEncoder.batches
  seen = []

  def stop_after(self, params, wanted, done, most):
    for i, batch in enumerate(batches(self, params, wanted, done)):
      if i == most:
        raise KeyboardInterrupt
      seen.append(batch.items)
      yield batch

  def patched(most):
    monkeypatch.setattr(
      encode.CatalogEncoder,
      'batches',
      functools.partialmethod(stop_after, most=most),
    )

  whole, parts = of('whole'), of('parts')
  with jax.set_mesh(whole.mesh):
    patched(None)
    want = np.array(getattr(whole, kind))
    assert len(seen) > 3
    num_batches = len(seen)
    patched(2)
    with pytest.raises(KeyboardInterrupt):
      getattr(parts, kind)
    seen.clear()
    patched(None)
    np.testing.assert_array_equal(getattr(of('parts'), kind), want)
  assert len(seen) == num_batches - 2  # Nothing was done twice.
  assert np.abs(want).min(-1).max() > 0


def test_vectors_from_the_cache_are_those_of_the_whole_encoder(
  experiment_of, tmp_path
):
  changes = {'encoder.pooling': 'cls'}
  cached = experiment_of(**changes, **{'data.cache_dir': str(tmp_path)})
  plain = experiment_of(**changes, **{'encoder.trainable_layers': 0})
  with jax.set_mesh(plain.mesh):
    np.testing.assert_allclose(cached.vectors, plain.vectors, atol=1e-5)
