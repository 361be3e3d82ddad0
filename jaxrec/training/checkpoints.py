"""Checkpoints: saved while training goes on, the last two and the best kept.

Each is saved with checksums of its arrays, so that one which was damaged,
wherever and on whatever mesh it is read, is known and set aside.
"""

import json
import math
import pathlib
import shutil
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import v1 as ocp

from jaxrec.data import literal_names
from jaxrec.errors import UserError
from jaxrec.preflight import check_name
from jaxrec.training import legacy_checkpoints
from jaxrec.training.checksums import checksums
from jaxrec.training.read_errors import is_of_the_environment

OTHER_MODEL = 'a checkpoint of another model'
PARTIAL = '.orbax-checkpoint-tmp'  # In the name of what is being written.
STEP = 'step'  # Among a checkpoint's metrics, to tell equals apart.


class Checkpoints:
  """Train states under a directory, by step.

  Args:
    directory: made if absent.
    say: called with a line for people when a checkpoint is set aside.
    select: the validation metric that names the best checkpoint.
  """

  def __init__(
    self,
    directory: pathlib.Path,
    say=lambda text: None,
    *,
    select: str = 'auc',
  ):
    policies = ocp.training.preservation_policies
    self.directory = directory.absolute()
    self.aside = self.directory.with_name(f'{directory.name}.damaged')
    self._say = say
    self._select = select
    keep = [
      policies.LatestN(n=2),
      policies.BestN(
        get_metric_fn=lambda metrics: merit(metrics, select),
        n=1,
        keep_checkpoints_without_metrics=False,
      ),
    ]
    check_name(self.directory)
    literal_names.take_literally()
    try:
      self._set_unlisted_aside()
      self._remove_partial()
      self._checkpointer = ocp.training.Checkpointer(
        self.directory,
        preservation_policy=policies.AnyPreservationPolicy(keep),
      )
    except OSError as e:
      raise UserError(f'{self.directory}: cannot be written: {e}') from e

  def latest(self) -> int | None:
    """The last step saved."""
    latest = self._checkpointer.latest
    return None if latest is None else latest.step

  def save(self, step: int, state, metrics: dict | None = None) -> None:
    """Starts saving `state`; returns once the arrays are copied.

    Raises:
      UserError: this one, or the one before, cannot be written.
    """
    sums = {name: int(x) for name, x in checksums(state).items()}
    if metrics is not None:
      metrics = {**metrics, STEP: step}
    try:
      self._checkpointer.save_async(
        step,
        state,
        metrics=metrics,
        force=True,
        custom_metadata={'checksums': sums},
      )
    except Exception as e:  # As many kinds of error as there are disks.
      raise self._unwritten(e) from e

  def wait(self) -> None:
    """Blocks until what was started is saved.

    Raises:
      UserError: it cannot be written.
    """
    try:
      self._checkpointer.wait()
    except Exception as e:
      raise self._unwritten(e) from e

  def restore(self, step: int, state):
    """The state saved at `step`, laid out as `state` (arrays or shapes).

    Raises:
      UserError: the checkpoint is damaged or of another model.
    """
    restored, why = self._load(step, state)
    if why:
      raise UserError(f'{self.directory / str(step)}: {why}')
    return restored

  def restore_latest(self, state):
    """(step, state) of the last whole checkpoint; (None, `state`) of none.

    Damaged ones are set aside, by name, in the directory `aside`.

    Raises:
      UserError: there are checkpoints, and none is whole.
    """
    return self._first_whole(
      sorted((c.step for c in self._checkpointer.checkpoints), reverse=True),
      state,
    )

  def restore_best(self, state):
    """(step, state) of the best whole checkpoint, as `restore_latest`."""
    return self._first_whole(self._by_metric(), state)

  def best(self) -> tuple[float, int] | None:
    """The highest metric of what is saved, and its step; None of none."""
    judged = [
      (value, c.step)
      for c in self._checkpointer.checkpoints
      if c.metrics and math.isfinite(value := c.metrics[self._select])
    ]
    return max(judged, key=lambda x: (x[0], -x[1]), default=None)

  # ----------------------------------------------------------------- details
  def _by_metric(self) -> list[int]:
    """Steps saved with metrics, the best first; see `merit`."""
    scored = [
      (merit({STEP: c.step, **c.metrics}, self._select), c.step)
      for c in self._checkpointer.checkpoints
      if c.metrics
    ]
    return [step for _, step in sorted(scored, reverse=True)]

  def _first_whole(self, steps: Iterable[int], state):
    step = None
    for step in steps:
      restored, why = self._load(step, state)
      if not why:
        return step, restored
      self._set_aside(step, why)
      self._checkpointer.reload()
    if step is not None:
      raise UserError(
        f'{self.directory}: no whole checkpoint is left, see {self.aside}: the '
        'same command begins anew'
      )
    return None, state

  def _load(self, step: int, state):
    """(the state saved at `step`, ''), or (None, why it is not whole).

    The answer is the same in all processes: what one finds damaged, all do.
    """
    abstract = jax.tree.map(
      lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding),
      state,
    )
    restored, sums, why, is_old, unreadable = None, {}, '', False, ''
    try:
      saved = self._checkpointer.metadata(step)
      sums = (saved.custom_metadata or {}).get('checksums', {})
      is_old = legacy_checkpoints.is_old(saved.metadata)
      if is_old:
        layout = legacy_checkpoints.layout(saved.metadata, abstract)
      elif _kinds(saved.metadata) in ([], _kinds(abstract)):
        layout = abstract
      else:
        layout = None
      if layout is None:
        why = OTHER_MODEL
      else:
        restored = self._checkpointer.load(step, layout)
    except Exception as e:  # Damage shows as many kinds of error.
      reason = ' '.join(str(e).split())[:120]
      if is_of_the_environment(e):
        unreadable = reason
      why = f'damaged checkpoint ({type(e).__name__}: {reason})'
    if not _all_agree(not unreadable):  # What may be whole stays where it is.
      raise UserError(
        f'{self.directory / str(step)}: cannot be read now '
        f'({unreadable or "by another process"}): it is left as it is; mend '
        'that, and the same command goes on'
      )
    if not _all_agree(not why):
      return None, why or 'damaged checkpoint (for another process)'
    for name, checksum in checksums(restored).items():
      if int(checksum) != sums.get(name):
        return None, f'damaged checkpoint (the checksum of {name} is not right)'
    if is_old and restored is not None:
      restored = legacy_checkpoints.translate(restored, abstract)
    return restored, ''

  def _remove_partial(self) -> None:
    """What a save left that was cut off.

    Orbax would do so in a thread, which ends in a traceback where the process
    ends before it, say by an error in the data.
    """
    if jax.process_index() == 0:
      for path in self.directory.glob(f'*{PARTIAL}*'):
        shutil.rmtree(path, ignore_errors=True)

  def _set_unlisted_aside(self) -> None:
    """Those whose metrics are damaged: Orbax stops when it lists them."""
    for path in self.directory.glob('[0-9]*/metrics/metrics'):
      try:
        json.loads(path.read_text(encoding='utf8'))
      except ValueError as e:
        self._set_aside(int(path.parts[-3]), f'damaged checkpoint ({e})')

  def _set_aside(self, step: int, why: str) -> None:
    if why == OTHER_MODEL:
      raise UserError(
        f'{self.directory / str(step)}: {why}: use another workdir'
      )
    checkpoint, place = self.directory / str(step), self.aside / str(step)
    if jax.process_index() == 0:
      count = 0
      while place.exists():
        count += 1
        place = self.aside / f'{step}.{count}'
      try:
        self.aside.mkdir(exist_ok=True)
        checkpoint.rename(place)
      except OSError as e:
        raise UserError(
          f'{checkpoint}: {why}; cannot be moved away: {e}'
        ) from e
    if jax.process_count() > 1:
      multihost_utils.sync_global_devices(f'step {step} is set aside')
    self._say(f'{checkpoint}: {why}: set aside as {place}')

  def _unwritten(self, error: Exception) -> UserError:
    reason = ' '.join(str(error).split())[:300]
    whole = [
      int(path.name) for path in self.directory.iterdir() if path.name.isdigit()
    ]
    last = f'step {max(whole)}' if whole else 'none'
    return UserError(
      f'{self.directory}: a checkpoint cannot be written ({reason}): the last '
      f'whole one is {last}; make room or mend the disk, and the same command '
      'goes on from there'
    )


def merit(metrics: Any, select: str) -> tuple[float, int]:
  """What the best checkpoint has most of; of equals early steps count as more.

  Where validation measures nothing, the last step is the best.

  Args:
    metrics: of validation, and STEP.
    select: the one that decides.
  """
  value, step = metrics[select], metrics.get(STEP, 0)
  if not math.isfinite(value):
    return -math.inf, step
  return value, -step


def _kinds(tree) -> list[str]:
  """Shapes and dtypes in a tree, in no order; [] of what is unreadable."""
  return sorted(f'{x.dtype}{x.shape}' for x in jax.tree.leaves(tree))


def _all_agree(is_whole: bool) -> bool:
  if jax.process_count() == 1:
    return is_whole
  return bool(multihost_utils.process_allgather(np.array(is_whole)).all())
