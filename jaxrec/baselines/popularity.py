"""What everybody clicks."""

import numpy as np

from jaxrec.baselines import Context
from jaxrec.data.columns import Impressions


def popularity(context: Context, impressions: Impressions) -> np.ndarray:
  """Clicks an item got in the training impressions; 0 for unseen items."""
  train = context.train
  clicks = np.bincount(
    train.candidates, train.labels, minlength=len(context.vectors)
  )
  return clicks[impressions.candidates].astype(np.float32)
