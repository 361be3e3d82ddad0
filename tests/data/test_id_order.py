"""Sets whose order is that of their ids are known, others are left alone."""

import numpy as np
import pytest

from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.id_order import steps_up, warning

USERS, EACH = 300, 8


def made(sort_by, *, days=False):
  """Items drawn at random; each user's, or each day's, sorted by `sort_by`."""
  rng = np.random.default_rng(0)
  items = rng.integers(0, 500, (USERS, EACH))
  if sort_by is not None:
    half = EACH // 2 if days else EACH
    for user in range(USERS):
      for begin in range(0, EACH, half):
        part = items[user, begin : begin + half]
        part[:] = sorted(part, key=sort_by)
  times = np.tile(np.arange(EACH), USERS)
  return Sequences(
    np.arange(USERS).astype(str),
    np.arange(USERS + 1) * EACH,
    items.ravel().astype(np.int32),
    times.astype(np.int64),
  )


IDS = [f'B{(i * 7919) % 1000:04}' for i in range(500)]


def test_drawn_items_are_in_no_order():
  steps, up = steps_up(made(None), IDS)
  assert steps > USERS * (EACH - 1) * 0.98
  assert warning(steps, up) == ''


@pytest.mark.parametrize('days', [False, True])
def test_items_sorted_by_their_ids_are_told(days):
  line = warning(*steps_up(made(lambda i: IDS[i], days=days), IDS))
  assert 'go to a higher item_id' in line
  # The order of the catalog, another one, is not that of the ids.
  assert not warning(*steps_up(made(lambda i: i), IDS))


def test_whole_numbers_are_compared_as_such():
  numbers = [str(i) for i in range(500)]  # '10' sorts before '9'.
  steps, up = steps_up(made(lambda i: i), numbers)
  assert up == steps


def test_few_steps_allow_no_judgement():
  assert warning(999, 999) == ''
  assert warning(1000, 1000) != '' and warning(1000, 0) != ''
