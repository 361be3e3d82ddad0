"""Draws that are functions of their keys, for many keys at once."""

import numpy as np


def mixed(x: np.ndarray) -> np.ndarray:
  """SplitMix64 (Steele et al. 2014): uint64 whose bits all depend on all."""
  x = np.asarray(x).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
  x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
  x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
  return x ^ (x >> np.uint64(31))


def draw(
  seed: int, *key: np.ndarray, sizes: np.ndarray, counts: np.ndarray
) -> np.ndarray:
  """For each key, some of the numbers below a size, each of them once.

  By Floyd's algorithm (Bentley and Floyd, 1987): every set of them is as likely
  as any other, their order is not. Nobody's draw depends on another's, and all
  are made together: a NumPy generator for each key takes longer than the rest
  of a batch.

  Args:
    seed: 0 to 2**64 - 1.
    key: int [B] each, not negative.
    sizes, counts: int [B], a size below 2**32 and at least its count.

  Returns:
    int64 [sum of counts], the draws of all keys in turn.
  """
  state = mixed(np.array([seed], np.uint64))
  for part in key:
    state = mixed(state + np.asarray(part).astype(np.uint64))
  drawn = np.full((len(sizes), counts.max(initial=0)), -1, np.int64)
  for k in range(drawn.shape[1]):
    wanted = k < counts
    last = np.maximum(sizes - counts + k, 0)
    bits = mixed(state + np.uint64(k)) >> np.uint64(32)
    below = (bits * (last + 1).astype(np.uint64)) >> np.uint64(32)
    value = below.astype(np.int64)
    again = (drawn[:, :k] == value[:, None]).any(1)
    drawn[wanted, k] = np.where(again, last, value)[wanted]
  return drawn[np.arange(drawn.shape[1]) < counts[:, None]]


def draw_others(
  rng: np.random.Generator, num_items: int, taken: np.ndarray, count: int
) -> np.ndarray:
  """Distinct items, uniform over those that are not taken.

  Args:
    rng: a generator.
    num_items: N.
    taken: int, some of the items, in any order.
    count: how many are wanted.

  Returns:
    int64 [count], fewer where fewer are left.
  """
  taken = np.unique(taken)
  free = num_items - len(taken)
  drawn = rng.choice(free, min(count, free), replace=False)
  # The n-th item that is not taken.
  return drawn + np.searchsorted(taken - np.arange(len(taken)), drawn, 'right')
