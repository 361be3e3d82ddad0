"""Datasets by name, and what a run needs of one: catalog texts and splits."""

import contextlib
import dataclasses
import importlib
import io
import os
import pathlib

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.data.columns import (
  FORMAT,
  Impressions,
  Texts,
  columns_fingerprint,
  impression_columns,
  item_columns,
  read_impressions,
  write_taken,
)
from jaxrec.errors import UserError, choices

# A new dataset: one file with a Builder, and its line here.
DATASETS = {
  'demo': 'jaxrec.data.demo:Demo',
  'mind': 'jaxrec.data.mind:Mind',
  'mind_small': 'jaxrec.data.mind:MindSmall',
  'mind_large': 'jaxrec.data.mind:MindLarge',
}


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A prepared dataset.

  Attributes:
    name: a key of DATASETS.
    fingerprint: of the prepared columns, whatever code or files made them.
    items: text columns of the catalog, N each, 'item_id' among them.
    train, validation, test: the splits. Training and every choice use the
      first two alone.
    counts: what was read and what was set aside, by TFDS config.
    notes: some of the lines set aside, 'file:line: why'.
  """

  name: str
  fingerprint: str
  items: dict[str, Texts]
  train: Impressions
  validation: Impressions
  test: Impressions
  counts: dict[str, dict[str, int]]
  notes: list[str]


def default_cache_dir() -> pathlib.Path:
  """$XDG_CACHE_HOME/jaxrec, or ~/.cache/jaxrec."""
  home = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
  return pathlib.Path(home).expanduser() / 'jaxrec'


def builder_class(name: str):
  """The Builder of the dataset `name`."""
  if name not in DATASETS:
    raise UserError(f'data.name: {choices(name, DATASETS)}')
  module, _, attribute = DATASETS[name].partition(':')
  return getattr(importlib.import_module(module), attribute)


def split_by_time(
  impressions: Impressions, fraction: float, directory: pathlib.Path
) -> list[Impressions]:
  """The earliest and, for validation, the latest `fraction` of examples.

  Both are sorted by time, ties in the order they came, and kept in
  `directory`; only the order itself, once, is held in memory.
  """
  sides = [directory / name for name in ('train', 'validation')]
  if all(side.is_dir() for side in sides):
    return [read_impressions(side) for side in sides]
  order = np.argsort(impressions.times, kind='stable')
  cut = round(len(order) * (1 - fraction))
  if not 0 < cut < len(order):
    raise UserError(
      f'data.validation_fraction={fraction} leaves one side of '
      f'{len(order)} training impressions empty: give e.g. 0.1'
    )
  for side, rows in zip(sides, (order[:cut], order[cut:]), strict=True):
    write_taken(impressions, rows, side)
  return [read_impressions(side) for side in sides]


def prepare(
  name: str,
  directory: str,
  *,
  cache_dir: pathlib.Path,
  validation_fraction: float,
) -> Dataset:
  """Reads a dataset's own files through TFDS, or what an earlier run made.

  Args:
    name: a key of DATASETS.
    directory: where the publisher's files lie; '' for the demo.
    cache_dir: for prepared records and columns, by fingerprint.
    validation_fraction: share of the training impressions, the latest, held
      out where the dataset has no validation split of its own.

  Raises:
    UserError: unknown name, files missing or unusable.
  """
  cls = builder_class(name)
  if cls.READS_FILES and not directory:
    raise UserError(
      f"data.dir is empty: {name} reads its publisher's files; give "
      '--config.data.dir=DIR'
    )
  raw = pathlib.Path(directory).expanduser()
  root = cache_dir / 'datasets' / f'{name}-{cls.fingerprint(raw)}'
  tfds.disable_progress_bar()
  builders, counts, notes = {}, {}, []
  for config in ('items', 'impressions'):
    builder = cls(config=config, data_dir=root)
    try:
      with contextlib.redirect_stdout(io.StringIO()):  # "Downloading ...".
        builder.download_and_prepare(
          download_config=tfds.download.DownloadConfig(manual_dir=raw)
        )
    except OSError as e:
      raise UserError(f'{name}: cannot write {root}: {e}') from e
    counts[config], found = builder.told()
    notes += found
    builders[config] = builder
  load = lambda split: impression_columns(
    builders['impressions'], split, root / FORMAT / split
  )
  splits = {split: load(split) for split in cls.SPLITS}
  items = item_columns(builders['items'], root / FORMAT / 'catalog')
  if 'validation' not in splits:
    splits['train'], splits['validation'] = split_by_time(
      splits['train'],
      validation_fraction,
      root / f'{FORMAT}-cut-{validation_fraction}',
    )
  splits['train'].trainable_clicks()  # Now, while it is preparing.
  return Dataset(
    name=name,
    fingerprint=columns_fingerprint(root / FORMAT),
    items=items,
    counts=counts,
    notes=notes,
    **splits,
  )
