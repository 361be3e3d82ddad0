"""What datasets of sequences share: who acted on which item, and when.

A dataset is one subclass with `files`, `items` (see `Builder`) and
`interactions`. Its two TFDS configs are 'items' and 'sequences'; a protocol
(`sequences.py`) cuts its one split 'users' later, so that any of them can be
asked of the same prepared records.
"""

import abc
import collections
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.data.builder import Builder, sequence_of


class SequenceBuilder(Builder, skip_registration=True):
  """Base of the datasets of sequences; see the module's docstring."""

  BUILDER_CONFIGS = [
    tfds.core.BuilderConfig(name='items', description='The catalog.'),
    tfds.core.BuilderConfig(name='sequences', description='Who did what.'),
  ]
  SPLITS = ('users',)

  @abc.abstractmethod
  def interactions(
    self, directory: pathlib.Path
  ) -> Iterator[tuple[str, int, int]]:
    """Yields (user id, item index, unix seconds), in any order."""

  def _behaviours(self) -> dict:
    return {
      'user_id': tfds.features.Text(),
      'items': sequence_of(np.int32),
      'times': sequence_of(np.int64),
    }

  def _examples(self, directory: pathlib.Path, split: str) -> Iterator[dict]:
    """Users in the order they first come up, their items oldest first.

    Items of one time keep the file's order, which nothing may rely on.
    """
    lists = collections.defaultdict(lambda: ([], []))
    for user, item, time in self.interactions(directory):
      items, times = lists[user]
      items.append(item)
      times.append(time)
    self.note('interactions', times=sum(len(i) for i, _ in lists.values()))
    for user, (items, times) in lists.items():
      order = np.argsort(times, kind='stable')
      yield {
        'user_id': user,
        'items': np.asarray(items, np.int32)[order],
        'times': np.asarray(times, np.int64)[order],
      }
