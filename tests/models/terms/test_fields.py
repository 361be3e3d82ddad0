"""Fields: what items have in common adds to the logits by its share."""

import numpy as np
import pytest
from flax import nnx

from jaxrec.models.recommender import Recommender
from jaxrec.models.terms.fields import Fields

SIZES, D = (3, 2), 5
VALUES = np.full((5, 2, 4), -1, np.int32)
VALUES[0, 0, :2] = 0, 1
VALUES[1, 0, 0] = 1
VALUES[2, :, 0] = 2, 3
VALUES[3, 1, 0] = 4  # The last item has no value at all.


@pytest.mark.parametrize('gain', [0.5, 2.0])
def test_a_product_is_the_gain_times_the_shares_in_common(gain):
  fields = Fields(sizes=SIZES, width=6, gain=gain, rngs=nnx.Rngs(0))
  fields.likes[...] = np.arange(5.0)
  vectors, likes = fields(VALUES)
  shares = np.zeros((5, 5))
  for item, field, v in zip(*np.nonzero(VALUES >= 0), strict=True):
    count = (VALUES[item, field] >= 0).sum()
    shares[item, VALUES[item, field, v]] += 1 / count
  # Orthonormal to start with: there is room for all.
  np.testing.assert_allclose(
    vectors @ vectors.T, gain * shares @ shares.T, atol=1e-5
  )
  np.testing.assert_allclose(likes[:, 0], shares @ np.arange(5.0), rtol=1e-6)


@pytest.mark.parametrize('ids', [(), (3, 2)])
@pytest.mark.parametrize('head', ['mean', 'lstm'])
def test_a_logit_gains_the_share_of_the_history(head, ids):
  options = {
    'encoder': None,
    'width': D,
    'head': head,
    'hidden_width': 4,
    'ids': ids,
    'num_items': 5,
    'rngs': nnx.Rngs(1),
  }
  with_fields = Recommender(
    fields=SIZES, fields_width=8, fields_gain=1.5, **options
  )
  without = Recommender(**options)
  for name in ('read', 'scored') if ids else ():
    x = getattr(with_fields.ids, name)
    getattr(without.ids, name)[...] = x[...]
  pooled = np.random.default_rng(0).normal(size=(5, D)).astype(np.float32)
  items = np.arange(5, dtype=np.int32)
  history, mask = np.array([[1, 2, 3, 0]]), np.array([[True] * 3 + [False]])

  def logits(model):
    table = model.project_items(pooled, items, VALUES)
    users = model.user_vectors(table[history], mask)
    return model.score(users, table[None])[0]

  gained = np.asarray(logits(with_fields) - logits(without))
  # Items 1, 2 and 3 were read: values 1; 2 and 3; 4.
  want = 1.5 / 3 * np.array([0.5, 1, 2, 1, 0])
  np.testing.assert_allclose(gained, want, atol=1e-5)
