"""Users at any moment of a history: each as if the history ended there.

Of every head in HEADS.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.models.heads import HEADS
from tests.models.heads.histories import (
  CONTEXT,
  DAYS,
  EVENTS,
  FADING,
  HISTORY,
  MASK,
  H,
  final,
)
from tests.models.making import let_speak, make_head


@pytest.fixture(params=[(n, w) for n in sorted(HEADS) for w in (0, 3)])
def head(request):
  """With or without what is read of how and when items were acted on."""
  name, behaviours = request.param
  reads = dict.fromkeys(('behaviours', 'gaps', 'once'), behaviours > 0)
  widths = {'width': 4} if name == 'lstm' else {}
  config = HEADS[name].Config(**widths, **reads)
  head = make_head(config, *FADING, num_behaviours=behaviours)
  let_speak(head)
  return head


def test_a_user_before_an_event_is_one_whose_history_ends_there(head):
  every = np.asarray(head(HISTORY, MASK, CONTEXT, EVENTS))
  for t in range(H):
    earlier = MASK & (EVENTS[:, t : t + 1] > EVENTS)
    want = final(head, HISTORY, earlier)
    # Of the last event before, at age 0, whatever was cut off.
    np.testing.assert_allclose(every[:, t], want, atol=1e-5)


def test_what_is_later_or_of_the_same_event_changes_nothing(head):
  moments = head(HISTORY, MASK, CONTEXT, EVENTS)
  for t in (3, 6):
    later = EVENTS[:, t : t + 1] <= EVENTS
    other = np.where(later[..., None], 7.0, HISTORY)
    others = CONTEXT._replace(
      behaviours=np.where(later, 0, CONTEXT.behaviours),
      days=np.where(later, DAYS + 9, DAYS),
    )
    got = head(other, MASK, others, EVENTS)
    np.testing.assert_array_equal(got[:, t], moments[:, t])
  assert np.abs(got[:, -1] - moments[:, -1]).max() > 1e-3


def test_gradients_are_finite_where_nothing_is_read(head):
  graphdef, params = nnx.split(head, nnx.Param)

  def loss(params):
    head = nnx.merge(graphdef, params)
    return jnp.sum(jnp.sin(head(HISTORY, MASK, CONTEXT, EVENTS)))

  for gradient in jax.tree.leaves(jax.jit(jax.grad(loss))(params)):
    assert np.isfinite(gradient).all()
