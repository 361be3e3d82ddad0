import collections

import numpy as np
import pytest

from jaxrec.data.splits.filters import filtered
from jaxrec.errors import UserError
from tests.data.columns.test_sequences import random_sequences


@pytest.mark.parametrize(('k', 'least'), [(5, 0), (0, 7), (4, 9), (6, 2)])
def test_filters_leave_the_largest_core(k, least):
  sequences = random_sequences(7)
  users, items = sequences.users, sequences.items
  left_over, counts = filtered(sequences, k_core=k, min_history=least)
  assert np.diff(left_over.offsets).min() >= max(k, least)
  assert np.unique(left_over.items, return_counts=True)[1].min() >= k
  # By another way: whoever is first to go goes, until nobody is.
  kept = list(range(len(items)))
  while True:
    for column, need in ((users, max(k, least)), (items, k)):
      counted = collections.Counter(column[kept].tolist())
      few = [name for name, count in counted.items() if count < need]
      if few:
        kept = [i for i in kept if column[i] != few[0]]
        break
    else:
      break
  np.testing.assert_array_equal(left_over.items, items[kept])
  np.testing.assert_array_equal(left_over.times, sequences.times[kept])
  left = np.unique(users[kept])
  assert left_over.user_ids.tolist() == [f'u{i}' for i in left]
  np.testing.assert_array_equal(
    left_over.users, np.searchsorted(left, users[kept])
  )
  assert counts == {
    'users dropped': len(sequences) - len(left),
    'items dropped': len(set(items)) - len(set(items[kept])),
    'interactions dropped': len(items) - len(kept),
  }


def test_filters_that_are_off_or_cannot_be():
  sequences = random_sequences(7)
  assert filtered(sequences, k_core=0, min_history=0) == (sequences, {})
  with pytest.raises(UserError, match='leave nobody'):
    filtered(sequences, k_core=99, min_history=0)
  with pytest.raises(UserError, match=r'data\.min_history=-1'):
    filtered(sequences, k_core=0, min_history=-1)
