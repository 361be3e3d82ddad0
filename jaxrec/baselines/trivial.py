"""The floor and, in a made world, the ceiling."""

from typing import Self

import numpy as np

from jaxrec.baselines.base import Baseline, Known, shown_items
from jaxrec.data.batches.draws import mixed
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import ragged_rows


class Random(Baseline):
  """A uniform draw for each example and item, however rows are blocked."""

  def fit(self, known: Known) -> Self:
    self.seed, self.num_items = known.seed, known.num_items
    return self

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    return self._draws(rows[:, None], np.arange(self.num_items))

  def pairs(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    items, owners = shown_items(examples, rows)
    return self._draws(np.asarray(rows)[owners], items)

  def _draws(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
    seed = mixed(np.array([self.seed], np.uint64))
    bits = mixed(mixed(seed + rows.astype(np.uint64)) + items.astype('u8'))
    # As many bits as a float32 holds.
    return (bits >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)


def oracle(examples: Impressions, rows: np.ndarray) -> np.ndarray | None:
  """The probability each click was drawn with: what nobody can beat.

  Float32, of the candidates of the examples `rows`, end to end; None where the
  world is not a made one. No Baseline: it learns nothing, and knows nothing of
  items that were not shown.
  """
  if examples.probabilities is None:
    return None
  flat, _ = ragged_rows(examples.candidate_offsets, rows)
  return np.asarray(examples.probabilities[flat], np.float32)
