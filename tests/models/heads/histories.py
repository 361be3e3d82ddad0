"""Histories of a few users, in which events repeat, end early or are none."""

import jax.numpy as jnp
import numpy as np

from jaxrec.batch import NEVER, Context
from jaxrec.models.heads.head import after_all
from jaxrec.models.terms.term import Channel

B, H, D = 4, 9, 10
WHOLE = Channel(D)
DECAYS = (0.9, 0.5, 0.2)
FADING = tuple(map(Channel, (5, 3, 2), DECAYS))
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
HISTORY = np.random.default_rng(0).normal(size=(B, H, D)).astype(np.float32)


def final(head, history, mask, context=CONTEXT):
  """User vectors [B, D] after the whole history."""
  at = after_all(jnp.asarray(mask), jnp.asarray(context.events))
  return np.asarray(head(history, mask, context, at))[:, 0]


# Several users' histories, cut short, in one row: (row, where it begins, whose,
# how many of its items). A third row is empty.
RUNS = [(0, 0, 0, 4), (0, 4, 2, 3), (0, 7, 1, 2), (1, 0, 2, 5), (1, 5, 0, 3)]


def packed(column):
  """What is known of items, [B, H, ...], as it lies in those rows; else 0."""
  rows = np.zeros((3, *column.shape[1:]), column.dtype)
  for row, begin, user, count in RUNS:
    rows[row, begin : begin + count] = column[user, :count]
  return rows


PACKED_HISTORY, PACKED_MASK = packed(HISTORY), packed(MASK)
SEGMENTS = [[0, 0, 0, 0, 1, 1, 1, 2, 2], [0] * 5 + [1] * 3 + [0], [0] * H]
PACKED_CONTEXT = Context(
  *map(packed, CONTEXT[:5]),
  np.zeros(3, np.int32),
  np.array(SEGMENTS, np.int32),
)
