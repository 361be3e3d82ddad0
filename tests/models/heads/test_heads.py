"""Users at any moment of a history: each as if the history ended there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.batch import NEVER, Context
from jaxrec.models.heads.heads import (
  AGES,
  HEADS,
  ContextVectors,
  Ways,
  after_all,
  in_order,
)

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
RNG = np.random.default_rng(5)
DAYS = np.cumsum(RNG.exponential(2, EVENTS.shape), -1).astype(np.float32)
DAYS = np.take_along_axis(DAYS, EVENTS, -1)  # Of one event, one time.
AGAIN = np.where(RNG.random(EVENTS.shape) < 0.3, EVENTS + 1, NEVER)
CONTEXT = Context(
  EVENTS,
  RNG.integers(0, 3, EVENTS.shape, np.int32),
  DAYS,
  AGAIN.astype(np.int32),
  np.zeros_like(EVENTS),
  np.zeros(B, np.int32),
)
MASK = np.arange(H) < np.array([[9], [9], [5], [0]])


def spoken(module):
  """`module` with what starts at zero at something else."""
  for i, name in enumerate(('by_behaviour', 'by_age', 'behaviours', 'gaps')):
    if isinstance(getattr(module, name, None), nnx.Param):
      x = getattr(module, name)
      x[...] = jax.random.normal(jax.random.key(i), x.shape)
  return module


@pytest.fixture(params=[(n, w) for n in sorted(HEADS) for w in (0, 3)])
def head(request):
  name, behaviours = request.param
  head = HEADS[name](
    width=D,
    hidden_width=4,
    channels=CHANNELS,
    decays=(0.9, 0.5, 0.2),
    ways=Ways(behaviours, days=behaviours > 0, once=behaviours > 0),
    rngs=nnx.Rngs(0),
  )
  spoken(getattr(head, 'mean', head))
  if hasattr(head, 'correct'):  # It starts at zero: let it speak.
    kernel = head.correct.kernel
    kernel[...] = jax.random.normal(jax.random.key(3), kernel.shape)
  return head


@pytest.fixture(scope='module')
def history():
  return np.random.default_rng(0).normal(size=(B, H, D)).astype(np.float32)


def final(head, history, mask, context=CONTEXT):
  at = after_all(jnp.asarray(mask), jnp.asarray(context.events))
  return np.asarray(head(history, mask, context, at))[:, 0]


def test_a_user_before_an_event_is_one_whose_history_ends_there(head, history):
  every = np.asarray(head(history, MASK, CONTEXT, EVENTS))
  for t in range(H):
    earlier = MASK & (EVENTS[:, t : t + 1] > EVENTS)
    want = final(head, history, earlier)
    # Of the last event before, at age 0, whatever was cut off.
    np.testing.assert_allclose(every[:, t], want, atol=1e-5)


def test_what_is_later_or_of_the_same_event_changes_nothing(head, history):
  moments = head(history, MASK, CONTEXT, EVENTS)
  for t in (3, 6):
    later = EVENTS[:, t : t + 1] <= EVENTS
    other = np.where(later[..., None], 7.0, history)
    others = CONTEXT._replace(
      behaviours=np.where(later, 0, CONTEXT.behaviours),
      days=np.where(later, DAYS + 9, DAYS),
    )
    got = head(other, MASK, others, EVENTS)
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
  got = final(head, history, MASK)
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
    return jnp.sum(jnp.sin(head(history, MASK, CONTEXT, EVENTS)))

  for gradient in jax.tree.leaves(jax.jit(jax.grad(loss))(params)):
    assert np.isfinite(gradient).all()


def test_an_item_weighs_by_how_and_how_long_ago_it_was_acted_on(history):
  head = spoken(
    HEADS['mean'](
      width=D, hidden_width=1, ways=Ways(3, days=True), rngs=nnx.Rngs(0)
    )
  )
  got = final(head, history, MASK)
  for b in range(3):
    days = DAYS[b][MASK[b]]
    # Doubling from an hour: 0 to 1 hours are the first.
    ages = np.floor(np.log2(1 + 24 * (days[-1] - days))).astype(int)
    logs = np.asarray(head.by_age[...])[ages, 0]
    logs += np.asarray(head.by_behaviour[...])[
      CONTEXT.behaviours[b][MASK[b]], 0
    ]
    weights = np.exp(logs)
    want = (weights[:, None] * history[b][MASK[b]]).sum(0)
    want /= max(weights.sum(), 1)
    np.testing.assert_allclose(got[b], want, rtol=1e-4, atol=1e-5)


def test_what_is_added_tells_behaviours_and_gaps():
  vectors = spoken(ContextVectors(width=D, ways=Ways(3, days=True)))
  got = np.asarray(vectors(MASK, CONTEXT))
  for b in range(3):
    for h in np.flatnonzero(MASK[b]):
      before = DAYS[b][MASK[b] & (EVENTS[b] < EVENTS[b, h])]
      gap = DAYS[b, h] - before.max(initial=0)
      want = vectors.behaviours[CONTEXT.behaviours[b, h]]
      want += vectors.gaps[min(int(np.log2(1 + 24 * gap)), AGES - 1)]
      np.testing.assert_allclose(got[b, h], want, rtol=1e-5, atol=1e-6)


def test_what_comes_again_counts_once_by_its_last_time(history):
  head, plain = (
    HEADS['mean'](
      width=D, hidden_width=1, ways=Ways(once=once), rngs=nnx.Rngs(0)
    )
    for once in (True, False)
  )
  for at in range(2, 7):
    moment = np.full((B, 1), at, np.int32)
    read = MASK & (at > EVENTS)
    # Come again, but not before the moment: it counts where it is.
    last = read & ~(at > AGAIN)
    got = head(history, MASK, CONTEXT, moment)[:, 0]
    want = plain(history, last, CONTEXT, moment)[:, 0]
    some = last.any(-1)
    np.testing.assert_allclose(got[some], want[some], atol=1e-6)
    assert (last != read).any()
