"""What ours must beat, each through the same protocol.

A baseline learns from `Known` alone and scores any example's history against
the whole catalog. Its settings are chosen on validation, from `grid`.
"""

import dataclasses
import importlib

import numpy as np

from jaxrec.data.columns import Impressions
from jaxrec.data.sequences import Sequences


@dataclasses.dataclass(frozen=True)
class Known:
  """What a baseline may know.

  Attributes:
    sequences: what users did before the split that is evaluated.
    vectors: float32 [N, D], the pretrained encoder's pooled item vectors.
    history_length: H, how much of a history is read as text.
    seed: for those that draw.
  """

  sequences: Sequences
  vectors: np.ndarray
  history_length: int
  seed: int

  @property
  def num_items(self) -> int:
    """N."""
    return len(self.vectors)


class Baseline:
  """Base of the baselines.

  A subclass defines `fit` and `scores`; where single candidates can be scored
  for less than the whole catalog, `pairs` too. Keyword arguments of its
  constructor are its settings.
  """

  grid: tuple[dict, ...] = ({},)  # Settings to choose from.

  def fit(self, known: Known) -> 'Baseline':
    """Learns; returns itself."""
    raise NotImplementedError

  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    """Scores of the whole catalog, float32 [U, N], for the examples `rows`.

    Only histories and times of the examples are read, never their candidates
    or labels. Equal scores are ties, whatever the order of the catalog.
    """
    raise NotImplementedError

  def pairs(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    """Scores of the examples' own candidates, float32, end to end."""
    scores = self.scores(examples, rows)
    shown = [examples.candidates[examples.shown(i)] for i in rows]
    return np.concatenate(
      [scores[i, items] for i, items in enumerate(shown)] or [np.zeros(0)]
    ).astype(np.float32)


# A new baseline: a class in one of the files here, and its line.
BASELINES = {
  'random': 'trivial:Random',
  'popularity': 'popularity:Popularity',
  'recent_popularity': 'popularity:RecentPopularity',
  'last_item': 'text:LastItem',
  'mean_of_history': 'text:MeanOfHistory',
  'item_knn': 'neighbours:ItemKnn',
  'item_knn_recency': 'neighbours:ItemKnnRecency',
  'user_knn': 'neighbours:UserKnn',
  'user_knn_recency': 'neighbours:UserKnnRecency',
  'ease': 'ease:Ease',
  'ease_recency': 'ease:EaseRecency',
  'sequential_rules': 'rules:SequentialRules',
}


def baseline_class(name: str) -> type[Baseline]:
  """The class of the baseline `name`, a key of BASELINES."""
  module, _, attribute = BASELINES[name].partition(':')
  return getattr(
    importlib.import_module(f'jaxrec.baselines.{module}'), attribute
  )
