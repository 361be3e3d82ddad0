"""Requests that arrive together go to the device together."""

import asyncio
import collections
import concurrent.futures
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from jaxrec.errors import UserError

Outcome = Any  # A result, or the exception in its place.


class WaitingCall(NamedTuple):
  """A call that waits for a batch; see `Batcher.submit`."""

  options: Hashable
  payload: Any
  cost: int
  future: asyncio.Future


class Batcher:
  """Gathers calls into batches and runs them in a thread, one after another.

  The first call opens a batch; it goes when it is full, or `window` seconds
  later. While one batch is on the device the next one gathers, so that under
  load the window costs nothing.
  """

  def __init__(
    self,
    call: Callable[[Any, Sequence[Any]], Sequence[Any]],
    max_batch: int = 64,
    window: float = 0.002,
    observe: Callable[[int, float], None] = lambda size, seconds: None,
  ):
    """
    Args:
      call: (options, payloads) -> their results in the same order; a
        UserError is the fault of one of them.
      max_batch: the most work in a batch, in units of `submit`'s cost.
      window: seconds that the first call of a batch waits for others.
      observe: called with the size of every call and the seconds it took.
    """
    self._call = call
    self._max_batch = max_batch
    self._window = window
    self._observe = observe
    self._waiting: collections.deque[WaitingCall] = collections.deque()
    self._arrived = asyncio.Event()
    self._thread = concurrent.futures.ThreadPoolExecutor(
      1, thread_name_prefix='device'
    )
    self._task: asyncio.Task | None = None
    self._stopping = False

  def __len__(self) -> int:
    """How many calls wait for a batch."""
    return len(self._waiting)

  def start(self) -> None:
    """Begins; within the event loop."""
    self._task = asyncio.create_task(self._run())

  async def stop(self) -> None:
    """Finishes what is under way and ends the thread."""
    self._stopping = True
    self._arrived.set()
    if self._task is not None:
      await self._task
    self._thread.shutdown()

  async def submit(self, options: Hashable, payload: Any, cost: int = 1) -> Any:
    """The result for `payload`, computed with others of the same `options`.

    Raises:
      UserError: this payload's own fault, never another's.
    """
    future = asyncio.get_running_loop().create_future()
    self._waiting.append(WaitingCall(options, payload, cost, future))
    self._arrived.set()
    return await future

  async def _gather(self) -> list[WaitingCall]:
    """The next batch; an empty one if all who waited have left."""
    while not self._waiting and not self._stopping:
      self._arrived.clear()
      await self._arrived.wait()
    loop = asyncio.get_running_loop()
    closes = loop.time() + self._window
    batch: list[WaitingCall] = []
    total = 0
    while True:
      while self._waiting:
        cost = self._waiting[0].cost
        if batch and total + cost > self._max_batch:
          return batch
        call = self._waiting.popleft()
        if not call.future.cancelled():  # Its client may have left.
          batch.append(call)
          total += cost
      left = closes - loop.time()
      if left <= 0 or total >= self._max_batch or self._stopping:
        return batch
      self._arrived.clear()
      try:
        async with asyncio.timeout(left):
          await self._arrived.wait()
      except TimeoutError:
        return batch

  async def _run(self) -> None:
    loop = asyncio.get_running_loop()
    while self._waiting or not self._stopping:
      batch = await self._gather()
      outcomes = await loop.run_in_executor(
        self._thread,
        self._compute,
        [(call.options, call.payload) for call in batch],
      )
      for call, outcome in zip(batch, outcomes, strict=True):
        if call.future.done():
          continue
        if isinstance(outcome, Exception):
          call.future.set_exception(outcome)
        else:
          call.future.set_result(outcome)

  def _compute(self, batch: list[tuple[Hashable, Any]]) -> list[Outcome]:
    """One call for each of the options among them; in the thread."""
    groups: dict[Hashable, list[int]] = {}
    for place, (options, _) in enumerate(batch):
      groups.setdefault(options, []).append(place)
    outcomes: list[Outcome] = [None] * len(batch)
    for options, places in groups.items():
      payloads = [batch[place][1] for place in places]
      for place, outcome in zip(
        places, self._outcomes(options, payloads), strict=True
      ):
        outcomes[place] = outcome
    return outcomes

  def _outcomes(
    self, options: Hashable, payloads: list[Any]
  ) -> Sequence[Outcome]:
    began = time.perf_counter()
    try:
      results = self._call(options, payloads)
      self._observe(len(payloads), time.perf_counter() - began)
      if len(results) != len(payloads):
        raise RuntimeError(f'{len(results)} results for {len(payloads)} calls')
      return results
    except UserError as e:
      if len(payloads) == 1:
        return [e]
      # One of them is at fault: each by itself, so that it alone fails.
      return [self._outcomes(options, [payload])[0] for payload in payloads]
    except Exception as e:
      return [e] * len(payloads)
