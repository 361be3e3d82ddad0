"""What a model answers with: items, their scores and probabilities."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxrec.inference.requests import RequestedHistory
from jaxrec.retrieval.choice import Choice


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
    terms: what each term of the model, and each closed form beside it, added
      to it, by name, likewise; None of a bundle that version 0.1.0 wrote.
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

  @classmethod
  def of(
    cls,
    history: RequestedHistory,
    rows: np.ndarray,
    ids: Sequence[str],
    scores: np.ndarray,
    logits: np.ndarray,
    probabilities: np.ndarray | None,
    shares: np.ndarray | None,
    terms: list[dict[str, float]] | None,
  ) -> 'Recommendations':
    """From columns of C items.

    Args:
      history: whose answer it is.
      rows, ids, scores, logits: [C].
      probabilities: [C]; None: the bundle has none.
      shares: contributions [H, C]; None: not asked for, as terms [C].
    """
    none = [None] * len(ids)
    answer = cls(
      map(
        Recommendation,
        ids,
        scores.tolist(),
        logits.tolist(),
        none if probabilities is None else probabilities.tolist(),
        none if shares is None else map(tuple, shares.T.tolist()),
        none if terms is None else terms,
      )
    )
    answer.read = tuple(history.places)
    answer.unknown = tuple(history.unknown)
    answer.rows = tuple(rows.tolist())
    return answer


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
  """From logits to scores and, of lists that were shown, to probabilities.

  Attributes:
    scale, bias: logit = scale * cosine + bias, where a cosine is all there is;
      only `longest` of None needs the scale.
    slope, intercept: of a sigmoid; None: there is none.
    longest: length of the catalog's longest item vector; None of a bundle that
      version 0.1.0 wrote, whose scores are (logit - bias) / scale.
    choice: of a bundle whose protocol ranks whole catalogs; None of others, and
      where it could not be fitted.
  """

  scale: float | None
  bias: float
  slope: float | None = None
  intercept: float | None = None
  longest: float | None = None
  choice: Choice | None = None

  @property
  def has_probabilities(self) -> bool:
    """Whether the bundle could be calibrated."""
    return self.slope is not None or self.choice is not None

  def sigmoid(self, logits: np.ndarray) -> np.ndarray | None:
    """Probabilities float64, of logits of any shape; None without a slope."""
    if self.slope is None or self.intercept is None:
      return None
    x = self.slope * np.asarray(logits, np.float64) + self.intercept
    return 0.5 * (1 + np.tanh(0.5 * x))  # The sigmoid; never overflows.

  def cosine(
    self, logits: np.ndarray, user: np.ndarray, most_added: float = 0.0
  ) -> np.ndarray:
    """The cosine of a user and items, all of which are given one length.

    Every item vector gets one column more, which makes it as long as the
    longest and which users lack: the products stay, and so does their order,
    which it would not if each were divided by its own length (Neyshabur &
    Srebro, 2015). Of unit vectors it is the plain cosine. What closed forms
    add to the products comes with the most that it could be.

    Args:
      logits: float32 [C], of any items.
      user: float32 [W].
      most_added: no less than what closed forms add to any logit.

    Returns:
      float64 [C], in [-1, 1]: what is beyond, since it was added later and is
      longer than all, is cut.
    """
    products = np.asarray(logits, np.float64) - self.bias
    if self.longest is None:
      assert self.scale is not None  # 0.1.0 wrote it.
      return products / self.scale
    length = self.longest * float(np.linalg.norm(user)) + most_added
    return np.clip(products / max(length, 1e-30), -1, 1)
