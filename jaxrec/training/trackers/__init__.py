"""Trackers by name: one file, and one line with its import here, for each."""

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jaxrec.training.trackers.tensorboard import TensorboardTracker
from jaxrec.training.trackers.tracker import Tracker

if TYPE_CHECKING:  # It imports TensorFlow, which a config does not need.
  from clu.metric_writers import MetricWriter

TRACKERS: dict[str, type[Tracker]] = {'tensorboard': TensorboardTracker}


def make_writer(
  configs: Mapping[str, Any], directory: pathlib.Path, *, first: bool
) -> 'MetricWriter':
  """What the loop writes its metrics to: the log, and all trackers.

  Args:
    configs: of the trackers, by name.
    directory: of the run's files.
    first: whether this is the first process; the others only log.
  """
  from clu.metric_writers import LoggingWriter, MultiWriter

  trackers = [TRACKERS[name](config) for name, config in configs.items()]
  writers: list = [LoggingWriter()]
  writers += [tracker.writer(directory) for tracker in trackers if first]
  return MultiWriter(writers)
