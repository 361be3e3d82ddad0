"""Datasets by name, and what a run needs of one: catalog texts and splits."""

import contextlib
import dataclasses
import importlib
import io
import os
import pathlib

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.data.columns.columns import (
  FORMAT,
  ColumnWriter,
  Impressions,
  Texts,
  columns_fingerprint,
  impression_columns,
  item_columns,
  read_impressions,
  write_taken,
)
from jaxrec.data.datasets.builder import Source
from jaxrec.data.datasets.sequence_builder import SequenceBuilder
from jaxrec.data.splits.held_out import (
  PROTOCOLS,
  HeldOut,
  cut,
  targets_of,
)
from jaxrec.data.splits.sequences import (
  Sequences,
  filtered,
  sequence_columns,
  sequences_of,
)
from jaxrec.errors import UserError, choices

# A new dataset: one file with a Builder, and its line here.
DATASETS = {
  'amazon': 'jaxrec.data.datasets.amazon:Amazon',
  'demo': 'jaxrec.data.datasets.demo:Demo',
  'demo_shop': 'jaxrec.data.datasets.demo:DemoShop',
  'demo_music': 'jaxrec.data.datasets.demo:DemoMusic',
  'demo_video': 'jaxrec.data.datasets.demo:DemoVideo',
  'interactions': 'jaxrec.data.datasets.interactions:Interactions',
  'lastfm_1k': 'jaxrec.data.datasets.lastfm_1k:LastFm1K',
  'mind': 'jaxrec.data.datasets.mind:Mind',
  'mind_small': 'jaxrec.data.datasets.mind:MindSmall',
  'mind_large': 'jaxrec.data.datasets.mind:MindLarge',
  'movielens': 'jaxrec.data.datasets.movielens:MovieLens',
  'online_retail': 'jaxrec.data.datasets.online_retail:OnlineRetail',
}


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A prepared dataset.

  Attributes:
    name: a key of DATASETS.
    fingerprint: of the prepared columns, whatever code or files made them.
    items: text columns of the catalog, N each, 'item_id' among them.
    protocol: how it is evaluated: 'impressions', or one of
      `held_out.PROTOCOLS`, whose splits hold targets that are ranked among
      the whole catalog, or, of `cold_items`, among those listed.
    behaviours: names of what users did, which `Sequences.behaviours` and
      `Impressions.history_behaviours` point to: ('',) where sequences have one
      kind without a name, () where the dataset is one of impressions.
    target_behaviour: the one that is held out; '': all.
    train, validation, test: the splits. Training and every choice use the
      first two alone.
    before_test: these two as one.
    counts: what was read and what was set aside, by TFDS config.
    notes: some of the lines set aside, 'file:line: why'.
  """

  name: str
  fingerprint: str
  protocol: str
  items: dict[str, Texts]
  train: Impressions | Sequences
  validation: Impressions
  test: Impressions
  before_test: Impressions | Sequences
  counts: dict[str, dict[str, int]]
  notes: list[str]
  behaviours: tuple[str, ...] = ()
  target_behaviour: str = ''

  def known(self, split: str) -> Sequences:
    """What users did before `split`, for baselines to learn from."""
    if isinstance(self.train, Sequences):
      return self.before_test if split == 'test' else self.train
    return sequences_of(self.train, *[self.validation][: split == 'test'])


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


def joined(splits: list[Impressions], directory: pathlib.Path) -> Impressions:
  """Impressions one after the other, as columns kept in `directory`."""
  if not directory.is_dir():
    with ColumnWriter(directory) as writer:
      for split in splits:
        writer.append_impressions(split)
  return read_impressions(directory)


def prepare(
  name: str,
  directory: str,
  *,
  cache_dir: pathlib.Path,
  protocol: str,
  validation_fraction: float,
  target_behaviour: str = '',
  k_core: int = 0,
  min_history: int = 0,
  source: Source = Source(),  # noqa: B008 (it is frozen)
) -> Dataset:
  """Reads a dataset's own files through TFDS, or what an earlier run made.

  Args:
    name: a key of DATASETS.
    directory: where the publisher's files lie; '' for the demo.
    cache_dir: for prepared records and columns, by fingerprint.
    protocol: 'impressions' for datasets of impressions, one of
      `held_out.PROTOCOLS` for datasets of sequences.
    validation_fraction: share of the training impressions, the latest, held
      out where the dataset has no validation split of its own; of `time_split`
      and `cold_items`, the share of either held-out part.
    k_core, min_history: of sequences, see `sequences.filtered`; 0: off.
    source: of 'interactions', the files it reads and how.
    target_behaviour: of sequences, the behaviour whose interactions are held
      out; the others stay in histories. '': all.

  Raises:
    UserError: unknown name, files missing or unusable, a protocol that does
      not fit.
  """
  cls = builder_class(name).bound(directory, source)
  is_sequences = issubclass(cls, SequenceBuilder)
  if is_sequences == (protocol == 'impressions'):
    kind = 'sequences' if is_sequences else 'impressions'
    fit = ' or '.join(PROTOCOLS) if is_sequences else 'impressions'
    raise UserError(
      f'data.protocol={protocol}: {name} is a dataset of {kind}: give {fit}'
    )
  if target_behaviour and not is_sequences:
    raise UserError(
      f'data.target_behaviour={target_behaviour}: {name} is a dataset of '
      "impressions, whose targets are its clicks: give ''"
    )
  if (k_core or min_history) and not is_sequences:
    raise UserError(
      f'data.k_core={k_core}, data.min_history={min_history}: {name} is a '
      'dataset of impressions, which are not filtered: give 0'
    )
  raw = pathlib.Path(directory).expanduser()
  root = cache_dir / 'datasets' / f'{name}-{cls.fingerprint(raw)}'
  tfds.disable_progress_bar()
  builders, counts, notes = {}, {}, []
  for config in [c.name for c in cls.BUILDER_CONFIGS]:
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
  items = item_columns(builders['items'], root / FORMAT / 'catalog')
  if is_sequences:
    sequences = sequence_columns(
      builders['sequences'], root / FORMAT / 'sequences'
    )
    sequences, dropped = filtered(
      sequences, k_core=k_core, min_history=min_history
    )
    if dropped:
      counts['k_core and min_history'] = dropped
    behaviours = builders['sequences'].behaviours()
    is_target = targets_of(sequences, behaviours, target_behaviour)
    found = _held_out(cut(sequences, protocol, validation_fraction, is_target))
    found['behaviours'] = behaviours
    found['target_behaviour'] = target_behaviour
    counts[protocol] = found.pop('counts')
  else:
    found = _splits(builders['impressions'], root, validation_fraction)
  return Dataset(
    name=name,
    fingerprint=columns_fingerprint(root / FORMAT),
    protocol=protocol,
    items=items,
    counts=counts,
    notes=notes,
    **found,
  )


def _splits(builder, root: pathlib.Path, fraction: float) -> dict:
  """The splits of impressions."""
  splits = {
    split: impression_columns(builder, split, root / FORMAT / split)
    for split in builder.SPLITS
  }
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
  return splits


def _held_out(held: HeldOut) -> dict:
  """The parts of sequences that a protocol cut."""
  parts = {'train': held.train.items} | {
    name: np.flatnonzero(getattr(held, name).labels)
    for name in ('validation', 'test')
  }
  counts = {f'{name} interactions': len(part) for name, part in parts.items()}
  return {
    'train': held.train,
    'validation': held.validation,
    'test': held.test,
    'before_test': held.before_test,
    'counts': held.counts | counts,
  }
