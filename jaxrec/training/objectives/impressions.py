"""A click against what was shown with it, or against drawn items."""

from jaxrec.training import losses
from jaxrec.training.objectives.objective import Objective


class ImpressionsObjective(Objective):
  """Cross-entropy of each example's candidates."""

  def loss(self, model, table, batch, *, shards, key=None):
    return losses.LISTED[self.config.loss](
      model.logits(table, batch, shards=shards, key=key),
      batch.labels,
      batch.candidate_mask,
    )
