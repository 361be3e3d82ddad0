"""Users at any moment of a history: each as if the history ended there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.models.heads import HEADS, after_all, in_order

B, H, D, CHANNELS = 4, 9, 10, (3, 2)
EVENTS = np.array(
  [
    [0, 0, 1, 2, 2, 2, 3, 4, 5],
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
    [0, 0, 0, 0, 1, 0, 0, 0, 0],
    [0] * H,
  ],
  np.int32,
)
MASK = np.arange(H) < np.array([[9], [9], [5], [0]])


@pytest.fixture(params=sorted(HEADS))
def head(request):
  head = HEADS[request.param](
    width=D,
    hidden_width=4,
    channels=CHANNELS,
    decays=(0.9, 0.5, 0.2),
    rngs=nnx.Rngs(0),
  )
  if hasattr(head, 'correct'):  # It starts at zero: let it speak.
    kernel = head.correct.kernel
    kernel[...] = jax.random.normal(jax.random.key(3), kernel.shape)
  return head


@pytest.fixture(scope='module')
def history():
  return np.random.default_rng(0).normal(size=(B, H, D)).astype(np.float32)


def final(head, history, mask, events):
  at = after_all(jnp.asarray(mask), jnp.asarray(events))
  return np.asarray(head(history, mask, events, at))[:, 0]


def test_a_user_before_an_event_is_one_whose_history_ends_there(head, history):
  every = np.asarray(head(history, MASK, EVENTS, EVENTS))
  for t in range(H):
    earlier = MASK & (EVENTS[:, t : t + 1] > EVENTS)
    want = final(head, history, earlier, EVENTS)
    # Of the last event before, at age 0, whatever was cut off.
    np.testing.assert_allclose(every[:, t], want, atol=1e-5)


def test_what_is_later_or_of_the_same_event_changes_nothing(head, history):
  moments = head(history, MASK, EVENTS, EVENTS)
  for t in (3, 6):
    later = EVENTS[:, t : t + 1] <= EVENTS
    other = np.where(later[..., None], 7.0, history)
    got = head(other, MASK, EVENTS, EVENTS)
    np.testing.assert_array_equal(got[:, t], moments[:, t])
  assert np.abs(got[:, -1] - moments[:, -1]).max() > 1e-3


def test_without_rates_the_mean_is_the_mean(history):
  head = HEADS['mean'](width=D, hidden_width=1, rngs=nnx.Rngs(0))
  got = final(head, history, MASK, in_order(jnp.asarray(MASK)))
  for b in range(3):
    np.testing.assert_allclose(got[b], history[b][MASK[b]].mean(0), atol=1e-6)
  np.testing.assert_array_equal(got[3], head.empty[...])


def test_every_channel_fades_at_a_rate_of_its_own(history):
  decays = (0.9, 0.5, 0.2)
  head = HEADS['mean'](
    width=D,
    hidden_width=1,
    channels=CHANNELS,
    decays=decays,
    rngs=nnx.Rngs(0),
  )
  got = final(head, history, MASK, EVENTS)
  ages = EVENTS[0].max() - EVENTS[0]
  parts = np.split(history[0], [5, 8], axis=1)
  for part, found, decay in zip(
    parts, np.split(got[0], [5, 8]), decays, strict=True
  ):
    weights = decay**ages
    want = (weights[:, None] * part).sum(0) / max(weights.sum(), 1)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-6)


def test_gradients_are_finite_where_nothing_is_read(head, history):
  graphdef, params = nnx.split(head, nnx.Param)

  def loss(params):
    head = nnx.merge(graphdef, params)
    return jnp.sum(jnp.sin(head(history, MASK, EVENTS, EVENTS)))

  for gradient in jax.tree.leaves(jax.jit(jax.grad(loss))(params)):
    assert np.isfinite(gradient).all()
