"""What a tracker is: where the metrics of a run go while it trains.

A new one is a file with a subclass of Tracker and its Config, a line in
TRACKERS (`jaxrec.training.trackers`), and a test. What it needs is imported
when it is made, so that nobody installs what nobody asked for.
"""

import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:  # It imports TensorFlow, which a config does not need.
  from clu.metric_writers import MetricWriter


@dataclasses.dataclass(frozen=True)
class NoTrackerConfig:
  """Of a tracker that has nothing to be set."""


class Tracker:
  """Makes a clu MetricWriter; only the first process of a run asks for one.

  Args:
    config: its own Config.
  """

  Config: ClassVar[type] = NoTrackerConfig

  def __init__(self, config: Any):
    self.config = config

  def writer(self, directory: pathlib.Path) -> 'MetricWriter':
    """Of the metrics of the run whose files lie in `directory`."""
    raise TypeError(f'{type(self).__name__} has no writer')
