"""The literature's other way with items that a user has seen.

Papers rank a catalog without what the user has seen, or with it, and their
numbers cannot be compared. One way is a run's main one; the other is told
beside it, for ours and for every baseline.
"""

import dataclasses

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation import metrics
from jaxrec.evaluation.judged import Judged
from jaxrec.evaluation.metrics import PerExample
from jaxrec.evaluation.protocols import (
  Protocol,
  WholeCatalog,
  why_unmeasured,
)
from jaxrec.evaluation.scorers import Scorer
from jaxrec.evaluation.side_by_side import side_by_side, users_of_examples


@dataclasses.dataclass
class OtherWay:
  """Scorers that are judged both ways, and what they did the other way.

  Attributes:
    main: the run's protocol.
    examples: of the split, as the other way has them.
    left_out: counts of those that it leaves out, by reason.
    unmeasured: see `protocols.why_unmeasured`; None where there are figures.
    values: metrics per example by scorer; filled by `judge_both`.
  """

  main: WholeCatalog
  examples: Impressions
  left_out: dict[str, int]
  unmeasured: str | None = None
  values: dict[str, PerExample] = dataclasses.field(default_factory=dict)

  @classmethod
  def of(cls, protocol: Protocol, split: Impressions) -> 'OtherWay | None':
    """None where candidates are listed, and where no example would be left."""
    if not isinstance(protocol, WholeCatalog):
      return None
    examples, left_out = protocol.other.examples(split)
    if not len(examples):
      return None
    why = why_unmeasured(protocol.other, split) or None
    return cls(protocol, examples, left_out, why)

  def judge_both(
    self, name: str, scorer: Scorer, examples: Impressions
  ) -> Judged:
    """What a scorer did the main way; what it did the other way is kept.

    Args:
      name: of the scorer.
      scorer: to be judged.
      examples: as the main protocol has them.
    """
    judged, other = self.main.judge_both(scorer, examples, self.examples)
    self.values[name] = other.values
    return judged

  def summarize(self, num_items: int, *, draws: int, seed: int) -> dict:
    """Plain values: 'seen', 'protocol' and those of `side_by_side`.

    Args:
      num_items: N.
      draws, seed: see `side_by_side`.
    """
    protocol, users = self.main.other, users_of_examples(self.examples)
    reached = {name: metrics.finalize(v) for name, v in self.values.items()}
    described = describe(protocol, self.examples, users, num_items)
    return {
      'seen': protocol.seen,
      'protocol': described
      | {'left_out': self.left_out, 'unmeasured': self.unmeasured},
      **side_by_side(self.values, reached, users, draws=draws, seed=seed),
    }


def describe(
  protocol: Protocol, examples: Impressions, users: np.ndarray, num_items: int
) -> dict:
  """What was ranked for whom, in plain values."""
  return {
    'name': protocol.name,
    'candidates': protocol.describe(),
    'seen': protocol.seen,
    'main_metric': protocol.main_metric,
    'ties': 'against the scorer',
    'examples': len(examples),
    'users': int(users.max(initial=-1)) + 1,
    'catalog': num_items,
  }
