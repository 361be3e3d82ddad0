"""Appeal: of a text alone, whoever asks."""

import numpy as np
import pytest
from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.facts import Facts
from jaxrec.models.terms.appeal import Appeal, AppealConfig
from jaxrec.models.terms.term import ItemInputs
from tests.models.making import make_recommender

M, D = 4, 5
POOLED = np.random.default_rng(0).normal(size=(M, D)).astype(np.float32)


def test_it_starts_at_zero_and_is_linear_in_the_text():
  term = Appeal(AppealConfig(), Facts(D), rngs=nnx.Rngs(0))
  inputs = ItemInputs(POOLED, np.arange(M), {})
  assert not np.asarray(term.item_columns(inputs).bias).any()
  term.linear.kernel[...] = np.arange(D, dtype=np.float32)[:, None]
  columns = term.item_columns(inputs)
  assert columns.read is None and columns.scored is None
  want = POOLED @ np.arange(D)[:, None]
  np.testing.assert_allclose(columns.bias, want, rtol=1e-4, atol=1e-5)


def test_everybodys_logits_gain_alike():
  model = make_recommender(width=D, terms={'appeal': AppealConfig()})
  plain = make_recommender(width=D)
  model.terms['appeal'].linear.kernel[...] = np.ones((D, 1))
  logits = []
  for each in (model, plain):
    table = each.project_items(POOLED, np.arange(M))
    history = np.array([[0, 1], [2, 3]])
    users = each.user_vectors(table[history], np.ones((2, 2), bool))
    logits.append(np.asarray(users @ table.T))
  gained = logits[0] - logits[1]
  want = np.tile(POOLED.sum(1), (2, 1))
  np.testing.assert_allclose(gained, want, rtol=1e-4, atol=1e-5)


def test_a_learning_rate_is_not_below_zero():
  with pytest.raises(UserError, match='learning_rate=-1'):
    AppealConfig(learning_rate=-1.0)
