"""Every item of a history, against all items of the batch or of the catalog."""

import dataclasses
from typing import Any, ClassVar

from jaxrec.errors import UserError, one_of_known
from jaxrec.parallel.sharding import replicate
from jaxrec.training import losses
from jaxrec.training.catalog_loss import catalog_softmax
from jaxrec.training.objectives.objective import Objective, ObjectiveConfig


@dataclasses.dataclass(frozen=True)
class NextItemConfig(ObjectiveConfig):
  """The objective of the next item.

  Attributes:
    among: what it is to be chosen from: 'catalog', softmax over all items;
      'batch', over those of the batch and some drawn ones, which any catalog
      and a language model that trains allow; 'auto': the catalog where it is
      small enough.
    smoothing: with among=catalog the share of a target that goes to all items
      alike.
  """

  among: str = 'batch'
  smoothing: float = 0.0

  def __post_init__(self):
    super().__post_init__()
    one_of_known(self, among=('batch', 'catalog', 'auto'))
    if not 0 <= self.smoothing < 1:
      raise UserError(f'smoothing={self.smoothing}: must be 0 or more, < 1')
    if self.among == 'catalog' and self.loss != 'softmax':
      raise UserError(
        f'loss={self.loss}: among=catalog is a softmax: give loss=softmax, or '
        'among=batch'
      )
    if self.among == 'batch' and self.smoothing:
      raise UserError(
        f'smoothing={self.smoothing}: only among=catalog has one: give 0'
      )


class NextItemObjective(Objective):
  """See `losses.next_item`, or `catalog_loss`."""

  Config: ClassVar[type] = NextItemConfig
  reads_histories: ClassVar[bool] = True

  def __init__(self, config: Any):
    super().__init__(config)
    self.reads_catalog = config.among == 'catalog'

  def loss(self, model, table, batch, *, shards, key=None):
    if self.reads_catalog:
      users = model.next_users(table, batch, shards=shards, key=key)
      counted = batch.history_mask & (batch.context.events > 0)
      return catalog_softmax(
        users.reshape(-1, users.shape[-1]),
        table,
        batch.history.reshape(-1),
        counted.reshape(-1),
        batch.items >= 0,
        smoothing=self.config.smoothing,
      )
    return losses.next_item(
      model.next_logits(table, batch, shards=shards, key=key),
      batch.history,
      batch.history_mask,
      batch.context.events,
      replicate(batch.items),
      replicate(batch.log_rates),
      kind=self.config.loss,
    )
