import numpy as np
import pytest

from jaxrec.data.draws import LARGE, draw


@pytest.mark.parametrize('seed', [0, 7, 2**32 - 1, 2**32, 2**64 - 1])
def test_draws_are_numpys(seed):
  """To the bit; sizes that NumPy treats in another way among them."""
  rng = np.random.default_rng(0)
  epochs = rng.integers(0, 3, 300)
  clicks = rng.integers(0, 2**32, 300)
  sizes = rng.integers(1, 40, 300)
  sizes[:3] = LARGE, LARGE + 1, 2 * LARGE
  counts = np.minimum(sizes, rng.integers(0, 9, 300))
  counts[:3] = 5, 300, 500
  want = [
    np.random.default_rng((seed, *key)).choice(size, count, replace=False)
    for *key, size, count in np.stack([epochs, clicks, sizes, counts], 1)
  ]
  found = draw(seed, epochs, clicks, sizes=sizes, counts=counts)
  np.testing.assert_array_equal(found, np.concatenate(want))


def test_numbers_that_numpy_draws_again_are_seen(monkeypatch):
  """Among few it is one in a hundred million, among 3 * 2**30 one in four."""
  monkeypatch.setattr('jaxrec.data.draws.LARGE', 2**32)
  keys, sizes = np.arange(200), np.full(200, 3 * 2**30)
  want = [
    np.random.default_rng((1, key, key)).choice(size, 2, replace=False)
    for key, size in zip(keys, sizes, strict=True)
  ]
  found = draw(1, keys, keys, sizes=sizes, counts=np.full(200, 2))
  np.testing.assert_array_equal(found, np.concatenate(want))


def test_nothing_to_draw():
  none = np.zeros(3, int)
  assert not len(draw(0, none, none, sizes=none, counts=none))
