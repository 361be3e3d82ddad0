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

  Every number gets 64 bits made of the key and itself, and those with the least
  are drawn: nobody's draw depends on another's, and all are made together. A
  NumPy generator for each key takes longer than the rest of a batch.

  Args:
    seed: 0 to 2**64 - 1.
    key: int [B] each, not negative.
    sizes, counts: int [B], a size at least its count.

  Returns:
    int64 [sum of counts], the draws of all keys in turn.
  """
  state = mixed(np.array([seed], np.uint64))
  for part in key:
    state = mixed(state + np.asarray(part).astype(np.uint64))
  owners = np.repeat(np.arange(len(sizes)), sizes)
  begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
  numbers = np.arange(len(owners)) - begins
  bits = mixed(state[owners] + numbers.astype(np.uint64))
  order = np.lexsort((bits, owners))  # Owners stay where they are.
  return numbers[order][numbers < counts[owners]]
