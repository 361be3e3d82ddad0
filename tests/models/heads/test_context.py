"""How, and after what time, items were acted on: read, and learned from.

The worlds here are such that how, or how long ago, is all there is to know.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxrec.models.heads.context import AGES, ContextVectors
from jaxrec.models.heads.head import in_order
from jaxrec.models.heads.mean import MeanConfig
from jaxrec.training.losses import sigmoid_cross_entropy
from tests.models.heads import histories
from tests.models.making import let_speak, make_recommender

B, H, D = 256, 6, 8


def world(kind, seed):
  """Histories of items of two topics, and an item of each to choose from.

  Right is the topic that was acted on by behaviour 1, or within the last day;
  as many items were of the other, by behaviour 0 or a week before.
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
  head = MeanConfig(**options)
  model = make_recommender(width=D, head=head, num_behaviours=2, seed=0)
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
      scores = logits(params, history, candidates, mask, context)
      total, count = sigmoid_cross_entropy(
        scores, labels, jnp.ones(scores.shape, bool)
      )
      return total / count

    def step(carry, _):
      params, state = carry
      updates, state = tx.update(jax.grad(loss)(params), state)
      return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, tx.init(params)), length=60)[0][0]

  history, candidates, labels, mask, context = world(kind, 1)
  scores = logits(fit(params), history, candidates, mask, context)
  return (np.argmax(scores, 1) == np.argmax(labels, 1)).mean()


@pytest.mark.parametrize(
  ('kind', 'options'),
  [('behaviours', {'behaviours': True}), ('gaps', {'gaps': True})],
)
def test_it_is_learned_where_it_is_read(kind, options):
  assert accuracy(kind, options) > 0.9
  assert accuracy(kind, {}) < 0.65  # A coin, but for what is not balanced.


def test_what_is_added_tells_behaviours_and_gaps():
  config = MeanConfig(behaviours=True, gaps=True)
  vectors = ContextVectors(config, width=histories.D, num_behaviours=3)
  let_speak(vectors)
  mask, context = histories.MASK, histories.CONTEXT
  got = np.asarray(vectors(mask, context))
  for b in range(3):
    for h in np.flatnonzero(mask[b]):
      earlier = mask[b] & (context.events[b] < context.events[b, h])
      before = context.days[b][earlier]
      gap = context.days[b, h] - before.max(initial=0)
      want = vectors.behaviours[context.behaviours[b, h]]
      want += vectors.gaps[min(int(np.log2(1 + 24 * gap)), AGES - 1)]
      np.testing.assert_allclose(got[b, h], want, rtol=1e-5, atol=1e-6)
