"""How blocks of users are cut, padded and computed."""

import numpy as np
import pytest

from jaxrec.retrieval import blocks


def test_lists_of_a_block_as_pairs():
  lists = np.array([3, 1, 4, 1, 5], np.int32), np.array([0, 2, 2, 5])
  users, items = blocks.user_item_pairs(lists, 1, 3, 8)
  assert len(users) == len(items) == blocks.MIN_PAIRS
  assert users[:4].tolist() == [1, 1, 1, 8] and items[:3].tolist() == [4, 1, 5]
  assert set(users[3:].tolist()) == {8}  # A user who is not in the block.
  users, items = blocks.user_item_pairs(lists, 1, 2, 8)
  assert not len(users) and not len(items)


@pytest.mark.parametrize(('growth', 'room'), [(2, 2048), (4, 4096)])
def test_few_numbers_of_pairs(growth, room):
  count = blocks.MIN_PAIRS + 1
  lists = np.zeros(count, np.int32), np.array([0, count])
  users, _ = blocks.user_item_pairs(lists, 0, 1, 4, growth)
  assert len(users) == room


def test_every_user_is_in_one_block():
  users = np.arange(14, dtype=np.float32).reshape(7, 2)
  sizes = []

  def start(block, begin, end):
    assert (block[: end - begin] == users[begin:end]).all()
    assert not block[end - begin :].any()
    sizes.append(len(block))
    return block.sum(1), end

  computed = list(blocks.computed_blocks(users, 3, (1, 2, 4), start))
  assert sizes == [4, 4, 1]
  assert [(x.start, x.stop) for x, _ in computed] == [(0, 3), (3, 6), (6, 7)]
  assert computed[2][1][0].tolist() == [25] and computed[2][1][1] == 7
