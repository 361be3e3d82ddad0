"""What one scorer did on one split, example by example."""

import dataclasses

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation import metrics

TOP = 100  # Items of a list that are kept: more than any metric looks at.


@dataclasses.dataclass(frozen=True)
class Judged:
  """What one scorer did on a split of E examples.

  Attributes:
    values: metrics per example.
    places: of the clicked candidates.
    top: int32 [E, K], the best items, best first; -1 where there are fewer.
    scores: float32 [E, K], the scores of these; -inf where there are fewer.
    logits: float32, one per candidate, where candidates are listed.
  """

  values: metrics.PerExample
  places: metrics.Places
  top: np.ndarray
  scores: np.ndarray
  logits: np.ndarray | None = None


def judge_listed(logits: np.ndarray, examples: Impressions) -> Judged:
  """Ranking metrics and lists from logits, one per listed candidate."""
  places = metrics.place(logits, examples.labels, examples.candidate_offsets)
  top, scores = best_of_each(logits, examples)
  return Judged(metrics.rank_metrics(places), places, top, scores, logits)


def best_of_each(
  logits: np.ndarray, examples: Impressions, k: int = TOP
) -> tuple[np.ndarray, np.ndarray]:
  """The k best candidates of each example: int32 and float32 [E, k].

  Equals by their item index. -1 and -inf where there are fewer.
  """
  lengths = np.diff(examples.candidate_offsets)
  owners = np.repeat(np.arange(len(examples)), lengths)
  order = np.lexsort((examples.candidates, -logits, owners))
  places = np.arange(len(order)) - examples.candidate_offsets[owners]
  first = places < k
  top = np.full((len(examples), k), -1, np.int32)
  scores = np.full((len(examples), k), -np.inf, np.float32)
  at = owners[first], places[first]
  top[at] = examples.candidates[order][first]
  scores[at] = logits[order][first]
  return top, scores
