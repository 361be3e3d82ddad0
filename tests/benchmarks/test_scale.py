"""What the benchmark of scale reads and counts; no timing is tested here."""

import argparse
import json
import mmap

import numpy as np
import pytest

from benchmarks import scale
from jaxrec.data.batches.assemble import PackedItems
from jaxrec.data.batches.train import TrainPipeline


def base_of(array):
  """What the memory of an array belongs to in the end."""
  while isinstance(array, np.ndarray) and array.base is not None:
    array = array.base
  return array


def arrays_of(thing):
  """Every array reachable from an object's attributes."""
  if isinstance(thing, np.ndarray):
    yield thing
  elif hasattr(thing, '__dict__'):
    for value in vars(thing).values():
      yield from arrays_of(value)


@pytest.fixture(scope='module')
def small_set(tmp_path_factory):
  directory = tmp_path_factory.mktemp('scale')
  scale.write_set(directory, items=500, examples=2000)
  return directory


def test_a_pipeline_holds_no_array_of_its_own(small_set):
  catalog, impressions = scale.read_set(small_set)
  pipeline = TrainPipeline(
    impressions, PackedItems(catalog, 32, 4), 8, scale.CANDIDATES, 50, 0
  )
  next(pipeline.batches(0, 1))
  found = list(arrays_of(pipeline))
  assert sum(array.nbytes for array in found) > 100_000
  assert all(isinstance(base_of(array), mmap.mmap) for array in found)


def test_the_set_is_as_described(small_set):
  catalog, impressions = scale.read_set(small_set)
  assert (len(catalog), len(impressions)) == (500, 2000)
  lengths = catalog.lengths
  assert lengths.min() == scale.MIN_TOKENS
  assert lengths.max() == scale.MAX_TOKENS
  histories = np.diff(impressions.history_offsets)
  assert histories.min() == 0 and histories.max() == scale.HISTORY
  assert 10 < histories.mean() < 14
  labels = impressions.labels.reshape(2000, scale.CANDIDATES)
  assert (labels.sum(1) == 1).all()
  for items in (impressions.history, impressions.candidates):
    assert items.min() >= 0 and items.max() < 500
  clicks, owners = impressions.trainable_clicks()
  assert (owners == np.arange(2000)).all()
  assert (clicks == np.flatnonzero(impressions.labels)).all()


def test_room_is_asked_for_before_anything_is_written(tmp_path, small_set):
  size = sum(p.stat().st_size for p in small_set.rglob('*.npy'))
  needed = 500 * scale.BYTES_PER_ITEM + 2000 * scale.BYTES_PER_EXAMPLE
  assert size * 0.9 < needed < size * 1.3
  scale.check_room(str(tmp_path), 500, 2000)
  with pytest.raises(SystemExit, match='GB needed for'):
    scale.check_room(str(tmp_path), 500, 10**15)


def test_the_peak_sees_what_was_held_and_freed():
  size = 200_000_000
  before = scale.memory()['anonymous']
  with scale.peak_memory() as peak:
    held = np.ones(size, np.uint8)
    during = scale.memory()['anonymous']
    scale.threading.Event().wait(0.2)  # Longer than between two samples.
    del held
  assert during > before + size * 0.9
  assert peak['anonymous'] > before + size * 0.9


def test_each_size_is_measured_and_removed(tmp_path, monkeypatch):
  args = argparse.Namespace(batch=32, steps=5)
  in_a_process = scale._in_a_process

  def one_in_a_process(part, directory, args):
    if part == 'batches':
      return in_a_process(part, directory, args)
    args = argparse.Namespace(**vars(args), directory=directory)
    return json.loads(json.dumps(scale.PARTS[part](args)))

  # A process takes seconds to import what it needs.
  monkeypatch.setattr(scale, '_in_a_process', one_in_a_process)
  found = scale.measure(tmp_path / 'set', 50, 100, args)
  assert not (tmp_path / 'set').exists()
  assert found['examples'] == 100 and found['bytes_on_disk'] > 0
  assert len(found['batches']['seconds_per_batch_of_rounds']) == scale.ROUNDS
  ratios = scale.compare([found, found | {'examples': 1000}])
  assert ratios.pop('examples') == 10
  assert set(ratios.values()) == {1.0}
