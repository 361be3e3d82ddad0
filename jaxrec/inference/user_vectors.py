"""Histories -> user vectors, and these against the items, on the device."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrec.bundle.functions import Function
from jaxrec.data.batches.context import Ragged
from jaxrec.data.batches.packing import fit, fit_growing, ladder
from jaxrec.inference.index import IndexedItems
from jaxrec.inference.members import AddedToIndex
from jaxrec.inference.requests import RequestedHistory, user_inputs
from jaxrec.retrieval.blocks import (
  BLOCK_BYTES,
  computed_blocks,
  padded_pairs,
  user_item_pairs,
)
from jaxrec.retrieval.choice import RANKS
from jaxrec.retrieval.top_k import (
  dot_products,
  least_of,
  tail_sum,
  top_k,
  without,
)

# Sizes that arrays are padded to: each is a compilation.
USERS = (1, 4, 16, 64, 256)  # Encoded and ranked at once.
GROWTH = 4  # From one size to the next, of what has no largest.
SHORTEST = 16  # Entries of the shortest histories on the device.
NEW_ITEMS = 8  # Entries that are in no index: so many at least.
LISTS = (16, 128, 1024)  # Lengths of lists.
SCORED_USERS, SCORED_ITEMS = USERS[2], LISTS[1]  # One call of the scorer.


class UserVectors:
  """The user encoder and the ranking.

  Args:
    function: vectors [B, H, W], mask and context [B, H] -> users [B, W].
    scorer: users [B, W], items [B, C, W] -> logits [B, C].
    params: those of both, by name; 'bias' is what a user's product with an item
      lacks of the logit.
    history_length: H at most.
  """

  def __init__(
    self,
    function: Function,
    scorer: Function,
    params: Mapping[str, np.ndarray],
    history_length: int,
  ):
    self._inputs = function.inputs
    params = jax.device_put(dict(params))
    self._params = {name: params[name] for name in function.params}
    self._bias = params['bias']
    self._lengths = ladder(SHORTEST, history_length, GROWTH)

    @jax.jit
    def read(params, table, extra, slots, inputs):
      # Not one table of both: that would copy the larger.
      known = slots < len(table)
      vectors = jnp.where(
        known[..., None],
        table[jnp.minimum(slots, len(table) - 1)],
        extra[jnp.maximum(slots - len(table), 0)],
      )
      return function.call(params, inputs | {'vectors': vectors})

    @jax.jit
    def score(users, items):
      each = jnp.broadcast_to(items[None], (len(users), *items.shape))
      used = {name: params[name] for name in scorer.params}
      return scorer.call(used, {'users': users, 'items': each})

    self._read, self._score = read, score

  def block_users(self, index: IndexedItems) -> int:
    """Users that are encoded and ranked at once."""
    rows, width = index.table.shape
    bytes_of_user = 4 * max(rows, self._lengths[-1] * width)
    return max([n for n in USERS if n * bytes_of_user <= BLOCK_BYTES] or [1])

  def encoded(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    new_vectors: np.ndarray,
  ) -> np.ndarray:
    """User vectors, float32 [U, W].

    Args:
      index: the items.
      histories: of U users, computed `block_users` at a time.
      new_vectors: float32 [E, W], of entries that are in no index, in the order
        of the histories.
    """
    size = self.block_users(index)
    parts, used = [np.zeros((0, index.table.shape[1]), np.float32)], 0
    for begin in range(0, len(histories), size):
      block = histories[begin : begin + size]
      count = sum(e.row < 0 for history in block for e in history.entries)
      parts.append(
        self._encoded_block(index, block, new_vectors[used : used + count])
      )
      used += count
    return np.concatenate(parts)

  def _encoded_block(
    self,
    index: IndexedItems,
    histories: Sequence[RequestedHistory],
    new_vectors: np.ndarray,
  ) -> np.ndarray:
    rows = len(index.table)
    new_rows = iter(range(rows, rows + len(new_vectors)))
    slots = [
      [e.row if e.row >= 0 else next(new_rows) for e in history.entries]
      for history in histories
    ]
    longest = fit(max(map(len, slots)), self._lengths)
    shape = fit(len(histories), USERS), longest
    inputs = user_inputs(histories, slots, shape, self._inputs)
    room = fit_growing(len(new_vectors), NEW_ITEMS, GROWTH) - len(new_vectors)
    vectors = self._read(
      self._params,
      index.table,
      np.pad(new_vectors, ((0, room), (0, 0))),
      inputs.pop('slots'),
      inputs,
    )
    return np.asarray(vectors)[: len(histories)]

  def ranked(
    self,
    index: IndexedItems,
    users: np.ndarray,
    allowed: np.ndarray,
    excluded: Sequence[Sequence[int]],
    k: int,
    added: Callable[[int, int], AddedToIndex],
    tail: np.ndarray | None = None,
    counts_excluded: bool = False,
  ) -> Iterator['RankedRows']:
    """The best k items of each user [U, W].

    Args:
      index: the items.
      users: float32 [U, W].
      allowed: bool [R], rows that may be in a list.
      excluded: rows that may not, of each user.
      k: at most.
      added: (begin, end) -> what is added to the logits of these users.
      tail: float [U], of a `Choice`; None: no probabilities are wanted.
      counts_excluded: whether what is excluded counts among what may be chosen.
    """
    rows = len(index.table)
    most = min(k if tail is None else max(k, RANKS), rows)
    length = fit(most, (*(n for n in LISTS if n < rows), rows))
    on_device = jnp.asarray(allowed)
    lists = Ragged.of([np.array(row, np.int32) for row in excluded])
    offsets = np.concatenate([[0], np.cumsum(lists.lengths)])

    def start(block: np.ndarray, begin: int, end: int):
      pairs = user_item_pairs(
        (lists.values, offsets), begin, end, len(block), GROWTH
      )
      more, most = added(begin, end)
      scores = _scores(
        index.table, block, self._bias, *padded_pairs(more, len(block), GROWTH)
      )
      if tail is None:
        return most, *_best(scores, on_device, pairs, length)[1:]
      sharpness = np.ones(len(block), np.float32)
      sharpness[: end - begin] = tail[begin:end]
      best = _best_of_all(
        scores, on_device, pairs, sharpness, length, counts_excluded
      )
      return most, *best[1:]

    size = self.block_users(index)
    for users_of_block, computed in computed_blocks(users, size, USERS, start):
      most, logits, places, *rest = computed
      for i in range(users_of_block.stop - users_of_block.start):
        filled = logits[i] > -np.inf
        yield RankedRows(
          places[i][filled][:k],
          logits[i][filled][:k],
          most[i],
          *(values[i] for values in rest),
        )

  def logits(self, users: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """float32 [U, C], of users [U, W] and items' vectors [C, W]."""
    logits = np.zeros((len(users), len(vectors)), np.float32)
    for top in range(0, len(users), SCORED_USERS):
      for left in range(0, len(vectors), SCORED_ITEMS):
        here = (
          slice(top, top + SCORED_USERS),
          slice(left, left + SCORED_ITEMS),
        )
        users_here, items_here = users[here[0]], vectors[here[1]]
        scores = self._score(
          _padded(users_here, fit(len(users_here), USERS)),
          _padded(items_here, fit(len(items_here), LISTS)),
        )
        logits[here] = scores[: len(users_here), : len(items_here)]
    return logits


