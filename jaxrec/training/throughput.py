"""How fast training goes, compilations aside."""

import functools
import time
from collections.abc import Callable

from jaxrec.batch import Counts
from jaxrec.encoding.text_encoder import TextEncoder
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import HeadConfig
from jaxrec.training.flops import peak_flops, step_flops


class Pace:
  """Counts examples, tokens and FLOPs over the seconds that steps take.

  For each step: `start` before the wait for its batch, `got_batch` when that
  came, `stop` when the step was dispatched (and its results fetched, where
  they are). Dispatch is asynchronous, so that one step's seconds mean
  nothing; their sum does, from one fetch to another. A step that made the jit
  cache grow is left out whole: its examples, its wait and its seconds.

  The host wait share is an upper bound of what the input costs: while the
  host waits for a batch, the device may be busy still with steps dispatched
  before, and then nothing is lost. Near 0, the input is no bottleneck;
  otherwise only a profile tells. Where a step blocks the host (CPU, a fetch at
  every step) the bound is close.

  Args:
    flops_of: counts of a batch -> useful FLOPs of its step; None if unknown.
    peak: FLOP/s of all devices; None if unknown.
    peak_source: where `peak` comes from.
    clock: () -> seconds.
  """

  def __init__(
    self,
    *,
    flops_of: Callable[[Counts], float] | None = None,
    peak: float | None = None,
    peak_source: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
  ):
    self.flops_of = flops_of
    self.peak, self.peak_source = peak, peak_source
    self.examples = self.tokens = self.slots = self.compilations = 0
    self.flops = self.seconds = self.wait_seconds = self.compile_seconds = 0.0
    self._clock = clock
    self._began = self._got = 0.0  # When a step began, and had its batch.

  def start(self) -> None:
    """The wait for a step's batch begins."""
    self._began = self._got = self._clock()

  def got_batch(self) -> None:
    """The batch came; without this call the step waited for none."""
    self._got = self._clock()

  def stop(self, counts: Counts, cache_size: int) -> None:
    """The step on a batch was dispatched, or has ended.

    Args:
      counts: of the whole batch.
      cache_size: compilations that the jitted step holds.
    """
    if cache_size > self.compilations:
      self.compilations = cache_size
      self.compile_seconds += self._clock() - self._got
      return
    self.examples += counts.examples
    self.tokens += counts.tokens
    self.slots += counts.slots
    if self.flops_of:
      self.flops += self.flops_of(counts)
    self.wait_seconds += self._got - self._began
    self.seconds += self._clock() - self._began

  def metrics(self) -> dict[str, float]:
    """What is known, averaged since the first step that counts."""
    metrics = {
      'compilations': float(self.compilations),
      'compile_seconds': self.compile_seconds,
    }
    if self.seconds:
      metrics['examples_per_second'] = self.examples / self.seconds
      metrics['host_wait_share'] = self.wait_seconds / self.seconds
      if self.slots:  # None where the encoder does not run.
        metrics['tokens_per_second'] = self.tokens / self.seconds
        metrics['padding_share'] = 1 - self.tokens / self.slots
      if self.flops_of and self.peak:
        metrics['mfu'] = self.flops / self.seconds / self.peak
    return metrics

  def note(self) -> str:
    """The same in some 40 columns, for a progress bar; '' if none is known."""
    metrics = self.metrics()
    if 'examples_per_second' not in metrics:
      seconds = _short(self.compile_seconds)
      return f'compiled in {seconds} s' if self.compilations else ''
    parts = [f'{_short(metrics["examples_per_second"])} examples/s']
    if self.slots and 'mfu' in metrics:
      parts.append(f'MFU {_short(100 * metrics["mfu"])} %')
    parts.append(f'waits {_short(100 * metrics["host_wait_share"])} %')
    return ', '.join(parts)

  def summary(self) -> dict[str, float | int | str | None]:
    """What results.json says of the training's pace; None for the unknown."""
    metrics = self.metrics()
    names = (
      *('examples_per_second', 'tokens_per_second', 'padding_share'),
      *('mfu', 'host_wait_share'),
    )
    return {
      **{name: metrics.get(name) for name in names},
      'seconds': self.seconds,
      'compile_seconds': self.compile_seconds,
      'compilations': self.compilations,
      'peak_flops': self.peak,
      'peak_flops_source': self.peak_source,
    }


def _short(value: float) -> str:
  return f'{value:,.0f}' if value >= 9.95 else f'{value:.1f}'


def pace_of(encoder: TextEncoder, head: HeadConfig, mesh) -> Pace:
  """Counters of a training; MFU only where the encoder runs in the step.

  And only of a head whose FLOPs are known, see `Head.gates`.

  Args:
    encoder: of the run.
    head: its config.
    mesh: see `sharding`.
  """
  gates = HEADS[head.type].gates
  if encoder.frozen or gates is None:
    return Pace()
  peak, source = peak_flops(encoder.dtype, mesh.devices.flat)
  return Pace(
    flops_of=functools.partial(
      step_flops,
      width=encoder.sizes['width'],
      mlp_width=encoder.sizes['mlp_width'],
      hidden_width=getattr(head, 'width', 0),
      layers_run=encoder.num_run,
      layers_trained=encoder.num_trained,
      gates=gates,
    ),
    peak=peak,
    peak_source=source,
  )
