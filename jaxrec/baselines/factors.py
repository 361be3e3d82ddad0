"""What baselines know of pairs of items, as vectors of items.

An item-item matrix W, of which row i says what speaks for other items once i
was acted on, is cut to its first singular vectors: W ~ read @ scored.T. Two
vectors of every item are what a model can start from, and learn on.
"""

import dataclasses
import pathlib

import numpy as np
from scipy.sparse.linalg import svds

from jaxrec.baselines import Known
from jaxrec.baselines.ease import Ease
from jaxrec.baselines.rules import SequentialRules
from jaxrec.data.columns import read_columns, write_columns
from jaxrec.data.sequences import Sequences

FORMAT = 1  # To be counted up when what is found changes.
SPREAD = 1.0  # Standard deviation that a channel's scores start with.


@dataclasses.dataclass(frozen=True)
class Channel:
  """One kind of relation between items.

  Attributes:
    name: of it.
    decay: the weight left of a history item after each event, to start with.
    make: Known -> a fitted baseline with `matrix()`.
  """

  name: str
  decay: float
  make: object


TOGETHER = Channel(
  'together', 0.7, lambda known: Ease(penalty=150.0).fit(known)
)
FOLLOWS = Channel('follows', 0.3, lambda known: SequentialRules().fit(known))


def channels(ordered: bool) -> tuple[Channel, ...]:
  """Those that make sense: what follows what, only where there is an order."""
  return (TOGETHER, FOLLOWS) if ordered else (TOGETHER,)


def factors(
  sequences: Sequences,
  num_items: int,
  *,
  width: int,
  ordered: bool,
  seed: int,
  directory: pathlib.Path,
) -> dict[str, np.ndarray]:
  """Vectors of every item, kept in `directory`.

  Args:
    sequences: what may be learned from.
    num_items: N.
    width: of each channel, at most N - 1.
    ordered: whether the sequences have an order.
    seed: of the search for singular vectors.
    directory: to be named after all of the above.

  Returns:
    'read' and 'scored', float32 [N, channels * width].
  """
  if not directory.is_dir():
    known = Known(
      sequences=sequences,
      vectors=np.zeros((num_items, 0), np.float32),
      history_length=0,
      seed=seed,
    )
    found = [
      _cut(channel.make(known).matrix(), width, seed)
      for channel in channels(ordered)
    ]
    read, scored = (np.concatenate(x, 1) for x in zip(*found, strict=True))
    write_columns(directory, {'read': read, 'scored': scored})
  return read_columns(directory)


def _cut(matrix, width: int, seed: int):
  """read and scored [N, width], float32, of a matrix or linear operator."""
  start = np.random.default_rng(seed).standard_normal(matrix.shape[0])
  left, values, right = svds(matrix, k=width, v0=start)
  root = np.sqrt(np.maximum(values, 0))
  read, scored = left * root, right.T * root
  # Scores of an item that was just acted on, of the items that have any.
  some = np.abs(read).sum(1) > 0
  spread = np.sqrt(
    np.mean(np.einsum('na,ab,nb->n', read[some], scored.T @ scored, read[some]))
    / max(some.sum(), 1)
  )
  scale = np.sqrt(SPREAD / max(spread, 1e-9))
  return (read * scale).astype(np.float32), (scored * scale).astype(np.float32)
