"""Text alone, untrained."""

import numpy as np

from jaxrec.baselines import Context
from jaxrec.data.columns import Impressions


def mean_of_history(context: Context, impressions: Impressions) -> np.ndarray:
  """Dot product of the candidate's and the mean of the history's vectors.

  Vectors are the pretrained encoder's, at length 1 each before the mean.
  Without a history all candidates score 0.
  """
  scores = np.zeros(len(impressions.candidates), np.float32)
  unit = lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True).clip(1e-12)
  for i in range(len(impressions)):
    items = impressions.history_of(i, context.history_length)
    if len(items):
      user = unit(context.vectors[items]).mean(0)
      shown = impressions.shown(i)
      scores[shown] = (
        unit(context.vectors[impressions.candidates[shown]]) @ user
      )
  return scores
