"""Fields: what items have in common adds to the logits by its share."""

import numpy as np
import pytest
from flax import nnx

from jaxrec.data.items.fields import Field
from jaxrec.models.facts import Facts
from jaxrec.models.heads.lstm import LstmConfig
from jaxrec.models.heads.mean import MeanConfig
from jaxrec.models.terms.fields import Fields, FieldsConfig
from jaxrec.models.terms.ids import IdsConfig
from jaxrec.models.terms.term import ItemInputs
from tests.models.making import make_recommender

FIELDS = Field('category', names=('a', 'b', 'c')), Field('price', edges=(1.0,))
D = 5
VALUES = np.full((5, 2, 4), -1, np.int32)
VALUES[0, 0, :2] = 0, 1
VALUES[1, 0, 0] = 1
VALUES[2, :, 0] = 2, 3
VALUES[3, 1, 0] = 4  # The last item has no value at all.


@pytest.mark.parametrize('gain', [0.5, 2.0])
def test_a_product_is_the_gain_times_the_shares_in_common(gain):
  fields = Fields(
    FieldsConfig(width=6, gain=gain),
    Facts(D, prepared={'fields': FIELDS}),
    rngs=nnx.Rngs(0),
  )
  fields.likes[...] = np.arange(5.0)
  inputs = ItemInputs(np.zeros((5, D)), np.arange(5), {'fields': VALUES})
  columns = fields.item_columns(inputs)
  vectors, likes = columns.read, columns.bias
  shares = np.zeros((5, 5))
  for item, field, v in zip(*np.nonzero(VALUES >= 0), strict=True):
    count = (VALUES[item, field] >= 0).sum()
    shares[item, VALUES[item, field, v]] += 1 / count
  # Orthonormal to start with: there is room for all.
  np.testing.assert_allclose(
    vectors @ vectors.T, gain * shares @ shares.T, atol=1e-5
  )
  np.testing.assert_allclose(likes[:, 0], shares @ np.arange(5.0), rtol=1e-6)


@pytest.mark.parametrize('channels', ['', 'together,follows'])
@pytest.mark.parametrize('head', [MeanConfig(), LstmConfig(width=4)], ids=repr)
def test_a_logit_gains_the_share_of_the_history(head, channels):
  terms = {}
  if channels:
    terms['ids'] = IdsConfig(width=3, channels=channels, dropout=0.0)
  options = {'width': D, 'head': head, 'num_items': 5, 'seed': 1}
  without = make_recommender(terms=terms, **options)
  terms['fields'] = FieldsConfig(width=8, gain=1.5)
  with_fields = make_recommender(
    terms=terms, prepared={'fields': FIELDS}, **options
  )
  for name in ('read', 'scored') if channels else ():
    x = getattr(with_fields.terms['ids'], name)
    getattr(without.terms['ids'], name)[...] = x[...]
  pooled = np.random.default_rng(0).normal(size=(5, D)).astype(np.float32)
  items = np.arange(5, dtype=np.int32)
  history, mask = np.array([[1, 2, 3, 0]]), np.array([[True] * 3 + [False]])

  def logits(model):
    table = model.project_items(pooled, items, {'fields': VALUES})
    users = model.user_vectors(table[history], mask)
    return model.score(users, table[None])[0]

  gained = np.asarray(logits(with_fields) - logits(without))
  # Items 1, 2 and 3 were read: values 1; 2 and 3; 4.
  want = 1.5 / 3 * np.array([0.5, 1, 2, 1, 0])
  np.testing.assert_allclose(gained, want, atol=1e-5)
