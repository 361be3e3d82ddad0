"""What follows what."""

import dataclasses
from typing import Self

import numpy as np
from scipy import sparse

from jaxrec.baselines.base import Baseline, Known
from jaxrec.baselines.matrices import (
  binary_rows,
  histories,
  strongest_of_product,
)
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences


@dataclasses.dataclass
class SequentialRules(Baseline):
  """Rules a -> b from users' sequences (Ludewig & Jannach 2018).

  Each time b follows a within `steps` events, the rule gains 1 / distance;
  items of one event do not follow one another.

  Attributes:
    steps: how far, in events.
    decay: weight of a history item for each event after its own; 0: only the
      last event speaks.
    sharing: every item's rules are divided by its number of events to this
      power: at 0 what is frequent speaks loudest, at 1 all speak alike.
    rules: how many each item keeps.
  """

  steps: int = 10
  decay: float = 0.0
  sharing: float = 0.5
  rules: int = 1000
  grid = tuple(
    {'steps': steps, 'decay': decay}
    for steps in (2, 10)
    for decay in (0.0, 0.3, 0.6)
  )
  fit_reads = ('steps', 'sharing', 'rules')

  def fit(self, known: Known) -> Self:
    sequences = known.sequences
    events = sequences.events()
    shape = int(events.max(initial=-1)) + 1, known.num_items
    matrix = binary_rows(events, sequences.items, shape)
    counts = np.bincount(matrix.indices, minlength=known.num_items).clip(1)
    scales = counts**-self.sharing
    self.weights = strongest_of_product(
      matrix.T.tocsr(),
      (followers(sequences, events, self.steps) @ matrix).tocsr(),
      self.rules,
      lambda values, rows, _: (values * scales[rows]).astype(np.float32),
    )
    return self

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    num_items = self.weights.shape[1]
    weights = histories(examples, rows, num_items, self.decay)
    return (weights @ self.weights).toarray()


def followers(
  sequences: Sequences, events: np.ndarray, steps: int
) -> sparse.csr_array:
  """float32 [events, events]: 1 / distance for what follows, of one user."""
  count = int(events.max(initial=-1)) + 1
  users = np.zeros(count, np.int64)
  users[events] = sequences.users
  follows = sparse.csr_array((count, count), dtype=np.float32)
  for distance in range(1, min(steps, count - 1) + 1):
    same = users[:-distance] == users[distance:]
    values = same.astype(np.float32) / distance
    follows += sparse.diags_array(
      values, offsets=distance, shape=(count, count), format='csr'
    )
  follows.eliminate_zeros()
  return follows
