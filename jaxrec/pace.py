"""How fast training goes, compilations aside."""

import time

import numpy as np


class Pace:
  """Counts examples and useful tokens over the seconds steps take.

  Steps that compiled are not counted: call `stop` with what the jit cache
  holds, and a step that made it grow is left out.
  """

  def __init__(self):
    self.examples = self.tokens = self.compilations = 0
    self.seconds = self.compile_seconds = 0.0
    self._began = None

  def start(self) -> None:
    """A step, or a wait for its batch, begins."""
    self._began = time.perf_counter()

  def stop(self, batch, cache_size: int) -> None:
    """The step on `batch` (NumPy leaves) was dispatched, or has ended."""
    taken = time.perf_counter() - self._began
    if cache_size > self.compilations:
      self.compilations = cache_size
      self.compile_seconds += taken
      return
    self.seconds += taken
    self.examples += int(np.sum(batch.example_mask))
    if batch.segments is not None:
      self.tokens += int(np.count_nonzero(batch.segments))

  def metrics(self) -> dict[str, float]:
    """Averages since the start; none before the first step that counts."""
    if not self.seconds:
      return {}
    found = {'examples_per_second': self.examples / self.seconds}
    if self.tokens:  # None where the encoder does not run.
      found['tokens_per_second'] = self.tokens / self.seconds
    return found

  def summary(self) -> dict[str, float | None]:
    """What results.json says of the training's pace."""
    return {
      'examples_per_second': None,
      'tokens_per_second': None,
      **self.metrics(),
      'mfu': None,  # Not measured yet.
      'seconds': self.seconds,
      'compile_seconds': self.compile_seconds,
    }
