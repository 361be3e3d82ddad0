"""What recommended lists are like, apart from being right.

coverage@k: the share of the catalog that is in anybody's list.
novelty@k: the mean of -log2 of an item's share of the known users, in bits
  (Zhou et al., 2010); an item nobody knows counts as one user's.
diversity@k: 1 - the mean cosine of two texts of a list (Ziegler et al., 2005).
popularity@k: the mean popularity of an item, as the share of the catalog that
  is less popular than it; equals count half, so 0.5 is a list drawn at random.
"""

import dataclasses
import itertools

import numpy as np

from jaxrec.evaluation.metrics import Pair, PerExample

K = 10


@dataclasses.dataclass(frozen=True)
class CatalogFacts:
  """What is known of every item that a list may hold.

  Attributes:
    popularity: int64 [N], users who acted on each item before the split.
    num_users: users known before the split.
    vectors: float32 [N, D], of the items' texts.
  """

  popularity: np.ndarray
  num_users: int
  vectors: np.ndarray

  def __len__(self) -> int:
    return len(self.popularity)


def list_metrics(top: np.ndarray, catalog: CatalogFacts) -> PerExample:
  """novelty, diversity and popularity of each example's list.

  Args:
    top: int32 [E, K'], items, best first, -1 where a list is shorter.
    catalog: of all items.
  """
  top = top[:, :K]
  there = top >= 0
  count = there.sum(1).astype(np.float64)
  known = np.maximum(catalog.popularity, 1) / max(catalog.num_users, 1)
  share = _share_below(catalog.popularity)
  mean = lambda values: np.where(there, values[top], 0).sum(1)
  diversity, pairs = _diversity(top, there, catalog.vectors)
  listed = (count > 0).astype(np.float64)
  over = lambda total: (total / np.maximum(count, 1), listed)
  return {
    f'novelty@{K}': over(mean(-np.log2(np.minimum(known, 1)))),
    f'diversity@{K}': (diversity, pairs),
    f'popularity@{K}': over(mean(share)),
  }


def coverage(top: np.ndarray, catalog: CatalogFacts) -> float:
  """The share of the catalog that any of the lists holds."""
  top = top[:, :K]
  return len(np.unique(top[top >= 0])) / max(len(catalog), 1)


def popularity_bias(
  lists: dict[str, np.ndarray], clicked: np.ndarray, catalog: CatalogFacts
) -> dict:
  """How places and clicks spread over items of like popularity.

  Args:
    lists: top items [E, K'] by model.
    clicked: int32 [C], the items that were clicked.
    catalog: of all items.

  Returns:
    'bins': names; 'catalog', 'clicked' and each model: shares that sum to 1.
  """
  edges = [0, 1, 3, 6, 11, 31, 101, 1001]
  edges = [e for e in edges if e <= catalog.popularity.max(initial=0)]
  bin_of = np.searchsorted(edges, catalog.popularity, 'right') - 1

  def shares(items: np.ndarray) -> list[float]:
    counts = np.bincount(bin_of[items], minlength=len(edges))
    return (counts / max(counts.sum(), 1)).tolist()

  names = [
    f'{a}' if b == a + 1 else f'{a}-{b - 1}'
    for a, b in itertools.pairwise(edges)
  ] + [f'{edges[-1]}+' if edges[-1] else '0']
  top = {m: t[:, :K] for m, t in lists.items()}
  return {
    'bins': [f'{name} users' for name in names],
    'catalog': shares(np.arange(len(catalog))),
    'clicked': shares(clicked),
    **{m: shares(t[t >= 0]) for m, t in top.items()},
  }


def _share_below(popularity: np.ndarray) -> np.ndarray:
  """float64 [N]: the share of items less popular, equals counting half."""
  ordered = np.sort(popularity)
  below = np.searchsorted(ordered, popularity, 'left')
  upto = np.searchsorted(ordered, popularity, 'right')
  return (below + upto) / 2 / max(len(popularity), 1)


def _diversity(
  top: np.ndarray, there: np.ndarray, vectors: np.ndarray, block: int = 1024
) -> Pair:
  """1 - mean cosine over the pairs of each list; and 1 where there are any."""
  value = np.zeros(len(top))
  count = there.sum(1)
  for begin in range(0, len(top), block):
    part, mask = top[begin : begin + block], there[begin : begin + block]
    x = np.asarray(vectors[np.maximum(part, 0).ravel()], np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True).clip(1e-12)
    x = np.where(mask.ravel()[:, None], x, 0).reshape(*part.shape, -1)
    # |sum|^2 = the sum over all pairs, those of an item with itself included.
    both = (x.sum(1, dtype=np.float64) ** 2).sum(1)
    same = (x.astype(np.float64) ** 2).sum((1, 2))
    n = count[begin : begin + block]
    value[begin : begin + block] = 1 - (both - same) / np.maximum(
      n * (n - 1), 1
    )
  several = count > 1
  return np.where(several, value, 0), several.astype(np.float64)
