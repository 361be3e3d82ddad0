"""Several users' runs in a row: none is lost, none is mixed with another."""

import numpy as np
import pytest

from jaxrec.batch import NEVER
from jaxrec.data.batches.catalog import CatalogPipeline
from jaxrec.data.batches.examples.augment import augmented
from jaxrec.data.batches.examples.packed import PackedRuns, pack_runs
from jaxrec.data.batches.examples.runs import Runs
from jaxrec.data.config import AugmentConfig
from tests.data.batches.test_examples import random_sequences

LENGTH = 6


def test_every_run_is_in_one_row_and_rows_are_full():
  rng = np.random.default_rng(0)
  lengths = rng.integers(2, 21, 500)
  packed, counts = pack_runs(lengths, 20, rng)
  np.testing.assert_array_equal(np.sort(packed), np.arange(500))
  rows = np.repeat(np.arange(len(counts)), counts)
  filled = np.bincount(rows, lengths[packed])
  assert filled.max() <= 20 and filled.mean() > 18.5


def packed_runs(**changes):
  return PackedRuns(random_sequences(), LENGTH, 0, **changes)


def test_a_row_has_the_runs_as_they_are_alone():
  sequences = random_sequences()
  source, runs = packed_runs(), Runs(sequences, LENGTH, 0)
  rows = np.arange(len(source))
  items, read, context = source.take(rows, np.zeros_like(rows))
  assert read.values.all()
  seen = []
  for i in range(len(rows)):
    segments = context.segments.rows()[i]
    for segment in range(segments.max() + 1):
      here = segments == segment
      seen.append(
        tuple(
          tuple(column.rows()[i][here].tolist())
          for column in (items, context.events, context.again, context.days)
        )
      )
  each = np.arange(len(runs))
  places, lengths = runs.places(each, np.zeros_like(each))
  alone = runs.context(places, lengths)
  cut = np.cumsum(lengths)[:-1]
  want = [
    tuple(tuple(x.tolist()) for x in columns)
    for columns in zip(
      np.split(sequences.items[places], cut),
      alone.events.rows(),
      alone.again.rows(),
      alone.days.rows(),
      strict=True,
    )
  ]
  assert sorted(seen) == sorted(want)
  assert NEVER in {x for run in want for x in run[2]}


@pytest.mark.parametrize('ordered', [True, False])
def test_a_batch_is_a_function_of_seed_and_step(ordered):
  options = {
    'sequences': random_sequences(),
    'num_items': 30,
    'batch_size': 4,
    'history_length': LENGTH,
    'seed': 3,
    'ordered': ordered,
    'augment': AugmentConfig(crop=0.5, drop=0.2, mask=0.3, reorder=0.5),
  }
  first = list(CatalogPipeline(**options).batches(0, 6))
  later = list(CatalogPipeline(**options).batches(4, 6))
  for a, b in zip(first[4:], later, strict=True):
    np.testing.assert_array_equal(a.history, b.history)
    np.testing.assert_array_equal(a.read_mask, b.read_mask)
    np.testing.assert_array_equal(a.context.segments, b.context.segments)
  assert not np.array_equal(first[0].history, first[1].history)


def test_changes_leave_events_in_order_and_items_of_the_run():
  rng = np.random.default_rng(0)
  config = AugmentConfig(crop=0.9, drop=0.4, mask=0.4, reorder=0.9)
  places = np.arange(100, 112)
  lengths = set()
  for _ in range(200):
    run = augmented(places, config, rng)
    assert (np.diff(run.places) > 0).all()
    np.testing.assert_array_equal(np.sort(run.item_places), run.places)
    assert len(run.places) == len(run.read) >= 2
    lengths.add(len(run.places))
  assert len(lengths) > 5
  same = augmented(places, AugmentConfig(), rng)
  np.testing.assert_array_equal(same.item_places, places)
  assert same.read.all()
