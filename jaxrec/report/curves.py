"""Learning curves, read back from a workdir's event files."""

import pathlib
from collections.abc import Iterator
from typing import Any

from tensorboard.compat.proto import event_pb2
from tensorboard.compat.tensorflow_stub import errors, pywrap_tensorflow
from tensorboard.util import tensor_util


def read_curves(workdir: pathlib.Path) -> dict[str, list[list[float]]]:
  """All scalars of a workdir's event files.

  A run that was resumed has logged some steps twice: what was written last
  counts. A file that breaks off, as a killed process leaves it, counts up to
  there.

  Args:
    workdir: of a training run; one without event files has no curves.

  Returns:
    By tag, such as 'train/loss': [step, value] in the order of steps.
  """
  written: dict[tuple[str, int], tuple[float, float]] = {}
  for path in sorted(workdir.glob('events.out.tfevents.*')):
    for event in _events(path):
      for value in event.summary.value:
        key = value.tag, event.step
        scalar = _scalar(value)
        if scalar is None:
          continue
        if key not in written or event.wall_time >= written[key][0]:
          written[key] = event.wall_time, scalar
  curves: dict[str, list[list[float]]] = {}
  for (tag, step), (_, scalar) in sorted(written.items()):
    curves.setdefault(tag, []).append([step, scalar])
  return curves


def _events(path: pathlib.Path) -> Iterator[event_pb2.Event]:
  # TensorBoard's own loader would import all of TensorFlow for this.
  with errors.raise_exception_on_not_ok_status() as status:
    reader = pywrap_tensorflow.PyRecordReader_New(str(path), 0, '', status)
  while True:
    try:
      reader.GetNext()
    except (errors.OutOfRangeError, errors.DataLossError):
      return
    yield event_pb2.Event.FromString(reader.record())


def _scalar(value: Any) -> float | None:
  if value.HasField('simple_value'):
    return float(value.simple_value)
  if value.HasField('tensor') and not value.tensor.tensor_shape.dim:
    array = tensor_util.make_ndarray(value.tensor)
    return float(array) if array.dtype.kind in 'fiu' else None
  return None
