"""What a model answers with: items, their scores and probabilities."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, slots=True)
class Recommendation:
  """An item for a user.

  Attributes:
    item_id: the item's.
    score: what the strategy ranks by, see `Model`.
    logit: the model's.
    probability: calibrated; None where the bundle could not be calibrated.
    contributions: what each entry of the history that was read added to the
      logit, see `explain`; None unless that was asked for.
    terms: what each term of the model added to it, by name, likewise; None of
      a bundle that version 0.1.0 wrote.
  """

  item_id: str
  score: float
  logit: float
  probability: float | None
  contributions: tuple[float, ...] | None = None
  terms: dict[str, float] | None = None


class Recommendations(list[Recommendation]):
  """Recommendations, best first or in the order asked for.

  Attributes:
    read: where in the given history the entries that were read lie, oldest
      first; `contributions` are theirs.
    unknown: ids of the history that were skipped.
    rows: where the snapshot that answered has these items, see its `items_of`;
      -1 for a candidate that was given by its columns.
  """

  read: tuple[int, ...] = ()
  unknown: tuple[str, ...] = ()
  rows: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class CatalogItem:
  """An item of the index.

  Attributes:
    item_id: the item's.
    text: as the model reads it.
    category: the first one; None where the bundle's items have none.
    fields: all columns.
  """

  item_id: str
  text: str
  category: str | None
  fields: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Scale:
  """From logits to scores.

  Attributes:
    scale, bias: logit = scale * cosine + bias, where a cosine is all there is.
    slope, intercept: of the calibration; None: there is none.
  """

  scale: float
  bias: float
  slope: float | None = None
  intercept: float | None = None

  def probability(self, logits: np.ndarray) -> np.ndarray | None:
    """float64, of logits of any shape."""
    if self.slope is None or self.intercept is None:
      return None
    x = self.slope * np.asarray(logits, np.float64) + self.intercept
    return 0.5 * (1 + np.tanh(0.5 * x))  # The sigmoid; never overflows.

  def score(self, strategy: str, logits: np.ndarray) -> np.ndarray:
    """What `strategy` ranks by; rises with the logit."""
    if strategy == 'probability':
      probabilities = self.probability(logits)
      assert probabilities is not None  # `Answerer.threshold` sees to it.
      return probabilities
    return (np.asarray(logits, np.float64) - self.bias) / self.scale
