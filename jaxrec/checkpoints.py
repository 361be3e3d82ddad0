"""Checkpoints: saved while training goes on, the last two and the best kept."""

import pathlib

import jax
from orbax.checkpoint import v1 as ocp

from jaxrec.errors import UserError

SELECT = 'auc'  # The validation metric that names the best checkpoint.


class Checkpoints:
  """Train states under a directory, by step.

  Args:
    directory: made if absent.
  """

  def __init__(self, directory: pathlib.Path):
    policies = ocp.training.preservation_policies
    self.directory = directory.absolute()
    keep = [
      policies.LatestN(n=2),
      policies.BestN(
        get_metric_fn=lambda metrics: metrics[SELECT],
        n=1,
        keep_checkpoints_without_metrics=False,
      ),
    ]
    self._checkpointer = ocp.training.Checkpointer(
      self.directory,
      preservation_policy=policies.AnyPreservationPolicy(keep),
      cleanup_tmp_directories=True,
    )

  def latest(self) -> int | None:
    """The last step saved."""
    latest = self._checkpointer.latest
    return None if latest is None else latest.step

  def best(self) -> int | None:
    """The saved step with the highest validation metric; early wins ties."""
    scored = [
      (-c.metrics[SELECT], c.step)
      for c in self._checkpointer.checkpoints
      if c.metrics
    ]
    return min(scored)[1] if scored else None

  def metrics_of(self, step: int) -> dict[str, float] | None:
    """The metrics a step was saved with."""
    for checkpoint in self._checkpointer.checkpoints:
      if checkpoint.step == step:
        return checkpoint.metrics
    return None

  def save(self, step: int, state, metrics: dict | None = None) -> None:
    """Starts saving `state`; returns once the arrays are copied."""
    self._checkpointer.save_async(step, state, metrics=metrics, force=True)

  def restore(self, step: int, state):
    """The state saved at `step`, laid out as `state` (arrays or shapes).

    Raises:
      UserError: the checkpoint is damaged or of another model.
    """
    abstract = jax.tree.map(
      lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding),
      state,
    )
    try:
      return self._checkpointer.load(step, abstract)
    except Exception as e:  # Damage shows as many kinds of error.
      reason = ' '.join(str(e).split())[:200]
      raise UserError(
        f'{self.directory / str(step)}: damaged checkpoint, or one of another '
        f'model: move this folder away to go on from the one before '
        f'({type(e).__name__}: {reason})'
      ) from e

  def wait(self) -> None:
    """Blocks until what was started is saved."""
    self._checkpointer.wait()