class RankedRows(NamedTuple):
  """One user's best, the highest first.

  Attributes:
    rows: of the index, int [C].
    logits: float32 [C].
    most_added: see `Members.most`.
    best: float32 [RANKS], logits of the best of all that may be chosen, -inf
      where there are fewer; None where no probabilities are wanted.
    tail: float32, see `Choice.probabilities`, likewise.
  """

  rows: np.ndarray
  logits: np.ndarray
  most_added: float
  best: np.ndarray | None = None
  tail: np.ndarray | None = None


def _padded(vectors: np.ndarray, rows: int) -> np.ndarray:
  """[rows, W], zeros behind."""
  return np.pad(vectors, ((0, rows - len(vectors)), (0, 0)))


# Two programs, so that scores are masked in place, see `block_programs`.
@jax.jit
def _scores(table, users, bias, pairs, added):
  scores = dot_products(users, table) + bias
  if len(added):
    scores = scores.at[pairs].add(added, mode='drop')
  return scores


@functools.partial(jax.jit, donate_argnums=0, static_argnames='k')
def _best(scores, allowed, excluded, k):
  scores = jnp.where(allowed[None], scores, -jnp.inf)
  scores = without(scores, excluded)
  return scores, *top_k(scores, k)


@functools.partial(
  jax.jit, donate_argnums=0, static_argnames=('k', 'counts_excluded')
)
def _best_of_all(scores, allowed, excluded, sharpness, k, counts_excluded):
  """`_best`, and what `RankedRows` has of all that may be chosen."""
  scores = jnp.where(allowed[None], scores, -jnp.inf)
  ranks = min(RANKS, scores.shape[1])
  if counts_excluded:
    best, _ = top_k(scores, ranks)
    tails = tail_sum(scores, least_of(best), sharpness)
    scores = without(scores, excluded)
    top, places = top_k(scores, k)
  else:
    scores = without(scores, excluded)
    top, places = top_k(scores, k)
    best = top[:, :ranks]
    tails = tail_sum(scores, least_of(best), sharpness)
  return scores, top, places, best, jnp.log(tails)
