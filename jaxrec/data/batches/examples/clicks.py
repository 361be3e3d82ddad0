"""Clicks, against what was shown with them and not clicked."""

import dataclasses

import numpy as np

from jaxrec.data.batches.context import Ragged, context_at
from jaxrec.data.batches.draws import draw
from jaxrec.data.batches.examples.base import Examples, target_first
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import ragged_rows, spans
from jaxrec.errors import UserError


@dataclasses.dataclass(frozen=True)
class ClickExamples:
  """Each click of impressions, against non-clicks of the same impression.

  Nothing of it grows in memory with the set, where that lies on disk.

  Attributes:
    impressions: the training split.
    num_candidates: C, one click and C - 1 non-clicks; fewer where fewer were
      shown.
    history_length: H.
    seed: of the sampling.
  """

  impressions: Impressions
  num_candidates: int
  history_length: int
  seed: int
  # Places of the clicks among the candidates, and their impressions.
  _clicks: np.ndarray = dataclasses.field(init=False, repr=False)
  _owners: np.ndarray = dataclasses.field(init=False, repr=False)

  def __post_init__(self):
    clicks, owners = self.impressions.trainable_clicks()
    if not len(clicks):
      raise UserError(
        'no training impression has both a click and a non-click: nothing to '
        'learn from'
      )
    object.__setattr__(self, '_clicks', clicks)
    object.__setattr__(self, '_owners', owners)

  def __len__(self) -> int:
    return len(self._clicks)

  def describe(self, rows: np.ndarray) -> list[str]:
    """Whose the examples are, for messages."""
    ids = self.impressions.impression_ids
    return [f'impression {ids[i]}' for i in self._owners[rows]]

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""
    shown, owners = self.impressions, self._owners[rows]
    ends = shown.history_offsets[owners + 1]
    lengths = np.minimum(
      ends - shown.history_offsets[owners], self.history_length
    )
    read = spans(ends - lengths, lengths)
    histories = Ragged(shown.history[read], lengths)
    context = context_at(
      read,
      lengths,
      *shown.history_columns(),
      items=shown.history,
      asked_at=shown.times[owners],
    )
    # Non-clicks of every example's impression, and those drawn of them.
    places, offsets = ragged_rows(shown.candidate_offsets, owners)
    is_other = shown.labels[places] == 0
    offsets = np.concatenate([[0], np.cumsum(is_other)])[offsets]
    others, sizes = places[is_other], np.diff(offsets)
    counts = np.minimum(self.num_candidates - 1, sizes)
    drawn = draw(self.seed, epochs, rows, sizes=sizes, counts=counts)
    drawn += np.repeat(offsets[:-1], counts)
    labels = target_first(counts)
    places = np.empty(len(labels), np.int64)
    places[labels], places[~labels] = self._clicks[rows], others[drawn]
    candidates = Ragged(shown.candidates[places], counts + 1)
    return Examples(
      histories, candidates, candidates._replace(values=labels), context
    )
