"""The floor and, in a made world, the ceiling."""

import numpy as np

from jaxrec.baselines import Context
from jaxrec.data.columns import Impressions


def random(context: Context, impressions: Impressions) -> np.ndarray:
  """A uniform draw per candidate."""
  rng = np.random.default_rng(context.seed)
  return rng.random(len(impressions.candidates), dtype=np.float32)


def oracle(context: Context, impressions: Impressions) -> np.ndarray | None:
  """The probability each click was drawn with; None for the real world."""
  del context
  if impressions.probabilities is None:
    return None
  return np.asarray(impressions.probabilities, np.float32)
