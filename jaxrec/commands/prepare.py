"""--mode=prepare, and every run's first step: a config's dataset, read."""

import pathlib

from jaxrec.console import Display
from jaxrec.data import dataset as datasets
from jaxrec.data.datasets.builder import Source
from jaxrec.parallel.processes import one_at_a_time


def cache_dir(config) -> pathlib.Path:
  """Where prepared data, tokens and vectors are kept between runs."""
  given = config.data.cache_dir
  return (
    pathlib.Path(given).expanduser() if given else datasets.default_cache_dir()
  )


def load_dataset(config, display: Display) -> datasets.Dataset:
  """The dataset a config names, prepared; says what was set aside."""
  data = config.data
  display.say(f'preparing {data.name} {data.dir}'.rstrip())
  dataset = datasets.prepare(
    data.name,
    data.dir,
    cache_dir=cache_dir(config),
    protocol=data.protocol,
    validation_fraction=data.validation_fraction,
    target_behaviour=data.target_behaviour,
    k_core=data.k_core,
    min_history=data.min_history,
    source=Source(
      interactions_file=data.interactions_file,
      items_file=data.items_file,
      columns=tuple(data.columns.items()),
      min_rating=data.min_rating,
    ),
  )
  for part, counts in dataset.counts.items():
    told = ', '.join(f'{name} {count:,}' for name, count in counts.items())
    display.say(f'  {part}: {told}')
  for note in dataset.notes:
    display.say(f'  note: {note}')
  return dataset


def prepare(config, display: Display) -> None:
  """Reads a config's dataset, and no more, for the runs to come."""
  directory = cache_dir(config)
  with one_at_a_time(directory / 'lock', display.say):
    load_dataset(config, display)
  display.say(f'prepared, in {directory}')
