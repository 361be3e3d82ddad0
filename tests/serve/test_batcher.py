"""Batches: together, in order, and nobody pays for another's mistake."""

import asyncio
import threading
import time

import pytest

from jaxrec.errors import UserError
from jaxrec.serve.batcher import Batcher


class Calls:
  """Doubles numbers, slowly; remembers what came together."""

  def __init__(self, seconds=0.0):
    self.seconds = seconds
    self.made = []
    self.threads = set()

  def __call__(self, options, payloads):
    self.made.append((options, list(payloads)))
    self.threads.add(threading.current_thread().name)
    time.sleep(self.seconds)
    if any(p == 'wrong' for p in payloads):
      raise UserError('wrong')
    if any(p == 'broken' for p in payloads):
      raise RuntimeError('broken')
    return [2 * p for p in payloads]


def run(calls, scenario, **settings):
  """A scenario on a Batcher that is stopped at its end."""

  async def whole():
    batcher = Batcher(calls, **settings)
    batcher.start()
    try:
      return await scenario(batcher)
    finally:
      await batcher.stop()

  return asyncio.run(asyncio.wait_for(whole(), 30))


def many(numbers, options=lambda n: 'same', cost=1):
  return lambda b: asyncio.gather(
    *(b.submit(options(n), n, cost) for n in numbers), return_exceptions=True
  )


def test_what_arrives_together_goes_together():
  calls = Calls()
  assert run(calls, many(range(10)), max_batch=4) == [2 * n for n in range(10)]
  assert [len(p) for _, p in calls.made] == [4, 4, 2]
  assert len(calls.threads) == 1  # One call at a time.


def test_while_one_batch_is_computed_the_next_gathers():
  calls = Calls(seconds=0.05)

  async def one_by_one(batcher):
    tasks = []
    for n in range(20):
      tasks.append(asyncio.create_task(batcher.submit('same', n)))
      await asyncio.sleep(0.003)
    return await asyncio.gather(*tasks)

  assert run(calls, one_by_one, window=0.0) == [2 * n for n in range(20)]
  assert len(calls.made) < 10


def test_the_window_is_waited_for():
  calls = Calls()

  async def apart(batcher):
    first = asyncio.create_task(batcher.submit('same', 1))
    await asyncio.sleep(0.02)
    return await asyncio.gather(first, batcher.submit('same', 2))

  assert run(calls, apart, window=5.0, max_batch=2) == [2, 4]  # Full: it goes.
  assert [p for _, p in calls.made] == [[1, 2]]


def test_options_are_not_mixed():
  calls = Calls()
  results = run(calls, many(range(9), options=lambda n: n % 3))
  assert results == [2 * n for n in range(9)]
  assert sorted(calls.made) == [(r, [r, r + 3, r + 6]) for r in range(3)]


def test_costly_calls_fill_a_batch():
  calls = Calls()
  run(calls, many(range(4), cost=3), max_batch=6)
  assert [p for _, p in calls.made] == [[0, 1], [2, 3]]
  run(calls, many([1], cost=100), max_batch=6)  # Larger than any: by itself.


def test_one_mistake_is_one_failure():
  results = run(Calls(), many([1, 'wrong', 3]))
  assert results[0] == 2 and results[2] == 6
  assert isinstance(results[1], UserError)


def test_it_survives_what_it_calls():
  async def twice(batcher):
    first = await many([1, 'broken'])(batcher)
    return first, await batcher.submit('same', 4)

  first, after = run(Calls(), twice)
  assert all(isinstance(e, RuntimeError) for e in first)
  assert after == 8
  short = run(lambda options, payloads: [], many([1]))
  assert isinstance(short[0], RuntimeError)


def test_who_has_left_is_not_computed():
  calls = Calls(seconds=0.05)

  async def impatient(batcher):
    first = asyncio.create_task(batcher.submit('same', 1))
    await asyncio.sleep(0.02)  # It is computed; the others wait.
    left = asyncio.create_task(batcher.submit('same', 2))
    await asyncio.sleep(0)
    left.cancel()
    return await asyncio.gather(first, batcher.submit('same', 3))

  assert run(calls, impatient, window=0.0) == [2, 6]
  assert [p for _, p in calls.made] == [[1], [3]]


def test_stopping_finishes_what_is_under_way():
  calls = Calls(seconds=0.02)

  async def whole():
    batcher = Batcher(calls, max_batch=2, window=1.0)
    batcher.start()
    tasks = [asyncio.create_task(batcher.submit('same', n)) for n in range(5)]
    await asyncio.sleep(0)
    await batcher.stop()
    return await asyncio.gather(*tasks)

  began = time.monotonic()
  assert asyncio.run(asyncio.wait_for(whole(), 20)) == [0, 2, 4, 6, 8]
  assert time.monotonic() - began < 5


@pytest.mark.parametrize('payloads', [[1, 2], [1, 'wrong', 2]])
def test_sizes_are_told(payloads):
  observed = []
  run(Calls(), many(payloads), observe=lambda n, s: observed.append((n, s)))
  assert sum(n for n, _ in observed) == 2  # Those that were answered.
  assert all(s >= 0 for _, s in observed)
