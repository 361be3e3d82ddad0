import numpy as np
import pytest
from scipy import sparse

from jaxrec.baselines import matrices
from tests.baselines.worlds import make_world, weights


@pytest.mark.parametrize('timed', [True, False])
@pytest.mark.parametrize('decay', [0.0, 0.5, 1.0])
def test_histories_fade_by_events(decay, timed):
  known, examples = make_world(0, timed=timed)
  rows = np.array([0, 5, 19, 2])
  matrix = matrices.histories(examples, rows, known.num_items, decay)
  want = weights(examples, known.num_items, decay)[rows]
  np.testing.assert_allclose(matrix.toarray(), want, rtol=1e-6)
  assert matrix.has_canonical_format
  assert matrix.data.all()


def test_items_of_one_time_weigh_the_same():
  known, examples = make_world(1)
  matrix = matrices.histories(examples, np.arange(20), known.num_items, 0.7)
  for row in range(20):
    part = slice(*examples.history_offsets[row : row + 2])
    times = examples.history_times[part]
    last = examples.history[part][times == times.max(initial=0)]
    np.testing.assert_array_equal(matrix.toarray()[row, last], 1)


@pytest.mark.parametrize('count', [1, 3, 100])
@pytest.mark.parametrize('products', [1, 50, 10**6])
def test_products_in_blocks_keep_the_strongest(products, count, monkeypatch):
  monkeypatch.setattr(matrices, 'PRODUCTS', products)
  rng = np.random.default_rng(count)
  left = sparse.random_array((17, 9), density=0.3, format='csr', rng=rng)
  right = sparse.random_array((9, 13), density=0.4, format='csr', rng=rng)
  scale = rng.normal(size=(17, 13))
  matrix = matrices.strongest_of_product(
    left, right, count, lambda values, i, j: values * scale[i, j]
  ).toarray()
  whole = ((left @ right).toarray() * scale).clip(0)
  least = np.sort(whole, 1)[:, ::-1][:, min(count, 13) - 1, None]
  want = np.where(whole >= least, whole, 0)
  np.testing.assert_allclose(matrix, want)


def test_of_equals_as_many_stay_as_are_asked_for():
  matrix = matrices.strongest(sparse.csr_array(np.ones((4, 9))), 3)
  np.testing.assert_array_equal(np.diff(matrix.indptr), 3)
