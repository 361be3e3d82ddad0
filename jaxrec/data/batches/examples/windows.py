"""Runs of sequences, every item of which is to be predicted."""

import dataclasses

import numpy as np

from jaxrec.data.batches.context import Ragged
from jaxrec.data.batches.draws import draw
from jaxrec.data.batches.examples.base import Examples
from jaxrec.data.batches.examples.runs import Runs
from jaxrec.data.columns.sequences import Sequences


@dataclasses.dataclass(frozen=True)
class WindowExamples:
  """Runs of sequences, every item of which is to be predicted.

  Their candidates, none of them labelled 1, are drawn from the whole catalog:
  they are in the batch's table beside the runs' own items, so that what nobody
  acts on is seen as well.

  Attributes:
    sequences: the training split. Each is cut into runs of H items from its
      end.
    num_items: N.
    num_candidates: C, how many are drawn for each run.
    history_length: H.
    seed: of the draws.
    ordered: False: a sequence is a set, and put into another order each epoch.
  """

  sequences: Sequences
  num_items: int
  num_candidates: int
  history_length: int
  seed: int
  ordered: bool = True
  _runs: Runs = dataclasses.field(init=False, repr=False)

  def __post_init__(self):
    runs = Runs(self.sequences, self.history_length, self.seed, self.ordered)
    object.__setattr__(self, '_runs', runs)

  def __len__(self) -> int:
    return len(self._runs)

  def describe(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    return self._runs.describe(rows)

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    places, lengths = self._runs.places(rows, epochs)
    context = self._runs.context(places, lengths)
    count = min(self.num_candidates, self.num_items)
    counts = np.full(len(rows), count)
    drawn = draw(
      self.seed,
      epochs,
      rows,
      sizes=np.full(len(rows), self.num_items),
      counts=counts,
    )
    candidates = Ragged(drawn.astype(np.int32), counts)
    labels = candidates._replace(values=np.zeros(len(drawn), bool))
    histories = Ragged(self.sequences.items[places], lengths)
    return Examples(histories, candidates, labels, context)
