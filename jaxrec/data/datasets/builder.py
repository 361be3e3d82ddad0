"""What every dataset shares: a TFDS builder of items and impressions.

A dataset is one subclass with three methods: `files` names and validates the
raw files, `items` yields the catalog, `impressions` yields one split. Both
come out of one builder as its two TFDS configs, 'items' and 'impressions'.
Impressions refer to items by their index in the order `items` yields them.

Where impressions can be read piece by piece, three methods take the place of
`impressions`: `impression_shards` cuts a split, `shared` is what every piece's
reading needs, `read_shard` yields one piece. They are read in turn, or, with
`beam=True`, by the workers of an Apache Beam pipeline. The records come out the
same: their keys restore the order.
"""

import collections
import hashlib
import inspect
import json
import pathlib
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.data import readers
from jaxrec.data.datasets.beam import load_beam, piped_split
from jaxrec.data.datasets.source import Source
from jaxrec.data.readers.tally import Note, Tally, check_some_read
from jaxrec.errors import UserError

Item = dict[str, str]


class Builder(
  tfds.core.GeneratorBasedBuilder,
  skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types.
):
  """Base of the datasets; see the module's docstring.

  `counts` holds what was read and what was set aside, by reason, and `notes`
  some of the places; both are kept as the TFDS metadata of each config; see
  `Tally`.

  Args:
    beam: whether a Beam pipeline reads the shards of impressions. TFDS runs it
      as DownloadConfig's beam_runner and beam_options say.
    kwargs: as TFDS builders take them.
  """

  VERSION = tfds.core.Version('1.0.0')
  BUILDER_CONFIGS = [
    tfds.core.BuilderConfig(name='items', description='The catalog.'),
    tfds.core.BuilderConfig(name='impressions', description='What was shown.'),
  ]
  MANUAL_DOWNLOAD_INSTRUCTIONS = 'Set config.data.dir to the raw files.'

  ITEM_TEXTS: tuple[str, ...] = ('title', 'category')
  SPLITS: tuple[str, ...] = ('train', 'test')
  HOMEPAGE = ''
  LICENSE = ''
  READS_FILES = True  # False: the dataset is made, not read.
  ORACLE = False  # True: impressions carry the true click probabilities.
  SOURCE: Source | None = None  # Of a class that `bound` made.
  # Of the raw files' names of items' columns those that are not ours, by them.
  OWN_NAMES: Mapping[str, str] = types.MappingProxyType({})
  # Modules that read for it, beside its own and those of `readers`.
  USES: tuple[types.ModuleType, ...] = ()

  # ------------------------------------------------- what a dataset defines
  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """The raw files under `directory`; UserError where one is missing."""
    raise UserError(f'{cls.__name__} does not say which files it reads')

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields {'item_id': str, **{name: str for name in ITEM_TEXTS}}."""
    raise UserError(f'{type(self).__name__} has no items')

  def impressions(self, directory: pathlib.Path, split: str) -> Iterator[dict]:
    """Yields one split's impressions, oldest first where the set has order.

    Each is {'impression_id': str, 'user_id': str, 'time': int (unix
    seconds), 'history': [int] (item indices, oldest first), 'candidates':
    [int] (item indices), 'labels': [0 or 1]}, and 'probabilities': [float]
    where `ORACLE`.
    """
    tally = Tally()

    def note(*args, **kwargs):
      tally.note(*args, **kwargs)
      self.note(*args, **kwargs)

    shared, count = self.shared(directory), 0
    for shard in self.impression_shards(directory, split):
      for _, impression in self.read_shard(shard, shared, note):
        count += 1
        yield impression
    self.check(directory, split, count, tally)

  def impression_shards(self, directory: pathlib.Path, split: str) -> list:
    """One split in pieces that can be pickled, in order."""
    raise UserError(f'{type(self).__name__} has no impressions')

  def shared(self, directory: pathlib.Path):
    """What reading any of the pieces needs; can be pickled."""
    return None

  @staticmethod
  def read_shard(shard, shared, note: Note) -> Iterator[tuple[int, dict]]:
    """Yields a piece's impressions with keys that grow, from piece to piece.

    Each is as `impressions` yields it. Calls `note` as `Tally.note`.
    """
    raise UserError(f'{shard}: nothing reads it')

  @classmethod
  def check(
    cls, directory: pathlib.Path, split: str, count: int, tally: Tally
  ) -> None:
    """Looks at a split that was read whole; does nothing unless overridden.

    Args:
      directory: of the raw files.
      split: one of SPLITS.
      count: how many impressions were read.
      tally: what was set aside.

    Raises:
      UserError: the split is not what it should be.
    """

  @classmethod
  def bound(cls, directory: str, source: Source) -> type['Builder']:
    """The class that reads what a config names.

    Args:
      directory: data.dir.
      source: the tables it names; of datasets that are the user's own.

    Raises:
      UserError: something is missing, or has no meaning here.
    """
    source.check(cls.name)
    if cls.READS_FILES and not directory:
      raise UserError(
        f"data.dir is empty: {cls.name} reads its publisher's files; give "
        '--config.data.dir=DIR'
      )
    return cls

  # ------------------------------------------------------ what they all share
  @classmethod
  def fingerprint(cls, directory: pathlib.Path) -> str:
    """Hash of the raw files, of how they are to be read, and of the code."""
    digest = hashlib.sha256()
    if cls.SOURCE is not None:
      digest.update(repr(cls.SOURCE).encode())
    bases = cls.__mro__[: cls.__mro__.index(Builder) + 1]
    modules = [sys.modules[base.__module__] for base in bases]
    for module in (*cls.USES, *modules):
      digest.update(inspect.getsource(module).encode())
    for path in sorted(pathlib.Path(*readers.__path__).glob('*.py')):
      digest.update(path.read_bytes())
    for path in dict.fromkeys(cls.files(directory)):
      inside = path.is_relative_to(directory)
      name = path.relative_to(directory) if inside else path.name
      digest.update(str(name).encode())
      with open(path, 'rb') as f:
        digest.update(hashlib.file_digest(f, 'sha256').digest())
    return digest.hexdigest()[:16]

  def __init__(self, *, beam: bool = False, **kwargs):
    self._beam: Any = load_beam() if beam else None
    super().__init__(**kwargs)

  @property
  def counts(self) -> collections.Counter:
    """How many, by reason."""
    return self._tally.counts

  @property
  def notes(self) -> list[str]:
    """Some of the places."""
    return self._tally.notes

  def note(self, reason: str, where: str = '', times: int = 1) -> None:
    """Counts something set aside; `where` is 'file:line: what is wrong'."""
    self._tally.note(reason, where, times)

  def summary(self) -> tuple[dict[str, int], list[str]]:
    """Counts and notes of what was prepared, now or by an earlier run."""
    counts: collections.Counter = collections.Counter()
    notes: list[str] = []
    # One entry each, or, from a pipeline, one for each split.
    for suffix in ('', *(f'_{split}' for split in self.SPLITS)):
      if f'counts{suffix}' in self.info.metadata:
        counts.update(json.loads(self.info.metadata[f'counts{suffix}']))
        notes += json.loads(self.info.metadata[f'notes{suffix}'])
    return dict(counts), notes

  def _info(self) -> tfds.core.DatasetInfo:
    self._tally = Tally()
    if self.builder_config.name == 'items':
      features = {name: tfds.features.Text() for name in self.ITEM_TEXTS}
      features['item_id'] = tfds.features.Text()
    else:
      features = self._behaviour_features()
    return tfds.core.DatasetInfo(
      builder=self,
      description=inspect.getdoc(type(self)),
      homepage=self.HOMEPAGE,
      license=self.LICENSE,
      features=tfds.features.FeaturesDict(features),
      metadata=tfds.core.BeamMetadataDict()
      if self._beam
      else tfds.core.MetadataDict(),
      disable_shuffling=True,  # Item i is the i-th record; time keeps order.
    )

  def _behaviour_features(self) -> dict:
    """Features of the config that is not 'items'."""
    features = {
      'impression_id': tfds.features.Text(),
      'user_id': tfds.features.Text(),
      'time': tfds.features.Scalar(np.int64),
      'history': sequence_of(np.int32),
      'candidates': sequence_of(np.int32),
      'labels': sequence_of(np.uint8),
    }
    if self.ORACLE:
      features['probabilities'] = sequence_of(np.float32)
    return features

  def _examples(self, directory: pathlib.Path, split: str) -> Iterator[dict]:
    """Records of the config that is not 'items'."""
    return self.impressions(directory, split)

  def _split_generators(self, dl_manager):
    directory = pathlib.Path(dl_manager.manual_dir)
    if self.builder_config.name == 'items':
      return {'catalog': self._numbered(self.items(directory), 'catalog')}
    if self._beam:
      return {
        split: piped_split(self._beam, self, directory, split)
        for split in self.SPLITS
      }
    return {
      split: self._numbered(self._examples(directory, split), split)
      for split in self.SPLITS
    }

  def _generate_examples(self):
    raise AssertionError('splits are given by _split_generators')

  def _numbered(
    self, examples: Iterator[dict], split: str
  ) -> Iterator[tuple[int, dict]]:
    """Records with numbers as keys; keeps counts and notes as metadata."""
    for i, example in enumerate(examples):
      yield i, example
      self.counts[f'{split}: read'] += 1
    check_some_read(self.name, split, self._tally)
    self.info.metadata['counts'] = json.dumps(self.counts)
    self.info.metadata['notes'] = json.dumps(self.notes)


def sequence_of(dtype) -> tfds.features.Sequence:
  """A feature: scalars, as many as there are."""
  return tfds.features.Sequence(tfds.features.Scalar(dtype))
