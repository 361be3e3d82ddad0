"""Histories -> user vectors, and these against the items, on the device."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrec.bundle.functions import Function
from jaxrec.inference.index import Index
from jaxrec.inference.requests import History, arrays
from jaxrec.inference.texts import fit, ladder
from jaxrec.retrieval.sharded_index import GROUP, top_k

USERS = (1, 4, 16, 64, 256)  # Read and ranked at once: each is a compilation.
BYTES = 1 << 28  # Of what is gathered or scored at once.
SHORTEST = 16  # Entries of the shortest histories on the device.
EXTRA = 8  # Items of histories that are in no index, in powers of 4 of it.
LISTS = (16, 128, 1024)  # Lengths of lists that are made.


class Users:
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
    self._lengths = ladder(SHORTEST, history_length, 4)

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
      mine = {name: params[name] for name in scorer.params}
      return scorer.call(mine, {'users': users, 'items': each})

    self._read, self._score = read, score

  def chunk(self, index: Index) -> int:
    """Users that are read and ranked at once."""
    rows, width = index.table.shape
    each = 4 * max(rows, self._lengths[-1] * width)
    return max([n for n in USERS if n * each <= BYTES] or [1])

  def vectors(
    self, index: Index, histories: Sequence[History], extra: np.ndarray
  ) -> np.ndarray:
    """User vectors, float32 [U, W].

    Args:
      index: the items.
      histories: at most `chunk` of them at once are read.
      extra: float32 [E, W], of entries that are in no index, in the order of
        the histories.
    """
    size = self.chunk(index)
    parts, taken = [np.zeros((0, index.table.shape[1]), np.float32)], 0
    for begin in range(0, len(histories), size):
      mine = histories[begin : begin + size]
      count = sum(e.row < 0 for history in mine for e in history.entries)
      parts.append(self._chunk(index, mine, extra[taken : taken + count]))
      taken += count
    return np.concatenate(parts)

  def _chunk(self, index, histories, extra) -> np.ndarray:
    rows = len(index.table)
    new = iter(range(rows, rows + len(extra)))
    slots = [
      [e.row if e.row >= 0 else next(new) for e in history.entries]
      for history in histories
    ]
    longest = fit(max(map(len, slots)), self._lengths)
    shape = fit(len(histories), USERS), longest
    found = arrays(histories, slots, shape, self._inputs)
    room = EXTRA
    while room < len(extra):
      room *= 4
    vectors = self._read(
      self._params,
      index.table,
      np.pad(extra, ((0, room - len(extra)), (0, 0))),
      found.pop('slots'),
      found,
    )
    return np.asarray(vectors)[: len(histories)]

  def ranked(
    self,
    index: Index,
    users: np.ndarray,
    allowed: np.ndarray,
    excluded: Sequence[Sequence[int]],
    k: int,
  ) -> 'Iterator[Ranked]':
    """The best k items of each user [U, W].

    Args:
      index: the items.
      users: float32 [U, W].
      allowed: bool [R], rows that may be in a list.
      excluded: rows that may not, of each user.
      k: at most.
    """
    size, allowed = self.chunk(index), jnp.asarray(allowed)
    rows = len(index.table)
    length = fit(min(k, rows), (*(n for n in LISTS if n < rows), rows))
    for begin in range(0, len(users), size):
      mine = users[begin : begin + size]
      room = fit(len(mine), USERS)
      pairs = [
        (i, row)
        for i, items in enumerate(excluded[begin : begin + size])
        for row in items
      ]
      count = GROUP
      while count < len(pairs):
        count *= 4
      where = np.full((2, count), room, np.int32)
      where[:, : len(pairs)] = np.array(pairs, np.int32).reshape(-1, 2).T
      scores = _scores(
        index.table,
        np.pad(mine, ((0, room - len(mine)), (0, 0))),
        self._bias,
      )
      _, *best = _best(scores, allowed, where, length)
      logits, places = jax.device_get(best)
      for i in range(len(mine)):
        here = logits[i] > -np.inf
        yield Ranked(places[i][here][:k], logits[i][here][:k])

  def logits(self, users: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """float32 [U, C], of users [U, W] and items' vectors [C, W]."""
    found = np.zeros((len(users), len(vectors)), np.float32)
    for top in range(0, len(users), USERS[2]):
      for left in range(0, len(vectors), LISTS[1]):
        here = slice(top, top + USERS[2]), slice(left, left + LISTS[1])
        mine, items = users[here[0]], vectors[here[1]]
        found[here] = self._score(
          np.pad(mine, ((0, fit(len(mine), USERS) - len(mine)), (0, 0))),
          np.pad(items, ((0, fit(len(items), LISTS) - len(items)), (0, 0))),
        )[: len(mine), : len(items)]
    return found


class Ranked(NamedTuple):
  """One user's best: rows of the index and logits, the highest first."""

  rows: np.ndarray
  logits: np.ndarray


# Two programs, so that scores are masked in place, see `ranking`.
@jax.jit
def _scores(table, users, bias):
  product = jnp.matmul(users, table.T, precision=jax.lax.Precision.HIGHEST)
  return product + bias


@functools.partial(jax.jit, donate_argnums=0, static_argnames='k')
def _best(scores, allowed, where, k):
  scores = jnp.where(allowed[None], scores, -jnp.inf)
  scores = scores.at[where[0], where[1]].set(-jnp.inf, mode='drop')
  return scores, *top_k(scores, k)
