"""What a run needs of a dataset: the catalog's texts, and the splits."""

import dataclasses

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences, sequences_of
from jaxrec.data.columns.texts import Texts


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
      return _sequences(self.before_test if split == 'test' else self.train)
    return sequences_of(self.train, *[self.validation][: split == 'test'])


def _sequences(behaviours: Impressions | Sequences) -> Sequences:
  """`behaviours`, of which the dataset's kind says what they are."""
  assert isinstance(behaviours, Sequences)
  return behaviours
