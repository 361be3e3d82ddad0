"""What every dataset shares: a TFDS builder of items and impressions.

A dataset is one subclass with three methods: `files` names and validates the
raw files, `items` yields the catalog, `impressions` yields one split. Both
come out of one builder as its two TFDS configs, 'items' and 'impressions'.
Impressions refer to items by their index in the order `items` yields them.
"""

import collections
import hashlib
import inspect
import json
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.errors import UserError

Item = dict[str, str]


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Base of the datasets; see the module's docstring.

  `counts` holds what was read and what was set aside, by reason; it is kept
  as the TFDS metadata of each config. At most `MAX_NOTES` bad lines a reason
  are kept by name (file:line: why); all of them are counted.
  """

  VERSION = tfds.core.Version('1.0.0')
  BUILDER_CONFIGS = [
    tfds.core.BuilderConfig(name='items', description='The catalog.'),
    tfds.core.BuilderConfig(name='impressions', description='What was shown.'),
  ]
  MANUAL_DOWNLOAD_INSTRUCTIONS = 'Set config.data.dir to the raw files.'
  MAX_NOTES = 5

  ITEM_TEXTS: tuple[str, ...] = ('title', 'category')
  SPLITS: tuple[str, ...] = ('train', 'test')
  HOMEPAGE = ''
  LICENSE = ''
  READS_FILES = True  # False: the dataset is made, not read.
  ORACLE = False  # True: impressions carry the true click probabilities.

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
    raise UserError(f'{type(self).__name__} has no impressions')

  # ------------------------------------------------------ what they all share
  @classmethod
  def fingerprint(cls, directory: pathlib.Path) -> str:
    """Hash of the raw files' contents and of the code that reads them."""
    digest = hashlib.sha256()
    for source in (cls, Builder):
      digest.update(inspect.getsource(inspect.getmodule(source)).encode())
    for path in cls.files(directory):
      digest.update(str(path.relative_to(directory)).encode())
      with open(path, 'rb') as f:
        digest.update(hashlib.file_digest(f, 'sha256').digest())
    return digest.hexdigest()[:16]

  def note(self, reason: str, where: str = '', times: int = 1) -> None:
    """Counts something set aside; `where` is 'file:line: what is wrong'."""
    self.counts[reason] += times
    if where and self._noted[reason] < self.MAX_NOTES:
      self._noted[reason] += 1
      self.notes.append(where)

  def _info(self) -> tfds.core.DatasetInfo:
    self.counts: collections.Counter = collections.Counter()
    self.notes: list[str] = []
    self._noted: collections.Counter = collections.Counter()
    sequence = lambda dtype: tfds.features.Sequence(tfds.features.Scalar(dtype))
    if self.builder_config.name == 'items':
      features = {name: tfds.features.Text() for name in self.ITEM_TEXTS}
      features['item_id'] = tfds.features.Text()
    else:
      features = {
        'impression_id': tfds.features.Text(),
        'user_id': tfds.features.Text(),
        'time': tfds.features.Scalar(np.int64),
        'history': sequence(np.int32),
        'candidates': sequence(np.int32),
        'labels': sequence(np.uint8),
      }
      if self.ORACLE:
        features['probabilities'] = sequence(np.float32)
    return tfds.core.DatasetInfo(
      builder=self,
      description=inspect.getdoc(type(self)),
      homepage=self.HOMEPAGE,
      license=self.LICENSE,
      features=tfds.features.FeaturesDict(features),
      metadata=tfds.core.MetadataDict(),
      disable_shuffling=True,  # Item i is the i-th record; time keeps order.
    )

  def _split_generators(self, dl_manager):
    directory = pathlib.Path(dl_manager.manual_dir)
    if self.builder_config.name == 'items':
      return {'catalog': self._numbered(self.items(directory), 'catalog')}
    return {
      split: self._numbered(self.impressions(directory, split), split)
      for split in self.SPLITS
    }

  def _generate_examples(self):
    raise AssertionError('splits are given by _split_generators')

  def _numbered(self, examples, split):
    for i, example in enumerate(examples):
      yield i, example
      self.counts[f'{split}: read'] += 1
    if not self.counts[f'{split}: read']:
      raise UserError(
        f'{self.name}: the split {split!r} has no usable line; '
        f'set aside: {dict(self.counts)}; first: {self.notes[:3]}'
      )
    self.info.metadata['counts'] = json.dumps(self.counts)
    self.info.metadata['notes'] = json.dumps(self.notes)
