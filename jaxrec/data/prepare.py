"""Prepares the dataset that a config names: files, TFDS, columns, splits.

What was read once is kept in the cache directory, by a fingerprint of the files
and of the code that reads them; later runs start from there.
"""

import contextlib
import io
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow_datasets as tfds

from jaxrec.data import literal_names, raw_files
from jaxrec.data.columns import moments
from jaxrec.data.columns.files import columns_fingerprint
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.records import (
  FORMAT,
  impression_columns,
  item_columns,
  sequence_columns,
)
from jaxrec.data.columns.texts import Texts
from jaxrec.data.config import DataConfig
from jaxrec.data.dataset import Dataset
from jaxrec.data.datasets import builder_class
from jaxrec.data.datasets.builder import Builder
from jaxrec.data.datasets.sequence_builder import SequenceBuilder
from jaxrec.data.datasets.source import Source
from jaxrec.data.id_order import steps_up, warning
from jaxrec.data.splits import IMPRESSIONS, SEQUENCE_PROTOCOLS
from jaxrec.data.splits.by_time import joined, split_by_time
from jaxrec.data.splits.filters import filtered
from jaxrec.data.splits.held_out import cut, targets_of
from jaxrec.errors import UserError
from jaxrec.files import user_cache

ID_ORDER = 'from one event to the next'  # Among `Dataset.counts`.


def cache_dir(data: DataConfig) -> pathlib.Path:
  """Where prepared data, tokens and vectors are kept between runs.

  Args:
    data: the config's section `data`.

  Returns:
    data.cache_dir, else $XDG_CACHE_HOME/jaxrec, else ~/.cache/jaxrec.

  Raises:
    UserError: there is none of them.
  """
  if data.cache_dir:
    return pathlib.Path(data.cache_dir).expanduser()
  cache = user_cache()
  if cache is None:
    raise UserError(
      'data.cache_dir is empty, and no home directory is known: give '
      '--config.data.cache_dir=DIR, or set HOME or XDG_CACHE_HOME'
    )
  return cache


def load_dataset(
  data: DataConfig, say: Callable[[str], object] = lambda line: None
) -> Dataset:
  """The dataset a config names: read through TFDS, or as an earlier run did.

  Args:
    data: the config's section `data`; a ConfigDict with the same keys serves
      as well.
    say: called with each line for the user: what was read, what was set aside.

  Raises:
    UserError: unknown name, files missing or unusable, or a protocol or a
      filter that does not fit the dataset.
  """
  say(f'preparing {data.name} {data.dir}'.rstrip())
  dataset = _prepare(data)
  for part, counts in dataset.counts.items():
    listed = ', '.join(f'{name} {count:,}' for name, count in counts.items())
    say(f'  {part}: {listed}')
  for note in dataset.notes:
    say(f'  note: {note}')
  return dataset


def _prepare(data: DataConfig) -> Dataset:
  cls = builder_class(data.name).bound(data.dir, Source.of(data))
  is_sequences = issubclass(cls, SequenceBuilder)
  _check_fit(data, is_sequences)
  raw = pathlib.Path(data.dir).expanduser()
  root = cache_dir(data) / 'datasets' / f'{data.name}-{cls.fingerprint(raw)}'
  tfds.disable_progress_bar()
  literal_names.take_literally()
  builders: dict[str, Builder] = {}
  counts: dict[str, dict[str, int]] = {}
  notes: list[str] = []
  for name in [config.name for config in cls.BUILDER_CONFIGS]:
    builders[name] = _built(cls, name, raw, root)
    counts[name], more_notes = builders[name].summary()
    notes += more_notes
  items = item_columns(builders['items'], root / FORMAT / 'catalog')
  parts: Mapping[str, Any]
  if is_sequences:
    if len(items['item_id']) < 2:
      raise UserError(
        f'{data.name}: the catalog has one item alone: there is nothing to '
        'choose from'
      )
    parts, more_counts, more_notes = _sequence_splits(
      builders['sequences'], root, data, items['item_id']
    )
    counts |= more_counts
    notes += more_notes
  else:
    parts, more_counts = _impression_splits(
      builders['impressions'], root, data.validation_fraction
    )
    counts |= more_counts
    if remark := moments.remark(parts['before_test'].times):
      notes.append(remark)
  return Dataset(
    name=data.name,
    protocol=data.protocol,
    items=items,
    fingerprint=columns_fingerprint(root / FORMAT),
    counts=counts,
    notes=notes,
    own_names=dict(cls.OWN_NAMES),
    files=raw_files.named(cls.files(raw), raw),
    **parts,
  )


