"""Every item of a history, against all items of the batch."""

from typing import ClassVar

from jaxrec.parallel.sharding import replicate
from jaxrec.training import losses
from jaxrec.training.objectives.objective import Objective


class NextItemObjective(Objective):
  """See `losses.next_item`."""

  reads_histories: ClassVar[bool] = True

  def loss(self, model, table, batch, *, shards):
    return losses.next_item(
      model.next_logits(table, batch, shards=shards),
      batch.history,
      batch.history_mask,
      batch.context.events,
      replicate(batch.items),
      replicate(batch.log_rates),
      kind=self.config.loss,
    )
