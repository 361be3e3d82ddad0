"""The transformer: what it knows of order, and what it does not."""

import jax
import numpy as np
import pytest

from jaxrec.errors import UserError
from jaxrec.models.heads.transformer import (
  BUCKETS,
  FARTHEST,
  POSITIONS,
  TransformerConfig,
)
from jaxrec.models.terms.term import Channel
from tests.models.heads.histories import CONTEXT, HISTORY, MASK, D, final
from tests.models.making import CompiledHead, let_speak, make_head


def make(positions):
  head = make_head(TransformerConfig(width=4, positions=positions), Channel(D))
  let_speak(head)
  if positions == 'learned':
    numbers = head.block_0.by_distance
    numbers[...] = jax.random.normal(jax.random.key(0), numbers.shape)
  return CompiledHead(head)


def swapped(a, b):
  """Histories whose items in two places have changed places."""
  other = HISTORY.copy()
  other[:, [a, b]] = HISTORY[:, [b, a]]
  return other


@pytest.mark.parametrize('positions', POSITIONS)
def test_order_counts_among_events_and_not_within_one(positions):
  head = make(positions)
  users, within, among = (
    final(head, history, MASK)
    for history in (HISTORY, swapped(3, 5), swapped(1, 2))
  )
  # Of the first user, items 3 to 5 are one event, 1 and 2 are not.
  np.testing.assert_allclose(within[0], users[0], atol=1e-5)
  assert np.abs(among[:2] - users[:2]).max(1).min() > 1e-4


@pytest.mark.parametrize('positions', POSITIONS)
def test_what_counts_is_how_long_ago_and_not_when(positions):
  head = make(positions)
  later = CONTEXT._replace(events=CONTEXT.events + 70)
  np.testing.assert_allclose(
    final(head, HISTORY, MASK, later), final(head, HISTORY, MASK), atol=1e-5
  )


def test_far_distances_share_numbers():
  assert BUCKETS[:17].tolist() == list(range(17))
  assert (np.diff(BUCKETS) >= 0).all() and (np.diff(BUCKETS) <= 1).all()
  doubled = BUCKETS[[16, 32, 64, 2048, FARTHEST]]
  assert doubled.tolist() == [16, 20, 24, 44, 48]


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'width': 6, 'attention_heads': 4}, 'multiple of 4'),
    ({'width': 6, 'positions': 'rotary'}, r'even width.*multiple of 4'),
    ({'layers': 0}, 'layers=0: must be 1 or more'),
    ({'positions': 'rotery'}, "did you mean 'rotary'"),
  ],
)
def test_settings_that_cannot_be(options, message):
  with pytest.raises(UserError, match=message):
    TransformerConfig(**options)
