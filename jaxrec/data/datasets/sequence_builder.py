"""What datasets of sequences share: who acted on which item, when and how.

A dataset is one subclass with `files`, `items` (see `Builder`) and
`interactions`. Its two TFDS configs are 'items' and 'sequences'; a protocol
(`splits.held_out`) cuts its one split 'users' later, so that any of them can be
asked of the same prepared records.
"""

import abc
import array
import collections
import json
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.data.datasets.builder import Builder, sequence_of
from jaxrec.errors import UserError

MAX_BEHAVIOURS = 256  # Their indices are uint8 once prepared.


class Interaction(NamedTuple):
  """One user acted on one item.

  Attributes:
    user: an id.
    item: the item's index in the order `Builder.items` yields them.
    time: unix seconds.
    behaviour: what the user did, 'view' or 'purchase'; '' where a set has one
      kind only.
  """

  user: str
  item: int
  time: int
  behaviour: str = ''


class SequenceBuilder(
  Builder,
  skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types.
):
  """Base of the datasets of sequences; see the module's docstring."""

  BUILDER_CONFIGS = [
    tfds.core.BuilderConfig(name='items', description='The catalog.'),
    tfds.core.BuilderConfig(name='sequences', description='Who did what.'),
  ]
  SPLITS = ('users',)

  @abc.abstractmethod
  def interactions(self, directory: pathlib.Path) -> Iterator[Interaction]:
    """Yields the interactions, in any order."""

  def behaviours(self) -> tuple[str, ...]:
    """Names of what users did, of what was prepared, now or earlier."""
    return tuple(json.loads(self.info.metadata['behaviours']))

  def _behaviour_features(self) -> dict:
    return {
      'user_id': tfds.features.Text(),
      'items': sequence_of(np.int32),
      'times': sequence_of(np.int64),
      # Indices into `behaviours`.
      'behaviours': sequence_of(np.int32),
    }

  def _examples(self, directory: pathlib.Path, split: str) -> Iterator[dict]:
    """Users in the order they first come up, their items oldest first.

    Items of one time keep the file's order, which nothing may rely on.
    """
    # Of each user: items, times and behaviours.
    lists: dict[str, tuple[array.array, ...]] = collections.defaultdict(
      lambda: (array.array('i'), array.array('q'), array.array('B'))
    )
    names: dict[str, int] = {}
    for user, item, time, behaviour in self.interactions(directory):
      index = names.setdefault(behaviour, len(names))
      if index == MAX_BEHAVIOURS:
        raise UserError(
          f'{self.name}: more than {MAX_BEHAVIOURS} kinds of behaviour, e.g. '
          f'{behaviour[:50]!r}: is this the right column?'
        )
      for column, value in zip(lists[user], (item, time, index), strict=True):
        column.append(value)
    self.note('interactions', times=sum(len(i) for i, *_ in lists.values()))
    self.info.metadata['behaviours'] = json.dumps(list(names))
    for user, columns in lists.items():
      items, times, behaviours = (np.asarray(column) for column in columns)
      order = np.argsort(times, kind='stable')
      yield {
        'user_id': user,
        'items': items[order],
        'times': times[order],
        'behaviours': behaviours[order].astype(np.int32),
      }
