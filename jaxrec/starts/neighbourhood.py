"""Item vectors from what is acted on soon after one another.

The matrix of what follows what within STEPS events, each pair 1 / distance, in
both directions, over the root of both items' frequencies: its leading
eigenvectors, as vectors whose products come near to it.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh

from jaxrec.baselines.matrices import binary_rows
from jaxrec.baselines.rules import followers
from jaxrec.data.columns.sequences import Sequences

STEPS = 10


def neighbour_factors(
  sequences: Sequences, num_items: int, width: int, seed: int = 0
) -> np.ndarray:
  """float32 [N, width], of length 1 on average (root mean square).

  Columns beyond what the matrix has are 0.

  Args:
    sequences: what is learned from.
    num_items: N.
    width: columns wanted.
    seed: of where the search for eigenvectors begins.
  """
  events = sequences.events()
  shape = int(events.max(initial=-1)) + 1, num_items
  acted = binary_rows(events, sequences.items, shape)
  ahead = acted.T @ followers(sequences, events, STEPS) @ acted
  scales = np.bincount(acted.indices, minlength=num_items).clip(1) ** -0.5
  scaled = sparse.diags_array(scales)
  near = (scaled @ (ahead + ahead.T) @ scaled).astype(np.float32).tocsr()
  count = min(width, num_items - 1)
  if not near.nnz or count < 1:
    return np.zeros((num_items, width), np.float32)
  begin = np.random.default_rng(seed).standard_normal(num_items)
  values, vectors = eigsh(near, k=count, which='LA', v0=begin)
  made = np.zeros((num_items, width))
  made[:, :count] = vectors[:, ::-1] * np.sqrt(values[::-1].clip(0))
  lengths = np.sqrt(np.mean((made**2).sum(1)))
  return (made / max(lengths, 1e-9)).astype(np.float32)
