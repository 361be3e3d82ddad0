"""What ours must beat, each through the same evaluation.

A baseline is a function (Context, Impressions) -> float32 scores, one per
candidate of the split. It may learn from `Context.train` alone.
"""

import dataclasses

import numpy as np

from jaxrec.data.columns import Impressions


@dataclasses.dataclass(frozen=True)
class Context:
  """What a baseline may know.

  Attributes:
    train: the training split.
    vectors: float32 [N, D], the pretrained encoder's pooled item vectors.
    history_length: H, how much of a history is read.
    seed: for those that draw.
  """

  train: Impressions
  vectors: np.ndarray
  history_length: int
  seed: int


def baselines() -> dict:
  """Functions by name; 'oracle' needs the true probabilities of a demo."""
  from jaxrec.baselines import history, popularity, trivial

  return {
    'random': trivial.random,
    'popularity': popularity.popularity,
    'mean_of_history': history.mean_of_history,
    'oracle': trivial.oracle,
  }
