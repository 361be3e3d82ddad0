"""The catalog is encoded once, however often that is cut short."""

import functools

import jax
import numpy as np
import pytest

from jaxrec.encoding import catalog_encoder


@pytest.mark.parametrize('kind', ['hidden', 'vectors'])
def test_a_killed_encoding_goes_on_to_the_same_bits(
  experiment_of, kind, tmp_path, monkeypatch
):
  monkeypatch.setattr(catalog_encoder, 'CPU_BATCH_TOKENS', 128)
  changes = {'model.text.trainable_layers': 0 if kind == 'vectors' else 1}

  def of(name):
    return experiment_of(
      **changes, **{'data.cache_dir': str(tmp_path / name)}
    ).encoder

  batches = catalog_encoder.CatalogEncoder.batches
  seen = []

  def stop_after(self, params, wanted, done, most):
    for i, batch in enumerate(batches(self, params, wanted, done)):
      if i == most:
        raise KeyboardInterrupt
      seen.append(batch.items)
      yield batch

  def patched(most):
    monkeypatch.setattr(
      catalog_encoder.CatalogEncoder,
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
