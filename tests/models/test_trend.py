"""The trend: one product of vectors, whatever the day."""

import numpy as np
from flax import nnx

from jaxrec.models.heads import in_order
from jaxrec.models.recommender import Recommender
from jaxrec.models.trend import Periods

D, N, GAIN = 4, 6, 1.5
PERIODS = Periods(first=100, days=7, count=5)


def test_a_logit_gains_what_is_known_of_the_item_on_that_day():
  options = {'encoder': None, 'width': D, 'head': 'mean', 'num_items': N}
  model = Recommender(
    periods=PERIODS, trend_gain=GAIN, rngs=nnx.Rngs(0), **options
  )
  without = Recommender(rngs=nnx.Rngs(0), **options)
  rng = np.random.default_rng(0)
  counts = rng.random((N, PERIODS.count)).astype(np.float32)
  model.trend.counts[...] = counts
  pooled = rng.normal(size=(N + 1, D)).astype(np.float32)
  items = np.array([*range(N), -1], np.int32)  # The last came later.
  mask = np.ones((3, 4), bool)
  history = rng.integers(0, N, (3, 4))
  today = np.array([100, 113, 9999], np.int32)
  dates = np.tile(np.array([90, 101, 108, 140], np.int32), (3, 1))
  context = in_order(mask)._replace(today=today, dates=dates)
  moments = np.tile(np.arange(4, dtype=np.int32), (3, 1))

  def logits(model, at=None):
    table = model.project_items(pooled, items)
    users = model.user_vectors(table[history], mask, context, at=at)
    return np.asarray(users @ table.T)

  known = np.concatenate([counts, np.zeros((1, PERIODS.count))])
  gained = logits(model) - logits(without)
  np.testing.assert_allclose(gained, GAIN * known.T[[0, 1, 4]], atol=1e-5)
  gained = logits(model, moments) - logits(without, moments)
  want = np.broadcast_to(GAIN * known.T[[0, 0, 1, 4]], gained.shape)
  np.testing.assert_allclose(gained, want, atol=1e-5)
