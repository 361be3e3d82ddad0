"""What the benchmark of scale reads and counts; no timing is tested here."""

import argparse
import json
import mmap

import numpy as np
import pytest

from benchmarks import scale
from jaxrec.data.batches.assemble import PackedItems
from jaxrec.data.batches.train import TrainPipeline
from jaxrec.errors import UserError


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
  with pytest.raises(UserError, match='GB needed for'):
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


def test_each_size_is_measured_and_removed(tmp_path, monkeypatch, reported):
  in_a_process, started = scale._in_a_process, []

  def one_in_a_process(part, directory, args):
    if part == 'batches' and not started:
      started.append(part)
      return in_a_process(part, directory, args)
    args = argparse.Namespace(batch=32, steps=5, directory=directory)
    return json.loads(json.dumps(scale.PARTS[part](args)))

  # A process takes seconds to import what it needs.
  monkeypatch.setattr(scale, '_in_a_process', one_in_a_process)
  flags = ['--items=500', '--examples=10_000', '--batch=32', '--steps=5']
  report = reported(scale.main, [*flags, f'--dir={tmp_path}'])
  assert [path.name for path in tmp_path.iterdir()] == ['report.json']
  sizes = report['sizes']
  assert [size['examples'] for size in sizes] == [100, 1000, 10_000]
  assert [size['items'] for size in sizes] == [5, 50, 500]
  for size in sizes:
    assert len(size['batches']['seconds_per_batch_of_rounds']) == scale.ROUNDS
  on_disk = [size['bytes_on_disk'] for size in sizes]
  assert on_disk == sorted(on_disk)
  assert report['largest_by_smallest']['examples'] == 100


def test_the_largest_is_compared_with_the_smallest():
  memory = {'anonymous': 10, 'file_pages': 1}
  batches = {'seconds_per_batch': 2.0, 'seconds_to_first_batch': 3.0}
  size = {'examples': 100, 'clicks': {'memory': memory}}
  size['batches'] = batches | {'memory': memory}
  ratios = scale.compare([size, size | {'examples': 1000}])
  assert ratios.pop('examples') == 10
  assert set(ratios.values()) == {1.0}