def _check_fit(data: DataConfig, is_sequences: bool) -> None:
  """UserError where the section asks for what the dataset's kind has not."""
  if is_sequences == (data.protocol == IMPRESSIONS):
    kind = 'sequences' if is_sequences else 'impressions'
    fit = ' or '.join(SEQUENCE_PROTOCOLS) if is_sequences else IMPRESSIONS
    raise UserError(
      f'data.protocol={data.protocol}: {data.name} is a dataset of {kind}: '
      f'give {fit}'
    )
  if is_sequences:
    return
  if data.target_behaviour:
    raise UserError(
      f'data.target_behaviour={data.target_behaviour}: {data.name} is a '
      "dataset of impressions, whose targets are its clicks: give ''"
    )
  if data.k_core or data.min_history:
    raise UserError(
      f'data.k_core={data.k_core}, data.min_history={data.min_history}: '
      f'{data.name} is a dataset of impressions, which are not filtered: give 0'
    )


def _built(
  cls: type[Builder], config: str, raw: pathlib.Path, root: pathlib.Path
) -> Builder:
  """The builder of one TFDS config, its records written under `root`."""
  builder = cls(config=config, data_dir=root)
  try:
    with contextlib.redirect_stdout(io.StringIO()):  # "Downloading ...".
      builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=raw)
      )
  except OSError as e:
    raise UserError(f'{cls.name}: cannot write {root}: {e}') from e
  return builder


def _impression_splits(
  builder: Builder, root: pathlib.Path, fraction: float
) -> tuple[dict[str, Impressions], dict[str, dict[str, int]]]:
  """The splits of impressions, by their names in `Dataset`.

  Returns:
    These; counts of what was cut by time.
  """
  splits = {
    split: impression_columns(builder, split, root / FORMAT / split)
    for split in builder.SPLITS
  }
  is_cut = 'shown' in splits
  if is_cut:  # One log, of which the latest part is the test.
    splits['train'], splits['test'] = split_by_time(
      splits.pop('shown'), fraction, root / f'{FORMAT}-test-{fraction}'
    )
  if 'validation' not in splits:
    splits['before_test'] = splits['train']
    splits['train'], splits['validation'] = split_by_time(
      splits['train'], fraction, root / f'{FORMAT}-cut-{fraction}'
    )
  else:
    splits['before_test'] = joined(
      [splits['train'], splits['validation']], root / f'{FORMAT}-joined'
    )
  for name in ('train', 'before_test'):
    splits[name].trainable_clicks()  # Now, while it is preparing.
  names = ('train', 'validation', 'test') if is_cut else ()
  cut_by_time = {name: len(splits[name]) for name in names}
  return splits, {'by time': cut_by_time} if is_cut else {}


def _sequence_splits(
  builder: Builder, root: pathlib.Path, data: DataConfig, ids: Texts
) -> tuple[dict[str, Any], dict[str, dict[str, int]], list[str]]:
  """The splits of sequences and their behaviours, by their names in `Dataset`.

  Returns:
    These; counts of what was dropped, of what the protocol cut, and of steps by
    the items' `ids`; notes.
  """
  assert isinstance(builder, SequenceBuilder)
  counts: dict[str, dict[str, int]] = {}
  sequences = sequence_columns(builder, root / FORMAT / 'sequences')
  sequences, dropped = filtered(
    sequences, k_core=data.k_core, min_history=data.min_history
  )
  if dropped:
    counts['k_core and min_history'] = dropped
  steps, up = steps_up(sequences, ids)
  counts[ID_ORDER] = {'steps': steps, 'steps to a higher item_id': up}
  notes = [warning(steps, up), moments.remark(sequences.times)]
  behaviours = builder.behaviours()
  held_out = cut(
    sequences,
    data.protocol,
    data.validation_fraction,
    targets_of(sequences, behaviours, data.target_behaviour),
  )
  counts[data.protocol] = held_out.counts | {
    'train interactions': len(held_out.train.items),
    'validation interactions': int(held_out.validation.labels.sum()),
    'test interactions': int(held_out.test.labels.sum()),
  }
  splits = {
    'train': held_out.train,
    'validation': held_out.validation,
    'test': held_out.test,
    'before_test': held_out.before_test,
    'behaviours': behaviours,
    'target_behaviour': data.target_behaviour,
  }
  return splits, counts, [note for note in notes if note]
