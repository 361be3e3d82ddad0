"""jaxrec prepare: a config's dataset, read for the runs to come."""

from jaxrec.console import Display
from jaxrec.data.config import DataConfig
from jaxrec.data.prepare import cache_dir, load_dataset
from jaxrec.parallel.processes import one_at_a_time


def prepare(data: DataConfig, display: Display) -> None:
  """Reads a config's dataset, and no more.

  Args:
    data: the config's section.
    display: what people look at.
  """
  directory = cache_dir(data)
  with one_at_a_time(directory / 'lock', display.say):
    load_dataset(data, display.say)
  display.say(f'prepared, in {directory}')
