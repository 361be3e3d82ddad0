import dataclasses

import numpy as np
import pytest

from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.splits.held_out import (
  PROTOCOLS,
  cold_items,
  cut,
  leave_one_out,
  targets_of,
  time_split,
)
from jaxrec.errors import UserError
from tests.data.columns.test_sequences import random_sequences, user


def example(split, user_id):
  """History, its times and targets of a user; None where there is none."""
  rows = [i for i in range(len(split)) if split.user_ids[i] == user_id]
  if not rows:
    return None
  (i,) = rows
  past = slice(split.history_offsets[i], split.history_offsets[i + 1])
  shown = split.shown(i)
  assert split.labels[shown].all()
  return split.history[past], split.history_times[past], split.candidates[shown]


def test_leave_one_out_holds_whole_events_out():
  sequences = random_sequences()
  held = leave_one_out(sequences)
  single = 0
  for i in range(len(sequences)):
    items, times = user(sequences, i)
    events = np.unique(times)
    train, _ = user(held.train, i)
    before_test, _ = user(held.before_test, i)
    for split, age, least in ((held.test, 1, 2), (held.validation, 2, 3)):
      held_example = example(split, f'u{i}')
      assert (held_example is None) == (len(events) < least)
      if held_example:
        history, history_times, targets = held_example
        moment = events[-age]
        assert sorted(targets) == sorted(set(items[times == moment]))
        np.testing.assert_array_equal(history, items[times < moment])
        np.testing.assert_array_equal(history_times, times[times < moment])
    last = events[max(len(events) - 2, 1)] if len(events) > 1 else np.inf
    np.testing.assert_array_equal(train, items[times < last])
    last = events[-1] if len(events) > 1 else np.inf
    np.testing.assert_array_equal(before_test, items[times < last])
    single += len(events) == 1
  assert single and single in held.counts.values()


def test_targets_of_one_behaviour():
  sequences = random_sequences(2, users=200)
  wanted = targets_of(sequences, ('view', 'cart', 'buy'), 'buy')
  np.testing.assert_array_equal(wanted, sequences.behaviours == 2)
  held = leave_one_out(sequences, wanted)
  dropped = 0
  for i in range(len(sequences)):
    part = slice(sequences.offsets[i], sequences.offsets[i + 1])
    items, times, kinds = (
      column[part]
      for column in (sequences.items, sequences.times, sequences.behaviours)
    )
    # The events that can be held out, the latest last.
    moments = np.unique(times[(kinds == 2) & (times > times[0])])
    for split, age, least in ((held.test, 1, 1), (held.validation, 2, 2)):
      held_example = example(split, f'u{i}')
      assert (held_example is None) == (len(moments) < least)
      if held_example:
        history, _, targets = held_example
        bought = items[(times == moments[-age]) & (kinds == 2)]
        assert sorted(targets) == sorted(set(bought))
        np.testing.assert_array_equal(history, items[times < moments[-age]])
    for part, age in ((held.train, 2), (held.before_test, 1)):
      end = moments[-min(age, len(moments))] if len(moments) else np.inf
      np.testing.assert_array_equal(user(part, i)[0], items[times < end])
    if len(moments):
      after = times > moments[-1]
      assert not (kinds[after] == 2).any()
      dropped += after.sum()
  assert dropped and dropped in held.counts.values()
  held = time_split(sequences, 0.2, wanted)
  late = sequences.times >= held.test.times.min()
  pairs = {
    *zip(
      sequences.users[late & wanted],
      sequences.items[late & wanted],
      strict=True,
    )
  }
  assert len(held.test.candidates) == len(pairs)


def cold_of(sequences, fraction):
  """Items of the test, of the validation, and the warm ones."""
  first = {}
  for item, time in zip(sequences.items, sequences.times, strict=True):
    first[item] = min(time, first.get(item, time))
  order = sorted(first, key=lambda item: (first[item], item))
  count = int(len(order) * fraction)
  split = np.split(order, [len(order) - 2 * count, len(order) - count])
  return [set(part.tolist()) for part in split[::-1]]


