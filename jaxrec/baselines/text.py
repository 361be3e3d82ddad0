"""Text alone, untrained: the pretrained encoder's vectors."""

from typing import Self

import numpy as np
from scipy import sparse

from jaxrec.baselines.base import Baseline, Known, shown_items
from jaxrec.baselines.matrices import history_events
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import CHUNK


class MeanOfHistory(Baseline):
  """Dot product of the candidate's and the mean of the history's vectors.

  All of length 1 before the mean; of the last `history_length` items, repeats
  as often as they are there. Without a history every candidate scores 0.
  """

  def fit(self, known: Known) -> Self:
    self.vectors, self.history_length = known.vectors, known.history_length
    # A copy at length 1 would take as much room as the vectors again.
    norms = np.concatenate(
      [
        np.linalg.norm(known.vectors[begin : begin + CHUNK], axis=-1)
        for begin in range(0, known.num_items, CHUNK)
      ]
    )
    self.scales = (1 / norms.clip(1e-12)).astype(np.float32)
    return self

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    return self._users(examples, rows) @ self.vectors.T * self.scales

  def pairs(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    users = self._users(examples, rows)
    items, owners = shown_items(examples, rows)
    scores = np.zeros(len(items), np.float32)
    for begin in range(0, len(items), CHUNK):
      part = slice(begin, begin + CHUNK)
      vectors = self.vectors[items[part]]
      scores[part] = np.einsum('cd,cd->c', vectors, users[owners[part]])
    return scores * self.scales[items]

  def _users(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    """Means of unit vectors, float32 [U, D]."""
    items, offsets, events_after = history_events(examples, rows)
    places = np.arange(1, len(items) + 1)
    items_after = np.repeat(offsets[1:], np.diff(offsets)) - places
    taken = self._taken(items_after, events_after)
    ends = np.concatenate([[0], np.cumsum(taken)])[offsets]
    counts = np.diff(ends)
    items = items[taken]
    weights = self.scales[items] / np.repeat(counts, counts)
    means = sparse.csr_array(
      (weights.astype(np.float32), items, ends),
      shape=(len(rows), len(self.vectors)),
    )
    return means @ self.vectors

  def _taken(self, items_after, events_after) -> np.ndarray:
    """bool, one per history item, by how many items or events follow it."""
    return items_after < self.history_length


class LastItem(MeanOfHistory):
  """Cosine with the last item.

  Where several share the last time, the mean over them.
  """

  def _taken(self, items_after, events_after) -> np.ndarray:
    return events_after == 0
