"""Metrics go to the log and to every tracker of the first process."""

import dataclasses
from typing import ClassVar

import pytest
from clu.metric_writers import LoggingWriter

from jaxrec.errors import UserError
from jaxrec.report.curves import read_curves
from jaxrec.training import trackers
from jaxrec.training.settings import Config
from jaxrec.training.trackers.tracker import Tracker


def write(configs, directory, *, first=True):
  writer = trackers.make_writer(configs, directory, first=first)
  writer.write_scalars(3, {'train/loss': 0.5})
  writer.close()


def test_event_files_are_what_the_report_reads(tmp_path):
  write(Config().tracking, tmp_path)
  assert read_curves(tmp_path) == {'train/loss': [[3, 0.5]]}


def test_other_processes_only_log(tmp_path):
  write(Config().tracking, tmp_path, first=False)
  assert not list(tmp_path.iterdir())


def test_without_a_tracker_nothing_is_written(tmp_path):
  write(Config.from_dict({'tracking': {}}).tracking, tmp_path)
  assert not list(tmp_path.iterdir())


def test_a_tracker_is_one_class_and_one_line(tmp_path, monkeypatch):
  @dataclasses.dataclass(frozen=True)
  class MemoryConfig:
    """Of the tracker below.

    Attributes:
      project: whose metrics they are.
    """

    project: str = 'none'

  written = []

  class Writer(LoggingWriter):
    def write_scalars(self, step, scalars):
      written.append((step, dict(scalars)))

  class Memory(Tracker):
    Config: ClassVar[type] = MemoryConfig

    def writer(self, directory):
      assert (self.config.project, directory) == ('mine', tmp_path)
      return Writer()

  monkeypatch.setitem(trackers.TRACKERS, 'memory', Memory)
  config = Config.from_dict({'tracking': {'memory': {'project': 'mine'}}})
  write(config.tracking, tmp_path)
  assert written == [(3, {'train/loss': 0.5})]


def test_an_unknown_tracker_is_answered_with_the_known():
  with pytest.raises(UserError, match=r'tracking.tensorbord: .*tensorboard'):
    Config.from_dict({'tracking': {'tensorbord': {}}})
