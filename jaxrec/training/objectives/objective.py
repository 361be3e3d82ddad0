"""What an objective is: a loss over a batch.

A new one is a file with a subclass of Objective and its Config, a line in
OBJECTIVES (`jaxrec.training.objectives`), and a test.
"""

import dataclasses
from typing import Any, ClassVar

import jax

from jaxrec.batch import Batch
from jaxrec.errors import at_least, one_of_known
from jaxrec.training.losses import KINDS


@dataclasses.dataclass(frozen=True)
class ObjectiveConfig:
  """Of any objective.

  Attributes:
    loss: sigmoid, cross-entropy of each candidate by itself; or softmax, of
      which one it was.
    weight: of its loss beside the other objectives'.
  """

  loss: str = 'sigmoid'
  weight: float = 1.0

  def __post_init__(self):
    one_of_known(self, loss=KINDS)
    at_least(self, weight=0)


class Objective:
  """A loss over a batch; holds no parameters.

  Args:
    config: its own.
  """

  Config: ClassVar[type] = ObjectiveConfig
  # Whether the items of histories are predicted: such batches hold what that
  # needs, see `data.batches.examples`.
  reads_histories: ClassVar[bool] = False
  # Whether the batch's table of items is the whole catalog, in order, its rows
  # split over the mesh; see `data.batches.catalog`.
  reads_catalog: bool = False

  def __init__(self, config: Any):
    self.config = config

  def loss(
    self, model, table: jax.Array, batch: Batch, *, shards: int, key=None
  ) -> tuple[jax.Array, jax.Array]:
    """(loss_sum in nats, count), float32 scalars: the caller divides.

    Args:
      model: a Recommender.
      table: of item vectors [M, W]; whole on every device, or the catalog's.
      batch: on the mesh.
      shards: devices that share the batch.
      key: of dropout; None for none.
    """
    raise TypeError(f'{type(self).__name__} has no loss')
