"""What ours must beat, each through the same protocol.

A baseline learns from `Known` alone and scores any example's history against
the whole catalog. Its settings are chosen on validation, from `grid`.
"""

import abc
import copy
import dataclasses
import importlib
from collections.abc import Iterator

import numpy as np

from jaxrec.data.columns.columns import Impressions, ragged_rows
from jaxrec.data.splits.sequences import Sequences


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


class Baseline(abc.ABC):
  """Base of the baselines.

  A subclass defines `fit` and `scores`; where single candidates can be scored
  for less than the whole catalog, `pairs` too. Keyword arguments of its
  constructor are its settings, kept as attributes of the same names, and the
  constructor does nothing else.

  Attributes:
    grid: settings to choose from; those that share a fit stand together.
    fit_reads: names of the settings that `fit` reads. The others matter in
      `scores` alone and may change without a new fit.
    note: what a reader of the results should know, '' for nothing.
  """

  grid: tuple[dict, ...] = ({},)
  fit_reads: tuple[str, ...] = ()
  note: str = ''

  @abc.abstractmethod
  def fit(self, known: Known) -> 'Baseline':
    """Learns; returns itself."""

  def with_settings(self, known: Known, **settings) -> 'Baseline':
    """This, once fitted to `known`, with other settings; itself unchanged.

    What was learned is shared, and only learned anew where a setting that
    `fit` reads differs.
    """
    new = type(self)(**settings)
    if any(getattr(self, k) != getattr(new, k) for k in self.fit_reads):
      return new.fit(known)
    fitted = copy.copy(self)
    vars(fitted).update(vars(new))
    return fitted

  @abc.abstractmethod
  def scores(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    """Scores of the whole catalog, float32 [U, N], for the examples `rows`.

    Only histories and times of the examples are read, never their candidates
    or labels. Equal scores are ties, whatever the order of the catalog.
    """

  def pairs(self, examples: Impressions, rows: np.ndarray) -> np.ndarray:
    """Scores of the examples' own candidates, float32, end to end."""
    items, owners = shown_items(examples, rows)
    return self.scores(examples, rows)[owners, items]


def shown_items(
  examples: Impressions, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """The candidates of the examples `rows`, end to end.

  Returns:
    int32 item indices; int64, the place in `rows` each of them belongs to.
  """
  flat, offsets = ragged_rows(examples.candidate_offsets, rows)
  owners = np.repeat(np.arange(len(rows)), np.diff(offsets))
  return examples.candidates[flat], owners


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


def fitted(name: str, known: Known) -> Iterator[tuple[dict, Baseline]]:
  """The baseline `name` with each setting of its grid, fitted in turn.

  Yields:
    The settings; the baseline, which shares what it can with the one before.
  """
  baseline = None
  for settings in baseline_class(name).grid:
    if baseline is None:
      baseline = baseline_class(name)(**settings).fit(known)
    else:
      baseline = baseline.with_settings(known, **settings)
    yield settings, baseline
