"""Users at any moment of a history: each as if the history ended there.

Of every head in HEADS.
"""

import functools

import jax
import numpy as np
import pytest
from flax import nnx

from jaxrec.batch import Context
from jaxrec.bundle.functions import shaped
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import after_all
from tests.models.heads.histories import (
  CONTEXT,
  DAYS,
  EVENTS,
  FADING,
  HISTORY,
  MASK,
  PACKED_CONTEXT,
  PACKED_HISTORY,
  PACKED_MASK,
  RUNS,
  D,
  H,
  final,
)
from tests.models.making import CompiledHead, let_speak, make_head

READS = dict.fromkeys(('behaviours', 'gaps', 'once'), True)
OPTIONS = {
  'gru': [READS | {'norm': True}],
  'transformer': [
    READS | {'layers': 2},
    {'layers': 2, 'positions': 'rotary', 'norm': True},
  ],
}
CASES = [
  (name, options)
  for name in HEADS
  for options in OPTIONS.get(name, [{}, READS])
]


@pytest.fixture(
  scope='module',
  params=CASES,
  ids=lambda case: f'{case[0]}-{"-".join(case[1])}',
)
def head(request):
  """With or without what is read of how and when items were acted on."""
  name, options = request.param
  widths = {'width': 4} if hasattr(HEADS[name].Config, 'width') else {}
  config = HEADS[name].Config(**widths, **options)
  behaviours = 3 if config.behaviours else 0
  head = make_head(config, *FADING, num_behaviours=behaviours)
  let_speak(head)
  return CompiledHead(head)


def test_a_user_before_an_event_is_one_whose_history_ends_there(head):
  every = head(HISTORY, MASK, CONTEXT, EVENTS)
  assert np.isfinite(every).all()
  for t in range(H):
    earlier = MASK & (EVENTS[:, t : t + 1] > EVENTS)
    want = final(head, HISTORY, earlier)
    # Of the last event before, at age 0, whatever was cut off.
    np.testing.assert_allclose(every[:, t], want, atol=1e-5)


def test_what_is_later_or_of_the_same_event_changes_nothing(head):
  moments = head(HISTORY, MASK, CONTEXT, EVENTS)
  for t in range(H):
    later = EVENTS[:, t : t + 1] <= EVENTS
    other = np.where(later[..., None], 7.0, HISTORY).astype(np.float32)
    others = CONTEXT._replace(
      behaviours=np.where(later, 0, CONTEXT.behaviours),
      days=np.where(later, DAYS + 9, DAYS),
    )
    got = head(other, MASK, others, EVENTS)
    np.testing.assert_array_equal(got[:, t], moments[:, t])
    if t in (3, 6):
      assert np.abs(got[:, -1] - moments[:, -1]).max() > 1e-3


def test_what_is_not_read_changes_nothing(head):
  read = MASK & (np.arange(H) % 3 != 1)
  other = np.where(read[..., None], HISTORY, -5.0).astype(np.float32)
  np.testing.assert_array_equal(
    head(other, read, CONTEXT, EVENTS), head(HISTORY, read, CONTEXT, EVENTS)
  )


# ---------------------------------------------------- several users in a row
def packed(head, history):
  at = PACKED_CONTEXT.events
  return head(history, PACKED_MASK, PACKED_CONTEXT, at)


def test_a_run_in_a_row_with_others_is_read_as_if_alone(head):
  users = packed(head, PACKED_HISTORY)
  assert np.isfinite(users).all()
  for row, begin, user, count in RUNS:
    alone = MASK & (np.arange(H) < count)
    want = head(HISTORY, alone, CONTEXT, EVENTS)[user, :count]
    got = users[row, begin : begin + count]
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_nothing_of_another_user_or_of_later_is_in_a_packed_row(head):
  users = packed(head, PACKED_HISTORY)
  segments, events = PACKED_CONTEXT.segments, PACKED_CONTEXT.events
  for row, begin, _, count in RUNS:
    for t in range(begin, begin + count):
      own = segments[row] == segments[row, t]
      changed = ~own | (events[row] >= events[row, t])
      other = PACKED_HISTORY.copy()
      other[row] = np.where(changed[:, None], 7.0, other[row])
      np.testing.assert_array_equal(packed(head, other)[row, t], users[row, t])


# -------------------------------------------------------------- derivatives
def test_gradients_are_finite_where_nothing_is_read(head):
  """In padding, in a row without items, and before a user's first event."""
  rows = PACKED_HISTORY, PACKED_MASK, PACKED_CONTEXT
  of_params, of_history = head.gradients(head.params, *rows, rows[2].events)
  for gradient in jax.tree.leaves(of_params):
    assert np.isfinite(gradient).all()
  of_history = np.asarray(of_history)
  assert np.isfinite(of_history).all()
  assert not of_history[~PACKED_MASK].any() and of_history.any()


# ------------------------------------------------------------------- exports
def test_it_is_traced_for_histories_of_any_number_and_length(head):
  """As a bundle's function: `commands.bundle_functions`."""
  dims = functools.partial(shaped, jax.export.SymbolicScope())
  history = ('b', 'h')
  whole = [dims(history, x.dtype) for x in CONTEXT[:5]]
  context = Context(*whole, dims(('b',), 'int32'))

  def users(params, history, mask, context):
    at = after_all(mask, context.events)
    return nnx.merge(head.graphdef, params)(history, mask, context, at)

  exported = jax.export.export(jax.jit(users))(
    jax.tree.map(lambda x: dims(x.shape, x.dtype), head.params),
    dims((*history, D)),
    dims(history, 'bool'),
    context,
  )
  assert str(exported.out_avals[0].shape) == f'(b, 1, {D})'
