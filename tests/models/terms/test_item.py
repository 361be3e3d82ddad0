"""The compact vector: ids and texts summed, read and scored alike."""

import jax
import numpy as np
import pytest
from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.facts import Facts
from jaxrec.models.heads.mean import MeanConfig
from jaxrec.models.terms.item import Item, ItemConfig
from jaxrec.models.terms.term import ItemInputs
from tests.models.making import make_recommender

WIDTH, NUM_ITEMS, TEXT = 5, 7, 6


def made(**changes):
  config = ItemConfig(width=WIDTH, **changes)
  return Item(config, Facts(TEXT, NUM_ITEMS), rngs=nnx.Rngs(0))


def inputs(items):
  rng = np.random.default_rng(0)
  pooled = rng.normal(size=(len(items), TEXT)).astype(np.float32)
  return ItemInputs(pooled, np.array(items, np.int32), {})


def test_it_is_the_sum_of_the_ids_part_and_the_texts():
  given = inputs([0, 3, -1])
  both = made().item_columns(given).read
  term = made()
  units = given.pooled / np.linalg.norm(given.pooled, axis=1, keepdims=True)
  texts = units @ term.project.kernel[...]
  np.testing.assert_allclose(
    both[:2] - texts[:2], term.ids[...][np.array([0, 3])], rtol=1e-4
  )
  np.testing.assert_allclose(both[2], texts[2], rtol=1e-4)  # Not in training.


def test_a_part_can_be_left_out():
  given = inputs([1, 2])
  of_ids = made(texts=False)
  np.testing.assert_array_equal(
    of_ids.item_columns(given).read, of_ids.ids[...][np.array([1, 2])]
  )
  assert not hasattr(made(ids=False), 'ids')
  with pytest.raises(UserError, match='one of them is needed'):
    ItemConfig(ids=False, texts=False)


def test_dropout_hides_ids_and_never_texts():
  term = made(dropout=0.5)
  given = inputs([0, 1, 2, 3, 4, 5, 6])
  texts = term.item_columns(given._replace(items=np.full(7, -1))).read
  changed = term.item_columns(given, key=jax.random.key(1)).read - texts
  hidden = np.abs(changed).max(1) < 1e-6
  assert 0 < hidden.sum() < 7


def test_a_model_of_it_alone_scores_by_the_product():
  model = make_recommender(
    width=TEXT,
    head=MeanConfig(),
    terms={'item': ItemConfig(width=WIDTH, decay=1.0)},
    num_items=NUM_ITEMS,
    text=False,
  )
  given = inputs(list(range(NUM_ITEMS)))
  table = model.project_items(given.pooled, given.items)
  assert table.shape == (NUM_ITEMS, WIDTH)
  users = model.user_vectors(table[None, :3], np.ones((1, 3), bool))
  np.testing.assert_allclose(users[0], table[:3].mean(0), rtol=1e-5)
  logits = model.score(users, table[None])[0]
  np.testing.assert_allclose(
    logits - model.bias[...], table @ table[:3].mean(0), rtol=1e-4, atol=1e-5
  )
