"""Examples of sequences; those of impressions are in test_train."""

import numpy as np
import pytest

from jaxrec.batch import NEVER
from jaxrec.data.batches.draws import draw_others
from jaxrec.data.batches.examples.next_items import NextItemExamples
from jaxrec.data.batches.examples.windows import WindowExamples
from jaxrec.data.batches.log_rates import log_rates
from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError
from tests.data.columns.test_sequences import random_sequences

N = 30


def make(sequences, **changes):
  options = {'num_candidates': 6, 'history_length': 4, 'seed': 0} | changes
  return NextItemExamples(sequences, N, **options)


def test_an_event_is_predicted_from_what_came_before_it():
  sequences = random_sequences()
  source = make(sequences)
  rows = np.arange(len(source))
  taken = source.take(rows, np.zeros_like(rows))
  *lists, context = taken
  parts = [ragged.rows() for ragged in (*lists, *context[:5])]
  done = 0
  for i in range(len(sequences)):
    part = slice(sequences.offsets[i], sequences.offsets[i + 1])
    items, times = sequences.items[part], sequences.times[part]
    for item, time in zip(items, times, strict=True):
      before = items[times < time]
      if not len(before):
        continue
      history, candidates, labels, events, behaviours, days, again, dates = (
        ragged[done] for ragged in parts
      )
      _, numbers = np.unique(times[times < time], return_inverse=True)
      last = numbers[-4:]
      np.testing.assert_array_equal(events, last - last[0])
      since = times[times < time][-4:]
      np.testing.assert_allclose(days, (since - since[0]) / 86400, rtol=1e-6)
      np.testing.assert_array_equal(dates, since // 86400)
      assert context.today[done] == time // 86400
      for place, event in enumerate(again):  # The next event that has it.
        later = events[place + 1 :][history[place + 1 :] == history[place]]
        assert event == (later[0] if len(later) else NEVER)
      kinds = sequences.behaviours[part][times < time][-4:]
      np.testing.assert_array_equal(behaviours, kinds)
      np.testing.assert_array_equal(history, before[-4:])
      assert candidates[0] == item and labels.tolist() == [True, *[False] * 5]
      assert not np.isin(candidates[1:], items).any()
      assert len(set(candidates.tolist())) == 6
      assert source.describe(np.array([done])) == [f'user u{i}']
      done += 1
  assert done == len(source)


def test_an_example_is_a_function_of_seed_epoch_and_row():
  source = make(random_sequences())
  rows = np.array([5, 17, 40, 5])
  zeros = np.zeros(4, int)
  first, again = (source.take(rows, zeros)[1].rows() for _ in range(2))
  np.testing.assert_array_equal(first, again)
  np.testing.assert_array_equal(first[0], first[3])
  alone = source.take(rows[1:2], zeros[1:2])[1].rows()
  np.testing.assert_array_equal(alone[0], first[1])
  later = source.take(rows, zeros + 1)[1].rows()
  assert not np.array_equal(first, later)
  other = make(random_sequences(), seed=1).take(rows, zeros)[1].rows()
  assert not np.array_equal(first, other)


def test_who_has_seen_nearly_everything_gets_fewer():
  items = np.arange(N - 2, dtype=np.int32)
  sequences = Sequences(
    np.array(['u']), np.array([0, N - 2]), items, np.arange(N - 2)
  )
  histories, candidates, labels, _ = make(sequences).take(
    np.array([0, 1]), np.zeros(2, int)
  )
  assert candidates.lengths.tolist() == [3, 3]
  assert labels.values.tolist() == [True, False, False] * 2
  assert sorted(candidates.values[1:3]) == [N - 2, N - 1]
  assert histories.lengths.tolist() == [1, 2]


def test_drawn_items_are_uniform_over_the_others():
  rng = np.random.default_rng(0)
  taken = np.array([0, 3, 3, 4, 9])
  counts = np.zeros(10, int)
  for _ in range(2000):
    counts[draw_others(rng, 10, taken, 2)] += 1
  assert counts[taken].sum() == 0
  others = np.setdiff1d(np.arange(10), taken)
  np.testing.assert_allclose(counts[others], 4000 / 6, rtol=0.15)


def test_nothing_to_learn_from():
  sequences = Sequences(
    np.array(['u']), np.array([0, 2]), np.array([1, 2]), np.array([5, 5])
  )
  with pytest.raises(UserError, match='nothing to learn from'):
    make(sequences)


def windows(sequences, **changes):
  options = {'num_candidates': 3, 'history_length': 4, 'seed': 0} | changes
  return WindowExamples(sequences, N, **options)


def test_windows_are_whole_sequences_in_runs():
  sequences = random_sequences()
  source = windows(sequences)
  rows = np.arange(len(source))
  histories, candidates, labels, context = source.take(rows, rows * 0)
  assert not labels.values.any() and (candidates.lengths == 3).all()
  users = [name.removeprefix('user ') for name in source.describe(rows)]
  runs = {}
  for user, items, numbers in zip(
    users, histories.rows(), context.events.rows(), strict=True
  ):
    runs.setdefault(user, []).insert(0, items)  # The last run comes first.
    assert numbers[0] == 0 < numbers[-1]  # There is something to predict.
    assert set(np.diff(numbers)) <= {0, 1}
  checked = 0
  for i in range(len(sequences)):
    user = str(sequences.user_ids[i])
    part = slice(sequences.offsets[i], sequences.offsets[i + 1])
    items = np.concatenate(runs.get(user, [np.zeros(0, int)]))
    if len(items) == part.stop - part.start:
      np.testing.assert_array_equal(items, sequences.items[part])
      checked += 1
  assert checked > 3


def test_a_set_comes_in_another_order_each_epoch_whole():
  sequences = random_sequences()
  source = windows(sequences, ordered=False)
  rows = np.arange(len(source))
  epochs = [source.take(rows, rows * 0 + epoch) for epoch in (0, 0, 1)]
  first, again, later = (x[0].rows() for x in epochs)
  for numbers in epochs[0][3].events.rows():  # Each item is an event.
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
  np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
  assert not np.array_equal(np.concatenate(first), np.concatenate(later))
  of_user = lambda rows_, user: np.sort(
    np.concatenate(
      [
        items
        for items, name in zip(rows_, source.describe(rows), strict=True)
        if name == user
      ]
    )
  )
  for i in range(3):
    user = f'user {sequences.user_ids[i]}'
    part = slice(sequences.offsets[i], sequences.offsets[i + 1])
    if len(of_user(first, user)) == part.stop - part.start:
      want = np.sort(sequences.items[part])
      np.testing.assert_array_equal(of_user(first, user), want)
      np.testing.assert_array_equal(of_user(later, user), want)


def test_rates_are_how_often_items_are_in_batches():
  sequences = random_sequences()
  source = windows(sequences)
  rng = np.random.default_rng(0)
  shares = np.zeros(N)
  for epoch in range(1500):
    rows = rng.integers(len(source), size=4)
    histories, candidates, *_ = source.take(rows, np.full(4, epoch))
    shares[np.union1d(histories.values, candidates.values)] += 1 / 1500
  rates = np.exp(
    log_rates(
      sequences,
      num_items=N,
      batch_size=4,
      history_length=4,
      num_candidates=3,
    )
  )
  np.testing.assert_allclose(rates, shares, atol=0.15)
  assert np.corrcoef(rates, shares)[0, 1] > 0.9
