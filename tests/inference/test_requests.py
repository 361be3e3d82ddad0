"""Histories of requests are read as those of a training step are."""

import numpy as np
import pytest

from jaxrec.batch import NEVER, Context
from jaxrec.inference.requests import (
  HistoryEntry,
  RequestedHistory,
  user_inputs,
)

DAY = 86400.0
# Each row is one user's: there are no segments.
NAMES = [name for name in Context._fields if name != 'segments']
INPUTS = {name: (('b', 'h'), 'int32') for name in NAMES}
INPUTS |= {
  'days': (('b', 'h'), 'float32'),
  'today': (('b',), 'int32'),
  'mask': (('b', 'h'), 'bool'),
  'vectors': (('b', 'h', 4), 'float32'),
}


def history(rows, seconds=None, behaviours=None, now=3 * DAY):
  entries = [
    HistoryEntry(row)
    if isinstance(row, int)
    else HistoryEntry(-1, {'text': row}, row)
    for row in rows
  ]
  count = len(rows)
  return RequestedHistory(
    entries=entries,
    places=list(range(count)),
    seen=[row for row in rows if isinstance(row, int)],
    unknown=[],
    behaviours=np.array(behaviours or [0] * count, np.int32),
    seconds=None if seconds is None else np.array(seconds, float),
    now=now,
  )


def inputs_of(histories, slots, shape=(4, 4), inputs=INPUTS):
  return user_inputs(histories, slots, shape, inputs)


def test_times_known_and_unknown_stand_in_one_batch():
  inputs = inputs_of(
    [
      history([5, 6, 5], [DAY, DAY, 2.5 * DAY], [1, 0, 2]),
      history([7, 7]),
      history([]),
    ],
    [[5, 6, 5], [7, 7], []],
  )
  assert inputs['slots'].tolist() == [
    [5, 6, 5, 0],
    [7, 7, 0, 0],
    *[[0] * 4] * 2,
  ]
  assert inputs['mask'].sum(1).tolist() == [3, 2, 0, 0]
  # Items of one time are one event; where times are unknown each is one.
  assert inputs['events'].tolist()[:2] == [[0, 0, 1, 0], [0, 1, 0, 0]]
  assert inputs['days'].tolist()[:2] == [[0, 0, 1.5, 0], [0] * 4]
  assert inputs['dates'].tolist()[:2] == [[1, 1, 2, 0], [0] * 4]
  assert inputs['behaviours'].tolist()[0] == [1, 0, 2, 0]
  assert inputs['again'].tolist()[:2] == [
    [1, NEVER, NEVER, 0],
    [1, NEVER, 0, 0],
  ]
  assert inputs['today'].tolist() == [3, 3, 3, 0]
  assert 'vectors' not in inputs


def test_new_items_come_again_by_their_texts():
  inputs = inputs_of(
    [history(['a', 0, 'b', 'a']), history(['b'])], [[8, 0, 9, 10], [11]]
  )
  assert inputs['again'].tolist()[:2] == [
    [3, NEVER, NEVER, NEVER],
    [NEVER, 0, 0, 0],
  ]


@pytest.mark.parametrize('names', [('mask',), ('mask', 'again', 'days')])
def test_only_what_the_function_takes_is_given(names):
  inputs = inputs_of(
    [history([1])], [[1]], inputs={name: INPUTS[name] for name in names}
  )
  assert set(inputs) == {'slots', *names}
  assert all(inputs[name].dtype == INPUTS[name][1] for name in names)
