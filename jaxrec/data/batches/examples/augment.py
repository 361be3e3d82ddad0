"""Histories changed from epoch to epoch, so that a model cannot learn them by
heart (after CL4SRec, Xie et al., 2022, arXiv:2010.14395).

Every change leaves some of a user's events, in an order that could have been.
"""

from typing import NamedTuple

import numpy as np

from jaxrec.data.config import AugmentConfig


class Augmented(NamedTuple):
  """A run as it is this time; m of its n items, m at least 2 where n is.

  Attributes:
    places: int64 [m], whose times and events count; never falling.
    item_places: int64 [m], the same, a stretch of them in another order.
    read: bool [m], whether an item is read.
  """

  places: np.ndarray
  item_places: np.ndarray
  read: np.ndarray


def augmented(
  places: np.ndarray, config: AugmentConfig, rng: np.random.Generator
) -> Augmented:
  """A run as it is this time.

  Args:
    places: int64 [n], of a run's items in their columns, n at least 1.
    config: what is done.
    rng: of the run and the epoch.
  """
  count = len(places)
  if count > 2 and rng.random() < config.crop:
    length = int(rng.integers(max(count // 2, 2), count + 1))
    begin = int(rng.integers(0, count - length + 1))
    places = places[begin : begin + length]
  if config.drop:
    kept = rng.random(len(places)) >= config.drop
    if kept.sum() >= 2:
      places = places[kept]
  item_places = places
  if len(places) > 4 and rng.random() < config.reorder:
    length = max(len(places) // 5, 2)
    begin = int(rng.integers(0, len(places) - length + 1))
    stretch = slice(begin, begin + length)
    item_places = places.copy()
    item_places[stretch] = rng.permutation(places[stretch])
  read = rng.random(len(places)) >= config.mask
  return Augmented(places, item_places, read)
