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
import dataclasses
import hashlib
import inspect
import json
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.errors import UserError

Item = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Source:
  """What a config says of files that are not a publisher's.

  Attributes:
    interactions_file, items_file: which.
    columns: (ours, the file's) names of columns.
    min_rating: interactions rated lower are left out; 0: none.
  """

  interactions_file: str = ''
  items_file: str = ''
  columns: tuple[tuple[str, str], ...] = ()
  min_rating: float = 0.0


class Tally:
  """What was read and what was set aside, by reason, and notes of some.

  At most `MAX_NOTES` places a reason are kept (file:line: why); all of them
  are counted.
  """

  MAX_NOTES = 5

  def __init__(self):
    self.counts: collections.Counter = collections.Counter()
    self.notes: list[str] = []
    self._named: list[tuple[str, str]] = []
    self._kept: collections.Counter = collections.Counter()

  def note(self, reason: str, where: str = '', times: int = 1) -> None:
    """Counts something; `where` is 'file:line: what is wrong'."""
    self.counts[reason] += times
    if where and self._kept[reason] < self.MAX_NOTES:
      self._kept[reason] += 1
      self._named.append((reason, where))
      self.notes.append(where)

  def add(self, other: 'Tally') -> None:
    """Adds what a later piece's reading told."""
    for reason, where in other._named:
      self.note(reason, where, times=0)
    self.counts.update(other.counts)


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Base of the datasets; see the module's docstring.

  `counts` holds what was read and what was set aside, by reason; it is kept
  as the TFDS metadata of each config; see `Tally`.

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
  USES: tuple = ()  # Modules that read for it, beside its own.

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

    shared, read = self.shared(directory), 0
    for shard in self.impression_shards(directory, split):
      for _, impression in self.read_shard(shard, shared, note):
        read += 1
        yield impression
    self.check(directory, split, read, tally)

  def impression_shards(self, directory: pathlib.Path, split: str) -> list:
    """One split in pieces that can be pickled, in order."""
    raise UserError(f'{type(self).__name__} has no impressions')

  def shared(self, directory: pathlib.Path):
    """What reading any of the pieces needs; can be pickled."""
    return None

  @staticmethod
  def read_shard(
    shard, shared, note: Callable[..., None]
  ) -> Iterator[tuple[int, dict]]:
    """Yields a piece's impressions with keys that grow, from piece to piece.

    Each is as `impressions` yields it. Calls `note` as `Tally.note`.
    """
    raise UserError(f'{shard}: nothing reads it')

  @classmethod
  def check(
    cls, directory: pathlib.Path, split: str, read: int, tally: Tally
  ) -> None:
    """Raises UserError where a split, read whole, is not what it should be."""

  @classmethod
  def bound(cls, directory: str, source: Source) -> type['Builder']:
    """The class that reads what a config names.

    Args:
      directory: data.dir.
      source: what else it says; for a set that is brought, not published.

    Raises:
      UserError: something is missing, or has no meaning here.
    """
    for key in ('interactions_file', 'items_file', 'min_rating'):
      if getattr(source, key):
        raise UserError(
          f'data.{key}={getattr(source, key)}: is of data.name=interactions '
          f'alone, not of {cls.name}'
        )
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
    for module in cls.USES:
      digest.update(inspect.getsource(module).encode())
    for source in cls.__mro__[: cls.__mro__.index(Builder) + 1]:
      digest.update(inspect.getsource(inspect.getmodule(source)).encode())
    for path in cls.files(directory):
      inside = path.is_relative_to(directory)
      name = path.relative_to(directory) if inside else path.name
      digest.update(str(name).encode())
      with open(path, 'rb') as f:
        digest.update(hashlib.file_digest(f, 'sha256').digest())
    return digest.hexdigest()[:16]

  def __init__(self, *, beam: bool = False, **kwargs):
    self._beam = _beam() if beam else None
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

  def told(self) -> tuple[dict[str, int], list[str]]:
    """Counts and notes of what was prepared, now or by an earlier run."""
    counts: collections.Counter = collections.Counter()
    notes = []
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
      features = self._behaviours()
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

  def _behaviours(self) -> dict:
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
      return {s: self._piped(directory, s) for s in self.SPLITS}
    return {
      split: self._numbered(self._examples(directory, split), split)
      for split in self.SPLITS
    }

  def _generate_examples(self):
    raise AssertionError('splits are given by _split_generators')

  def _numbered(self, examples, split):
    for i, example in enumerate(examples):
      yield i, example
      self.counts[f'{split}: read'] += 1
    _check_read(self.name, split, self._tally)
    self.info.metadata['counts'] = json.dumps(self.counts)
    self.info.metadata['notes'] = json.dumps(self.notes)

  def _piped(self, directory: pathlib.Path, split: str):
    """A Beam transform that reads one split, and tells what it read."""
    beam = self._beam
    shards = list(enumerate(self.impression_shards(directory, split)))
    shared = self.shared(directory)
    # Workers get these by value: no builder, which has open ends, among them.
    name, read_shard, check = self.name, self.read_shard, self.check

    def read(numbered, shared):
      number, shard = numbered
      tally = Tally()
      for example in read_shard(shard, shared, tally.note):
        tally.note(f'{split}: read')
        yield example
      yield beam.pvalue.TaggedOutput('tallies', (number, tally))

    def together(tallies):
      whole = Tally()
      for _, tally in sorted(tallies, key=lambda numbered: numbered[0]):
        whole.add(tally)
      check(directory, split, whole.counts[f'{split}: read'], whole)
      _check_read(name, split, whole)
      return whole

    @beam.ptransform_fn
    def transform(pipeline):
      context = pipeline | 'Shared' >> beam.Create([shared], reshuffle=False)
      pieces = pipeline | 'Shards' >> beam.Create(shards)  # To the workers.
      read_out = pieces | 'Read' >> beam.FlatMap(
        read, beam.pvalue.AsSingleton(context)
      ).with_outputs('tallies', main='examples')
      told = (
        read_out.tallies
        | 'Tallies' >> beam.combiners.ToList()
        | 'Together' >> beam.Map(together)
      )
      for kind in ('counts', 'notes'):
        self.info.metadata[f'{kind}_{split}'] = told | kind >> beam.Map(
          lambda tally, kind=kind: json.dumps(getattr(tally, kind))
        )
      return read_out.examples

    return transform()


def sequence_of(dtype) -> tfds.features.Sequence:
  """A feature: scalars, as many as there are."""
  return tfds.features.Sequence(tfds.features.Scalar(dtype))


def _check_read(name: str, split: str, tally: Tally) -> None:
  if not tally.counts[f'{split}: read']:
    raise UserError(
      f'{name}: the split {split!r} has no usable line; '
      f'set aside: {dict(tally.counts)}; first: {tally.notes[:3]}'
    )


def _beam():
  try:
    import apache_beam
  except ImportError as e:
    raise UserError(
      'reading by a Beam pipeline needs Apache Beam: pip install apache-beam'
    ) from e
  return apache_beam
