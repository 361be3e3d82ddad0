"""Worlds in which how, or how long ago, is all there is to know."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxrec.models.heads.heads import in_order
from jaxrec.models.recommender import Recommender
from jaxrec.training.losses import sigmoid_cross_entropy

B, H, D = 256, 6, 8


def world(kind, seed):
  """Histories of items of two topics, and an item of each to choose from.

  Right is the topic that was acted on in way 1, or within the last day; as many
  items were of the other, in way 0 or a week before.
  """
  rng = np.random.default_rng(seed)
  topics = np.eye(2, D) * 3
  wanted = rng.integers(0, 2, B)
  matters = rng.permuted(np.tile([0, 1], (B, H // 2)), axis=1)
  if kind == 'gaps':
    matters = np.sort(matters, axis=1)
  topic = np.where(matters == 1, wanted[:, None], 1 - wanted[:, None])
  history = topics[topic] + rng.normal(size=(B, H, D)) * 0.3
  candidates = np.tile(topics[None], (B, 1, 1)) + rng.normal(size=(B, 2, D))
  mask = np.ones((B, H), bool)
  context = in_order(jnp.asarray(mask))
  if kind == 'behaviours':
    context = context._replace(behaviours=matters.astype(np.int32))
  else:
    days = np.cumsum(rng.random((B, H)) * 0.1, 1) + 7 * matters
    context = context._replace(days=days.astype(np.float32))
  labels = np.arange(2)[None] == wanted[:, None]
  arrays = history, candidates, labels
  return *(x.astype(np.float32) for x in arrays), mask, context


def accuracy(kind, options):
  """On a world not trained on."""
  model = Recommender(
    encoder=None, width=D, head='mean', **options, rngs=nnx.Rngs(0)
  )
  graphdef, params = nnx.split(model, nnx.Param)
  tx = optax.adam(0.1)

  def logits(params, history, candidates, mask, context):
    model = nnx.merge(graphdef, params)
    users = model.user_vectors(model.project_items(history), mask, context)
    return model.score(users, model.project_items(candidates))

  @jax.jit
  def fit(params):
    history, candidates, labels, mask, context = world(kind, 0)

    def loss(params):
      found = logits(params, history, candidates, mask, context)
      total, count = sigmoid_cross_entropy(
        found, labels, jnp.ones(found.shape, bool)
      )
      return total / count

    def step(carry, _):
      params, state = carry
      updates, state = tx.update(jax.grad(loss)(params), state)
      return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, tx.init(params)), length=60)[0][0]

  history, candidates, labels, mask, context = world(kind, 1)
  found = logits(fit(params), history, candidates, mask, context)
  return (np.argmax(found, 1) == np.argmax(labels, 1)).mean()


@pytest.mark.parametrize(
  ('kind', 'options'),
  [('behaviours', {'behaviours': 2}), ('gaps', {'gaps': True})],
)
def test_it_is_learned_where_it_is_read(kind, options):
  assert accuracy(kind, options) > 0.9
  assert accuracy(kind, {}) < 0.65  # A coin, but for what is not balanced.
