"""Users are ranked by the block: how blocks are cut, padded and computed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from jaxrec.data.batches.packing import fit, fit_growing
from jaxrec.retrieval.neighbours import Added

# A list of items per user: their indices end to end, int32, and offsets,
# int64 [U + 1], between which each user's lie.
ItemLists = tuple[np.ndarray, np.ndarray]

# Which users, by begin and end -> what is added to their scores.
AddedOf = Callable[[int, int], Added]

BLOCK_BYTES = 1 << 28  # Of one block's scores on one device.
MIN_PAIRS = 1024  # Lists of a block are padded from here on.


def user_item_pairs(
  lists: ItemLists, begin: int, end: int, size: int, growth: int = 2
) -> tuple[np.ndarray, np.ndarray]:
  """The lists of a block of users as pairs, see `top_k.without`.

  Args:
    lists: of all users.
    begin, end: which users are in the block.
    size: of the block; a padding pair is of this user, who is not in it.
    growth: from one number of pairs to the next, of MIN_PAIRS and more.

  Returns:
    int32 [P], users of the block; int32 [P], items. P is 0 of empty lists.
  """
  flat, offsets = lists
  offsets = offsets[begin : end + 1]
  count = int(offsets[-1] - offsets[0])
  room = fit_growing(count, MIN_PAIRS, growth) if count else 0
  users, items = np.full(room, size, np.int32), np.zeros(room, np.int32)
  users[:count] = np.repeat(np.arange(end - begin), np.diff(offsets))
  items[:count] = flat[offsets[0] : offsets[-1]]
  return users, items


def padded_pairs(
  added: Added | None, size: int, growth: int = 2
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
  """What is added to a block's scores, as the programs take it.

  Args:
    added: of its users; None for nothing.
    size: of the block; a padding pair is of this user, who is not in it.
    growth: from one number of pairs to the next, of MIN_PAIRS and more.

  Returns:
    (int32 [P], users of the block; int32 [P], items), and float32 [P]. P is 0
    of nothing.
  """
  count = 0 if added is None else len(added.values)
  room = fit_growing(count, MIN_PAIRS, growth) if count else 0
  users, items = np.full(room, size, np.int32), np.zeros(room, np.int32)
  values = np.zeros(room, np.float32)
  if added is not None:
    users[:count], items[:count] = added.owners, added.items
    values[:count] = added.values
  return (users, items), values


def computed_blocks(
  users: np.ndarray,
  block_users: int,
  sizes: Sequence[int],
  start: Callable[[np.ndarray, int, int], Any],
) -> Iterator[tuple[slice, Any]]:
  """Computes block after block; the next one runs while one is fetched.

  Args:
    users: float32 [U, D].
    block_users: users of a block at most.
    sizes: a block is padded with zeros to the first of these that holds it.
    start: (block [B, D], begin, end) -> arrays on the device.

  Yields:
    Which users, and their arrays on the host, of all B rows.
  """
  running = None
  for begin in range(0, len(users), block_users):
    end = min(begin + block_users, len(users))
    block = np.zeros((fit(end - begin, sizes), users.shape[1]), np.float32)
    block[: end - begin] = users[begin:end]
    started = slice(begin, end), start(block, begin, end)
    if running is not None:
      yield running[0], jax.device_get(running[1])
    running = started
  if running is not None:
    yield running[0], jax.device_get(running[1])
