import types

import pytest

from jaxrec.batch import Counts
from jaxrec.models.heads.transformer import TransformerConfig
from jaxrec.training.throughput import Pace, pace_of

BATCH = Counts(5, items=20, history=30, tokens=40, squares=200, slots=84)
WITHOUT_ENCODER = BATCH._replace(tokens=0, squares=0, slots=0)


class Clock:
  """A clock that is set by hand."""

  def __init__(self):
    self.now = 100.0

  def __call__(self):
    return self.now


def run(pace, clock, steps):
  """Steps of (wait, work, counts, cache_size), idle time between them."""
  for wait, work, counts, cache_size in steps:
    pace.start()
    clock.now += wait
    pace.got_batch()
    clock.now += work
    pace.stop(counts, cache_size)
    clock.now += 1000.0  # Validation and the like: no step's time.


def test_sums_leave_out_steps_that_compiled():
  clock = Clock()
  counts = [
    Counts(real, 20, 30, tokens=10 * real + i, squares=200, slots=84)
    for i, real in enumerate((5, 4, 3, 5, 2))
  ]
  waits, works = (0.5, 0.25, 1.0, 2.0, 0.75), (8.0, 4.0, 16.0, 2.0, 1.0)
  caches = (1, 1, 2, 2, 2)  # The first and the third compiled.
  pace = Pace(
    flops_of=lambda counts: 10.0 * counts.examples,
    peak=5.0,
    peak_source='published: here',
    clock=clock,
  )
  run(pace, clock, zip(waits, works, counts, caches, strict=True))
  tokens, slots = sum(counts[i].tokens for i in (1, 3, 4)), 3 * 84
  wait, seconds, examples = 3.0, 10.0, 4 + 5 + 2
  expected = {
    'examples_per_second': examples / seconds,
    'tokens_per_second': tokens / seconds,
    'padding_share': 1 - tokens / slots,
    'mfu': 10 * examples / seconds / 5,
    'host_wait_share': wait / seconds,
    'compile_seconds': 8.0 + 16.0,
    'compilations': 2,
  }
  assert pace.metrics() == pytest.approx(expected)
  assert pace.summary() == pytest.approx(
    expected
    | {
      'seconds': seconds,
      'peak_flops': 5.0,
      'peak_flops_source': 'published: here',
    }
  )


def test_none_where_the_encoder_does_not_run():
  clock = Clock()
  pace = Pace(clock=clock)
  counts = WITHOUT_ENCODER
  run(pace, clock, [(1.0, 1.0, counts, 1), (1.0, 3.0, counts, 1)])
  unknown = {'tokens_per_second', 'padding_share', 'mfu', 'peak_flops'}
  unknown |= {'peak_flops_source'}
  found = pace.summary()
  assert {name for name, value in found.items() if value is None} == unknown
  assert not unknown & set(pace.metrics())
  assert found['examples_per_second'] == 5 / 4


def test_nothing_is_known_before_a_step_counts():
  clock = Clock()
  pace = Pace(flops_of=lambda counts: 1.0, peak=1.0, clock=clock)
  assert pace.note() == ''
  run(pace, clock, [(1.0, 12.0, BATCH, 1)])
  assert pace.metrics() == {'compilations': 1, 'compile_seconds': 12}
  assert pace.summary()['mfu'] is None
  assert pace.note() == 'compiled in 12 s'


def test_without_got_batch_nothing_waited():
  clock = Clock()
  pace = Pace(clock=clock)
  run(pace, clock, [(0.0, 1.0, BATCH, 1)])
  pace.start()
  clock.now += 2.0
  pace.stop(BATCH, 1)
  assert pace.summary()['host_wait_share'] == 0
  assert pace.summary()['seconds'] == 2


@pytest.mark.parametrize(
  ('encodes', 'expected'),
  [
    (True, '3,712 examples/s, MFU 61 %, waits 2.0 %'),
    (False, '3,712 examples/s, waits 2.0 %'),
  ],
)
def test_note_has_mfu_where_the_encoder_runs(encodes, expected):
  clock = Clock()
  pace = Pace(flops_of=lambda counts: 61.0, peak=1.0, clock=clock)
  counts = (BATCH if encodes else WITHOUT_ENCODER)._replace(examples=371200)
  run(pace, clock, [(0.0, 1.0, counts, 1), (2.0, 98.0, counts, 1)])
  assert pace.note() == expected
  assert len(pace.note()) <= 45


def test_no_mfu_where_a_heads_flops_are_not_known():
  encoder = types.SimpleNamespace(frozen=False)
  pace = pace_of(encoder, TransformerConfig(), mesh=None)
  clock = Clock()
  pace._clock = clock
  run(pace, clock, [(1.0, 1.0, BATCH, 0)])
  assert 'mfu' not in pace.metrics()
  assert pace.metrics()['tokens_per_second'] == 20
