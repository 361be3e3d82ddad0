"""Lists whose items differ: maximal marginal relevance."""

import numpy as np


def diversified(
  relevance: np.ndarray, texts: np.ndarray, k: int, diversity: float
) -> np.ndarray:
  """Which items make a list, the first first (Carbonell & Goldstein, 1998).

  One after the other that with the highest

      (1 - diversity) * relevance - diversity * (the highest cosine of its text
                                                 with those that are chosen)

  is chosen, of equals the one that stood before. Relevance is rescaled to
  [0, 1]; texts that are opposites are as unlike as any, with a cosine of 0.

  Args:
    relevance: float [P], falling.
    texts: float32 [P, D], vectors of any lengths.
    k: items of the list, if there are so many.
    diversity: 0 to 1; with 0 the first k stay as they are.

  Returns:
    int64 [min(k, P)], places among the P.
  """
  relevance = np.asarray(relevance, np.float64)
  count = min(k, len(relevance))
  if not count:
    return np.zeros(0, np.int64)
  spread = relevance.max() - relevance.min()
  relevance = (relevance - relevance.min()) / max(spread, 1e-12)
  lengths = np.linalg.norm(texts, axis=1, keepdims=True)
  unit = texts / np.maximum(lengths, 1e-12)
  likeness = np.zeros(len(relevance))
  gain = (1 - diversity) * relevance
  left = np.ones(len(relevance), bool)
  chosen = np.zeros(count, np.int64)
  for place in range(count):
    worth = np.where(left, gain - diversity * likeness, -np.inf)
    best = int(np.argmax(worth))
    chosen[place], left[best] = best, False
    likeness = np.maximum(likeness, unit @ unit[best])
  return chosen


def pool(k: int) -> int:
  """Among how many of the best a list of k is chosen."""
  return max(10 * k, 100)
