"""What the server counts, as Prometheus's text."""

from collections.abc import Callable

import prometheus_client as prometheus

# Seconds: from a cached page to a batch of texts on a slow CPU.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
  """Counters of one server; none of them names a user, an item or a text."""

  def __init__(self):
    prometheus.disable_created_metrics()  # A series beside each, to no use.
    self._registry = prometheus.CollectorRegistry()
    prometheus.ProcessCollector(registry=self._registry)
    make = lambda kind, name, words, labels=(), **more: kind(
      f'jaxrec_{name}', words, labels, registry=self._registry, **more
    )
    self.requests = make(
      prometheus.Counter,
      'requests',
      'Requests answered',
      ('method', 'route', 'status'),
    )
    self.seconds = make(
      prometheus.Histogram,
      'request_seconds',
      'From the head of a request to the end of its answer',
      ('route',),
      buckets=_SECONDS,
    )
    self.in_flight = make(
      prometheus.Gauge, 'requests_in_flight', 'Requests not answered yet'
    )
    self.batch_size = make(
      prometheus.Histogram,
      'batch_size',
      'Requests computed together',
      ('call',),
      buckets=_SIZES,
    )
    self.device_seconds = make(
      prometheus.Histogram,
      'batch_seconds',
      'Computing a batch',
      ('call',),
      buckets=_SECONDS,
    )
    self.changes = make(
      prometheus.Counter,
      'item_changes',
      'Items added or removed, made durable',
      ('change',),
    )
    self._gauge = make

  def watch(self, name: str, words: str, read: Callable[[], float]) -> None:
    """A gauge that is read when it is asked for."""
    self._gauge(prometheus.Gauge, name, words).set_function(read)

  def batches(self, call: str) -> Callable[[int, float], None]:
    """What a Batcher tells of its calls."""
    size = self.batch_size.labels(call)
    taken = self.device_seconds.labels(call)

    def observe(requests: int, seconds: float) -> None:
      size.observe(requests)
      taken.observe(seconds)

    return observe

  def text(self) -> bytes:
    """All of it, in the text format 0.0.4."""
    return prometheus.generate_latest(self._registry)
