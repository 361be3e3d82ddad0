"""Members and their gains, asked about examples."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import event_numbers, ragged_rows
from jaxrec.retrieval.neighbours import (
  Added,
  Histories,
  Neighbours,
  combined,
  looked_up,
)

BLOCK = 256  # Examples whose candidates are looked up at once.


@dataclasses.dataclass(frozen=True)
class Ensemble:
  """Members and what each weighs.

  Attributes:
    members: by name.
    gains: by the same names; 0 for one that says nothing.
  """

  members: Mapping[str, Neighbours]
  gains: Mapping[str, float]

  def of_examples(
    self, examples: Impressions, history_length: int
  ) -> Callable[[int, int], Added]:
    """(begin, end) -> what is added to the scores of these examples' users."""
    return lambda begin, end: combined(
      self.members,
      self.gains,
      histories_of(examples, np.arange(begin, end), history_length),
    )

  def pairs(self, examples: Impressions, history_length: int) -> np.ndarray:
    """What is added to the examples' own candidates, float32, end to end."""
    parts = [np.zeros(0, np.float32)]
    added_of = self.of_examples(examples, history_length)
    offsets = examples.candidate_offsets
    for begin in range(0, len(examples), BLOCK):
      end = min(begin + BLOCK, len(examples))
      added = added_of(begin, end)
      owners = np.repeat(
        np.arange(end - begin), np.diff(offsets[begin : end + 1])
      )
      items = examples.candidates[offsets[begin] : offsets[end]]
      parts.append(looked_up(added, owners, items))
    return np.concatenate(parts)


def histories_of(
  examples: Impressions, rows: np.ndarray, history_length: int
) -> Histories:
  """The histories of the examples `rows`, of each its last items.

  Items of one time are one event; where times are unknown, each item is.
  """
  begins = examples.history_offsets[rows]
  ends = examples.history_offsets[rows + 1]
  flat, offsets = ragged_rows(examples.history_offsets, rows)
  lengths = ends - begins
  events = np.arange(len(flat))
  if examples.history_times is not None:
    events = event_numbers(offsets, examples.history_times[flat])
  owners = np.repeat(np.arange(len(rows)), lengths)
  filled = lengths > 0
  last = np.repeat(events[offsets[1:][filled] - 1], lengths[filled])
  left = np.repeat(offsets[1:], lengths) - np.arange(len(flat))
  kept = left <= history_length
  return Histories(
    owners[kept], examples.history[flat][kept], (last - events)[kept]
  )
