"""The item bias: a number of each item, from its click rate to start with."""

import numpy as np
from flax import nnx

from jaxrec.models.facts import Facts
from jaxrec.models.terms.item_bias import ItemBias, ItemBiasConfig
from jaxrec.models.terms.term import ItemInputs

N, D = 6, 5


def test_it_is_the_items_own_and_nobody_elses():
  term = ItemBias(ItemBiasConfig(), Facts(D, N), rngs=nnx.Rngs(0))
  assert not np.asarray(term.values[...]).any()
  term.values[...] = np.arange(1.0, N + 1)
  items = np.array([3, -1, 0])
  columns = term.item_columns(ItemInputs(np.zeros((3, D)), items, {}))
  np.testing.assert_array_equal(columns.bias, [[4.0], [0.0], [1.0]])
  assert columns.read is None and columns.scored is None


def test_it_starts_as_a_part_of_the_log_of_the_click_rate():
  class Source:
    def click_rates(self, shrinkage):
      return np.full(N, shrinkage)

  start = lambda **options: ItemBias.start(
    ItemBiasConfig(**options), Facts(D, N), Source()
  )
  assert start() == {}
  ((path, values),) = start(start=0.5, shrinkage=30.0).items()
  assert path == ('values',)
  np.testing.assert_array_equal(values, np.full(N, 15.0))
