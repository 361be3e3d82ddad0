"""The mean of a history: what counts in it, and how much."""

import jax.numpy as jnp
import numpy as np

from jaxrec.models.heads.head import in_order
from jaxrec.models.heads.mean import MeanConfig
from tests.models.heads.histories import (
  AGAIN,
  CONTEXT,
  DAYS,
  DECAYS,
  EVENTS,
  FADING,
  HISTORY,
  MASK,
  WHOLE,
  B,
  final,
)
from tests.models.making import let_speak, make_head


def test_without_rates_the_mean_is_the_mean():
  head = make_head(MeanConfig(), WHOLE)
  got = final(head, HISTORY, MASK, in_order(jnp.asarray(MASK)))
  for b in range(3):
    np.testing.assert_allclose(got[b], HISTORY[b][MASK[b]].mean(0), atol=1e-6)
  np.testing.assert_array_equal(got[3], head.empty[...])


def test_every_channel_fades_at_a_rate_of_its_own():
  head = make_head(MeanConfig(), *FADING)
  got = final(head, HISTORY, MASK)
  ages = EVENTS[0].max() - EVENTS[0]
  parts = np.split(HISTORY[0], [5, 8], axis=1)
  for part, part_got, decay in zip(
    parts, np.split(got[0], [5, 8]), DECAYS, strict=True
  ):
    weights = decay**ages
    want = (weights[:, None] * part).sum(0) / max(weights.sum(), 1)
    np.testing.assert_allclose(part_got, want, rtol=1e-4, atol=1e-6)


def test_an_item_weighs_by_how_and_how_long_ago_it_was_acted_on():
  config = MeanConfig(behaviours=True, gaps=True)
  head = make_head(config, WHOLE, num_behaviours=3)
  let_speak(head)
  got = final(head, HISTORY, MASK)
  for b in range(3):
    days = DAYS[b][MASK[b]]
    # Doubling from an hour: 0 to 1 hours are the first.
    ages = np.floor(np.log2(1 + 24 * (days[-1] - days))).astype(int)
    logs = np.asarray(head.by_age[...])[ages, 0]
    logs += np.asarray(head.by_behaviour[...])[
      CONTEXT.behaviours[b][MASK[b]], 0
    ]
    weights = np.exp(logs)
    want = (weights[:, None] * HISTORY[b][MASK[b]]).sum(0)
    want /= max(weights.sum(), 1)
    np.testing.assert_allclose(got[b], want, rtol=1e-4, atol=1e-5)


def test_what_comes_again_counts_once_by_its_last_time():
  head, plain = (
    make_head(MeanConfig(once=once), WHOLE) for once in (True, False)
  )
  for at in range(2, 7):
    moment = np.full((B, 1), at, np.int32)
    read = MASK & (at > EVENTS)
    # Come again, but not before the moment: it counts where it is.
    last = read & ~(at > AGAIN)
    got = head(HISTORY, MASK, CONTEXT, moment)[:, 0]
    want = plain(HISTORY, last, CONTEXT, moment)[:, 0]
    some = last.any(-1)
    np.testing.assert_allclose(got[some], want[some], atol=1e-6)
    assert (last != read).any()
