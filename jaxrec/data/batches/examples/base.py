"""What every source of training examples yields."""

from typing import NamedTuple, Protocol

import numpy as np

from jaxrec.batch import Context
from jaxrec.data.batches.context import Ragged


class Examples(NamedTuple):
  """Some training examples, by item indices.

  Attributes:
    histories: int32, what each user acted on, oldest first.
    candidates: int32, what is scored against it.
    labels: bool, one per candidate: was it acted on?
    context: ragged, how and when the items of the histories were acted on.
  """

  histories: Ragged
  candidates: Ragged
  labels: Ragged
  context: Context


class ExampleSource(Protocol):
  """Numbered training examples, any of which can be had at any time.

  What is drawn for an example depends on (seed, epoch, example) alone.
  """

  def __len__(self) -> int:
    """How many examples an epoch has."""

  def describe(self, rows: np.ndarray) -> list[str]:
    """Whose the examples `rows` are, for messages: 'user u7'."""

  def take(self, rows: np.ndarray, epochs: np.ndarray) -> Examples:
    """The examples `rows` as they are in the epochs given; int64 [B] each."""


def target_first(num_others: np.ndarray) -> np.ndarray:
  """Labels of candidates: of each example one target, then so many others.

  Args:
    num_others: int [B].

  Returns:
    bool, end to end.
  """
  labels = np.zeros(num_others.sum() + len(num_others), bool)
  labels[np.cumsum(num_others + 1) - (num_others + 1)] = True
  return labels
