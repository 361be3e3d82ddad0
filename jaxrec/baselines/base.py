"""What a baseline is, and what it may know."""

import abc
import copy
import dataclasses
from typing import Any, Self

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import ragged_rows
from jaxrec.data.columns.sequences import Sequences


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
  def fit(self, known: Known) -> Self:
    """Learns; returns itself."""

  def with_settings(self, known: Known, **settings: Any) -> Self:
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
