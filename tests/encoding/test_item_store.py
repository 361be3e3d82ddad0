import errno
import multiprocessing
import os

import ml_dtypes
import numpy as np
import pytest

from jaxrec.encoding import item_store
from jaxrec.encoding.item_store import ItemStore
from jaxrec.errors import UserError

LENGTHS = np.array([3, 1, 4, 2, 5])
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])
WIDTH = 2


def make(directory, dtype=np.float32, **options):
  return ItemStore(
    directory / 'made',
    'rows',
    offsets=OFFSETS,
    width=WIDTH,
    dtype=dtype,
    **options,
  )


def rows_of(items):
  """What the items' rows shall be: the numbers of their tokens."""
  tokens = np.concatenate([np.arange(*OFFSETS[i : i + 2]) for i in items])
  return np.stack([tokens, -tokens], 1)


def fill(directory, items, **options):
  with make(directory, **options) as store:
    store.write(np.array(items), rows_of(items))
  return store


@pytest.mark.parametrize('dtype', [np.float32, ml_dtypes.bfloat16])
def test_what_is_written_in_any_order_is_read_in_the_catalogs(tmp_path, dtype):
  with make(tmp_path, dtype) as store:
    store.write(np.array([4, 0]), rows_of([4, 0]))
    store.write(np.array([2, 1, 3]), rows_of([2, 1, 3]))
  found = store.read()
  assert found.dtype == dtype and not found.flags.writeable
  np.testing.assert_array_equal(found, rows_of(range(5)).astype(dtype))
  assert not (tmp_path / 'made.partial').exists()


def test_the_next_one_goes_on_and_a_finished_one_is_only_read(tmp_path):
  fill(tmp_path, [3, 1])
  assert not (tmp_path / 'made').exists()
  with make(tmp_path) as store:
    np.testing.assert_array_equal(store.done, [0, 1, 0, 1, 0])
    store.write(np.array([0, 2, 4]), rows_of([0, 2, 4]))
  np.testing.assert_array_equal(store.read(), rows_of(range(5)))
  with make(tmp_path) as again:
    assert again.done.all() and not again.is_writer
  np.testing.assert_array_equal(again.read(), rows_of(range(5)))


def killed(directory):
  item_store.FLUSH_SECONDS = 0.0
  with make(directory) as store:
    store.write(np.array([2, 0]), rows_of([2, 0]))
    item_store.FLUSH_SECONDS = 1e9
    store.write(np.array([1]), rows_of([1]))  # Never flushed: not vouched for.
    os._exit(9)


def test_a_kill_costs_what_was_not_flushed(tmp_path):
  process = multiprocessing.get_context('spawn').Process(
    target=killed, args=(tmp_path,)
  )
  process.start()
  process.join()
  assert process.exitcode == 9
  with make(tmp_path) as store:
    np.testing.assert_array_equal(store.done, [1, 0, 1, 0, 0])
    store.write(np.array([1, 3, 4]), rows_of([1, 3, 4]))
  np.testing.assert_array_equal(store.read(), rows_of(range(5)))


def test_one_writer_and_the_others_see_what_is_done(tmp_path):
  with make(tmp_path) as writer:
    writer.write(np.arange(5), rows_of(range(5)))
    with make(tmp_path, wait=False) as other:
      assert writer.is_writer and not other.is_writer
      assert not other.done.any()
      other.write(np.arange(5), np.zeros((15, WIDTH)))  # Not its to write.
  np.testing.assert_array_equal(other.read(), rows_of(range(5)))


def test_who_waits_for_another_says_so_and_finds_it_done(tmp_path, monkeypatch):
  said = []
  lock = item_store.fcntl.flock

  def flock(file, how):
    """The other holds it, and is done when we come to wait."""
    if how & item_store.fcntl.LOCK_NB and not said:
      raise BlockingIOError
    (tmp_path / 'made').mkdir()
    lock(file, how)

  monkeypatch.setattr(item_store.fcntl, 'flock', flock)
  with make(tmp_path, say=said.append) as store:
    assert store.done.all() and not store.is_writer
  assert 'another process is making' in said[0]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
  def full(*args):
    raise OSError(errno.ENOSPC, 'No space left on device')

  monkeypatch.setattr(item_store.os, 'posix_fallocate', full)
  with pytest.raises(UserError, match=r'no room for .* rows: free some'):
    fill(tmp_path, [0])
  assert not list(tmp_path.iterdir())


def test_an_error_in_between_keeps_what_is_done(tmp_path):
  with pytest.raises(RuntimeError), make(tmp_path) as store:
    store.write(np.array([1]), rows_of([1]))
    raise RuntimeError
  with make(tmp_path) as store:
    np.testing.assert_array_equal(store.done, [0, 1, 0, 0, 0])
