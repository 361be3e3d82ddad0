"""The trend: a logit tells what was acted on before the day one asks."""

import numpy as np
from flax import nnx

from jaxrec.batch import NEVER, Context
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import ItemInputs
from jaxrec.models.terms.trend import Periods, Trend, TrendConfig
from tests.models.making import make_recommender

N, D = 6, 5


def test_a_period_is_where_its_dates_are():
  periods = Periods(first=100, days=3, count=4)
  dates = np.array([90, 100, 102, 103, 111, 500])
  np.testing.assert_array_equal(periods.of(dates), [0, 0, 0, 1, 3, 3])


def test_logits_gain_by_the_period_one_asks_in():
  periods = Periods(first=10, days=2, count=3)
  options = {'width': D, 'num_items': N, 'seed': 0}
  model = make_recommender(
    terms={'trend': TrendConfig(gain=0.5)},
    prepared={'trend': periods},
    **options,
  )
  plain = make_recommender(**options)
  counts = np.random.default_rng(1).random((N, 3)).astype(np.float32)
  model.terms['trend'].counts[...] = counts
  pooled = np.random.default_rng(2).normal(size=(N, D)).astype(np.float32)
  items = np.array([0, 1, 2, 3, 4, -1])
  zeros, mask = np.zeros((2, 3), np.int32), np.ones((2, 3), bool)
  events = np.array([[0, 1, 2]] * 2)
  dates = np.array([[9, 12, 13], [14, 15, 99]])
  never = np.full_like(events, NEVER)
  context = Context(events, zeros, zeros * 0.0, never, dates, dates[:, 1])
  logits = []
  for each in (model, plain):
    table = each.project_items(pooled, items)
    users = [
      each.user_vectors(table[events], mask, context, at=at)
      for at in (None, events)
    ]
    logits.append([np.asarray(x @ table.T) for x in users])
  want = 0.5 * np.where(items[:, None] >= 0, counts, 0).T
  after, every = (a - b for a, b in zip(*logits, strict=True))
  np.testing.assert_allclose(after, want[[1, 2]], atol=1e-5)
  np.testing.assert_allclose(every, want[[[0, 1, 1], [2, 2, 2]]], atol=1e-5)


def test_the_counts_are_not_learned():
  facts = Facts(D, N, prepared={'trend': Periods(0, 1, 4)})
  trend = Trend(TrendConfig(gain=1.0), facts, rngs=nnx.Rngs(0))
  trend.counts[...] = np.ones((N, 4))
  inputs = ItemInputs(np.zeros((N, D)), np.arange(N), {})
  columns = lambda trend: trend.item_columns(inputs).scored.sum()
  grads = nnx.grad(columns)(trend)
  assert not np.asarray(grads.counts[...]).any()
  np.testing.assert_allclose(grads.log_gain[...], 4 * N)