@pytest.mark.parametrize('kind', [None, 1])
def test_cold_items_are_unknown_to_training(kind):
  sequences = random_sequences(5, users=300)
  # New items come up over time, some at once.
  sequences = dataclasses.replace(
    sequences,
    items=np.maximum(sequences.items // 2 + sequences.times - 4, 0).astype(
      np.int32
    ),
  )
  wanted = None if kind is None else sequences.behaviours == kind
  held = cold_items(sequences, 0.15, wanted)
  *cold, warm = cold_of(sequences, 0.15)
  assert len(cold[0]) == len(cold[1]) > 1
  assert set(held.train.items) == warm
  assert set(held.before_test.items) == warm | cold[1]
  is_warm = np.isin(sequences.items, list(warm))
  assert len(held.train.items) == is_warm.sum()
  for split, new_items in ((held.test, cold[0]), (held.validation, cold[1])):
    row = 0
    for i in range(len(sequences)):
      part = slice(sequences.offsets[i], sequences.offsets[i + 1])
      items, times = user(sequences, i)
      mask = np.isin(items, list(new_items))
      if kind is not None:
        mask &= sequences.behaviours[part] == kind
      began = times[is_warm[part]].min(initial=99)
      if not (mask & (times > began)).any():
        continue
      moment = times[mask & (times > began)].min()
      assert split.user_ids[row] == f'u{i}'
      past = slice(*split.history_offsets[row : row + 2])
      expected = items[is_warm[part] & (times < moment)]
      np.testing.assert_array_equal(split.history[past], expected)
      assert split.history_times[past].max() < split.times[row] == moment
      shown = split.shown(row)
      assert split.candidates[shown].tolist() == sorted(new_items)
      targets = split.candidates[shown][split.labels[shown] > 0]
      assert set(targets) == set(items[mask & (times == moment)])
      row += 1
    assert row == len(split) > 5
  assert held.counts['warm items'] == len(warm)
  assert held.counts['test users'] == len(held.test)
  assert held.counts['cold items of the test'] == len(cold[0])


def test_of_items_that_came_at_once_the_highest_index_is_the_newest():
  sequences = Sequences(
    user_ids=np.array(['u', 'v', 'w']),
    offsets=np.array([0, 2, 4, 7]),
    items=np.array([0, 5, 1, 4, 0, 2, 3], np.int32),
    times=np.array([0, 9, 0, 9, 1, 9, 9]),
  )
  held = cold_items(sequences, 0.2)
  assert held.test.candidates.tolist() == [5]
  assert held.validation.candidates.tolist() == [4]


def test_cold_items_without_a_usable_time():
  sequences = random_sequences(6)
  order = np.arange(len(sequences.items)) - sequences.offsets[sequences.users]
  for times in (order, order - 100):
    held = cold_items(dataclasses.replace(sequences, times=times), 0.1)
    assert not set(held.train.items) & set(held.test.candidates)
  for fraction in (0.5, 0.0):
    with pytest.raises(UserError, match='leaves none to train on'):
      cold_items(sequences, fraction)
  with pytest.raises(UserError, match='nobody acts on one of the'):
    still = np.zeros_like(sequences.times)
    cold_items(dataclasses.replace(sequences, times=still), 0.1)


def test_behaviours_stay_beside_their_items():
  sequences = random_sequences(4)
  kind_of = np.arange(30, dtype=np.uint8) % 3
  sequences = dataclasses.replace(
    sequences, behaviours=kind_of[sequences.items]
  )
  for protocol in PROTOCOLS:
    held = cut(sequences, protocol, 0.1)
    for part in (held.train, held.before_test):
      np.testing.assert_array_equal(part.behaviours, kind_of[part.items])
    for split in (held.validation, held.test, held.test.take(np.array([3, 1]))):
      kinds = split.history_behaviours
      np.testing.assert_array_equal(kinds, kind_of[split.history])
  with pytest.raises(UserError, match="did you mean 'buy'"):
    targets_of(sequences, ('view', 'buy'), 'buys')


def test_time_split_learns_nothing_from_the_future():
  sequences = random_sequences()
  held = time_split(sequences, 0.2)
  latest = held.train.times.max()
  for split, known in ((held.validation, held.train), (held.test, None)):
    assert split.history_times.max() < split.times.min()
    if known:
      assert latest < split.times.min()
  assert held.before_test.times.max() < held.test.times.min()
  new = np.diff(held.test.history_offsets) == 0
  assert new.sum() < len(held.test)
  after = sequences.times >= held.test.times.min()
  pairs = {*zip(sequences.users[after], sequences.items[after], strict=True)}
  assert len(held.test.candidates) == len(pairs)


def test_the_order_of_a_tie_changes_nothing():
  sequences = random_sequences()
  rng = np.random.default_rng(1)
  order = np.lexsort(
    (rng.random(len(sequences.items)), sequences.times, sequences.users)
  )
  other = leave_one_out(
    Sequences(
      sequences.user_ids,
      sequences.offsets,
      sequences.items[order],
      sequences.times[order],
    )
  )
  held = leave_one_out(sequences)
  for i in range(len(held.test)):
    candidates = held.test.candidates[held.test.shown(i)]
    assert sorted(candidates) == sorted(
      other.test.candidates[other.test.shown(i)]
    )


def test_an_unknown_protocol_is_named():
  with pytest.raises(UserError, match=r"'leave_one_out'\?"):
    cut(random_sequences(), 'leave_one', 0.1)
  with pytest.raises(UserError, match=r'validation_fraction=0\.6'):
    cut(random_sequences(), 'time_split', 0.6)
