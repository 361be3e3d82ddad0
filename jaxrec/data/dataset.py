"""What a run needs of a dataset: the catalog's texts, and the splits."""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences, sequences_of
from jaxrec.data.columns.texts import Texts
from jaxrec.data.items.naming import ours, with_our_names


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A prepared dataset.

  Attributes:
    name: a key of `datasets.DATASETS`.
    fingerprint: of the prepared columns, whatever code or files made them.
    protocol: how it is evaluated: 'impressions', or one of
      `splits.SEQUENCE_PROTOCOLS`, whose splits hold targets that are ranked
      among the whole catalog, or, of `cold_items`, among those listed.
    items: text columns of the catalog, N each, 'item_id' among them.
    train, validation, test: the splits. Training and every choice use the
      first two alone.
    before_test: these two as one.
    counts: what was read and what was set aside, by TFDS config.
    notes: some of the lines set aside, 'file:line: why'.
    behaviours: names of what users did, which `Sequences.behaviours` and
      `Impressions.history_behaviours` point to: ('',) where sequences have one
      kind without a name, () where the dataset is one of impressions.
    target_behaviour: the one that is held out; '': all.
    own_names: the keys of `items` by what the files call these columns, where
      that is something else.
    files: what it was read from, by the names in messages; of demos nothing.
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
  own_names: Mapping[str, str] = dataclasses.field(default_factory=dict)
  files: Mapping[str, pathlib.Path] = dataclasses.field(default_factory=dict)

  def template(self, template: str) -> str:
    """A template of items' texts, with our names of the columns."""
    return with_our_names(template, self.own_names, self.items)

  def columns_named(self, names: Iterable[str]) -> tuple[str, ...]:
    """Our names of columns that are named as here or as in the files."""
    return tuple(ours(names, self.own_names, self.items).values())

  def known(self, split: str) -> Sequences:
    """What users did before `split`, for baselines to learn from."""
    if isinstance(self.train, Sequences):
      return _sequences(self.before_test if split == 'test' else self.train)
    return sequences_of(self.train, *[self.validation][: split == 'test'])


def _sequences(behaviours: Impressions | Sequences) -> Sequences:
  """`behaviours`, of which the dataset's kind says what they are."""
  assert isinstance(behaviours, Sequences)
  return behaviours
