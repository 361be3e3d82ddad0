import struct

from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2
from tensorboard.summary.writer import record_writer

from jaxrec.report.curves import read_curves


def write_events(path, scalars):
  """An event file of (wall time, tag, step, value)."""
  with path.open('wb') as file:
    writer = record_writer.RecordWriter(file)
    for at, tag, step, value in scalars:
      summary = summary_pb2.Summary()
      tensor = summary.value.add(tag=tag).tensor
      tensor.dtype = types_pb2.DT_FLOAT
      tensor.tensor_content = struct.pack('<f', value)
      event = event_pb2.Event(wall_time=at, step=step, summary=summary)
      writer.write(event.SerializeToString())


def test_the_last_written_counts(tmp_path):
  assert read_curves(tmp_path) == {}
  write_events(
    tmp_path / 'events.out.tfevents.20.host',
    [(20.0, 'train/loss', 2, 0.25), (20.0, 'validation/auc', 2, 0.5)],
  )
  # The interrupted run got further, and came before.
  write_events(
    tmp_path / 'events.out.tfevents.1.host',
    [
      (3.0, 'train/loss', 3, 4.0),
      (1.0, 'train/loss', 1, 1.0),
      (2.0, 'train/loss', 2, 2.0),
    ],
  )
  assert read_curves(tmp_path) == {
    'train/loss': [[1, 1.0], [2, 0.25], [3, 4.0]],
    'validation/auc': [[2, 0.5]],
  }


def test_a_file_that_breaks_off_counts_up_to_there(tmp_path):
  path = tmp_path / 'events.out.tfevents.1.host'
  write_events(path, [(1.0, 'a', step, float(step)) for step in range(3)])
  whole = path.read_bytes()
  for cut in (1, 20, len(whole) // 3):
    path.write_bytes(whole[:-cut])
    assert read_curves(tmp_path) == {'a': [[0, 0.0], [1, 1.0]]}
