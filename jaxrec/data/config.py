"""The config sections `data` and `input`, which check themselves.

Messages name a key as users write it: data.k_core, input.batch_size. What can
be known only of the files themselves is checked where they are read. This
module imports no TensorFlow, so that a mistake is answered at once.
"""

import dataclasses
import math

from jaxrec.data.datasets import DATASETS
from jaxrec.data.items.template import template_columns
from jaxrec.data.splits import IMPRESSIONS, SEQUENCE_PROTOCOLS
from jaxrec.errors import UserError, choices

# What may be mapped, by the datasets that read tables of one's own.
OWN_COLUMNS = {
  'interactions': (
    *('user_id', 'item_id', 'timestamp', 'behaviour', 'rating', 'title'),
    'catalog_id',
  ),
  'impressions': (
    *('user_id', 'item_id', 'timestamp', 'title', 'impression_id'),
    *('candidates', 'labels', 'clicked', 'label', 'history', 'catalog_id'),
  ),
}


@dataclasses.dataclass(frozen=True)
class ColumnsConfig:
  """What the columns of your own tables are called.

  With data.name=interactions, and of lists that were shown with
  data.name=impressions.

  Attributes:
    user_id: the column of who acted, or was shown a list.
    item_id: the column of what was acted on or shown, in all tables.
    timestamp: the column of when, in unix time or ISO 8601.
    behaviour: of interactions, the column of how, say view or purchase; it may
      be missing.
    rating: of interactions, the column of how much it was liked, read if
      data.min_rating is set.
    title: the column of an item's title; it may be missing from a table of
      items.
    impression_id: of impressions, the column of the id of a list; it may be
      missing.
    candidates: of impressions with a row a list, the column of the ids shown.
    labels: likewise, of a list of 1 for clicked and 0 for not, one a candidate;
      it may be missing.
    clicked: likewise, of the ids clicked, read where there are no labels; it
      may be missing.
    label: of impressions with a row a candidate, the column that is 1 where it
      was clicked, else 0.
    history: of impressions, the column of the ids that the user had clicked
      before, oldest first; it may be missing.
    catalog_id: the column of an item's id in the table of items, where it is
      called otherwise than in the log; empty: as item_id.
  """

  user_id: str = 'user_id'
  item_id: str = 'item_id'
  timestamp: str = 'timestamp'
  behaviour: str = 'behaviour'
  rating: str = 'rating'
  title: str = 'title'
  impression_id: str = 'impression_id'
  candidates: str = 'candidates'
  labels: str = 'labels'
  clicked: str = 'clicked'
  label: str = 'label'
  history: str = 'history'
  catalog_id: str = ''

  def __post_init__(self):
    for name, column in dataclasses.asdict(self).items():
      if not column and name != 'catalog_id':
        raise UserError(
          f'data.columns.{name} is empty: give the name of the column (where '
          f'the file has none, leave it at {name})'
        )


@dataclasses.dataclass(frozen=True)
class DataConfig:
  """Which data is read, and how it is cut into training and tests.

  Attributes:
    name: the dataset, one of `jaxrec.data.datasets.DATASETS`.
    dir: the directory of the publisher's files; empty for the demos.
    interactions_file: with name=interactions, the table of who acted on what;
      a relative path is looked up in data.dir.
    impressions_file: with name=impressions, the table of lists that were
      shown; likewise.
    test_impressions_file: with name=impressions, a table of the lists that are
      the test; empty: the latest of impressions_file are.
    items_file: with name=interactions or impressions, the table of items;
      likewise. Empty: the interactions have titles, and items are read from
      them.
    item_columns: with a table of items or of interactions, by commas, the
      columns that say something of an item beside its title; empty for all of
      the table of items, and for none of the interactions.
    columns: what the columns of these tables are called.
    min_rating: with name=interactions, those rated lower are left out; 0 keeps
      all.
    cache_dir: where prepared data, tokens and vectors are kept between runs;
      empty for $XDG_CACHE_HOME/jaxrec or ~/.cache/jaxrec.
    text_template: how the columns of an item make its text.
    validation_fraction: the share held out for validation: of training
      impressions the latest, where the dataset has no validation split; by
      time_split and cold_items, and of impressions without a test of their own,
      the share of each held-out part.
    protocol: impressions (rank what was shown); or, of sequences,
      leave_one_out (each user's last event is the test, the one before it
      validation), time_split (the latest share of all events is the test, the
      share before it validation) or cold_items (the newest share of the items
      is the test, the share before it validation, each ranked among
      themselves).
    target_behaviour: of sequences, the behaviour that is predicted, say
      purchase; the others stay in histories; empty for all. An item that was
      seen in another way may be a target: set evaluation.seen=kept.
    k_core: of sequences, users and items with fewer interactions are left out,
      again and again until all have so many; 0 keeps all.
    min_history: of sequences, users with fewer interactions are left out; 0
      keeps all.
  """

  name: str = 'demo'
  dir: str = ''
  interactions_file: str = ''
  impressions_file: str = ''
  test_impressions_file: str = ''
  items_file: str = ''
  item_columns: str = ''
  columns: ColumnsConfig = dataclasses.field(default_factory=ColumnsConfig)
  min_rating: float = 0.0
  cache_dir: str = ''
  text_template: str = '{title}'
  validation_fraction: float = 0.1
  protocol: str = IMPRESSIONS
  target_behaviour: str = ''
  k_core: int = 0
  min_history: int = 0

  def __post_init__(self):
    if self.name not in DATASETS:
      raise UserError(f'data.name: {choices(self.name, DATASETS)}')
    protocols = (IMPRESSIONS, *SEQUENCE_PROTOCOLS)
    if self.protocol not in protocols:
      raise UserError(f'data.protocol: {choices(self.protocol, protocols)}')
    if not math.isfinite(self.min_rating):
      raise UserError(f'data.min_rating={self.min_rating}: give a number')
    if not 0 <= self.validation_fraction < 1:
      raise UserError(
        f'data.validation_fraction={self.validation_fraction}: must be 0 or '
        'more, below 1'
      )
    if self.name in OWN_COLUMNS:
      self._check_columns(OWN_COLUMNS[self.name])
    template_columns(self.text_template)
    _at_least('data', self, k_core=0, min_history=0)

  def _check_columns(self, read: tuple[str, ...]) -> None:
    """UserError where a column is mapped that the dataset does not read."""
    for field in dataclasses.fields(ColumnsConfig):
      column = getattr(self.columns, field.name)
      if column != field.default and field.name not in read:
        raise UserError(
          f'data.columns.{field.name}={column}: data.name={self.name} reads no '
          f'such column (it reads {", ".join(read)})'
        )


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
  """How histories are changed, from epoch to epoch.

  Attributes:
    crop: share of the runs of which a random stretch is kept, half or more.
    drop: share of a run's items that are left out.
    mask: share of a run's items that are not read, though they are predicted.
    reorder: share of the runs of which a stretch of a fifth is shuffled.
  """

  crop: float = 0.0
  drop: float = 0.0
  mask: float = 0.0
  reorder: float = 0.0

  def __post_init__(self):
    for field in dataclasses.fields(self):
      share = getattr(self, field.name)
      if not 0 <= share < 1:
        raise UserError(f'{field.name}={share}: must be 0 or more, < 1')


@dataclasses.dataclass(frozen=True)
class InputConfig:
  """What a training batch holds.

  Attributes:
    batch_size: B, examples of a training step, over all devices; 0: by the
      size of the data, of sequences.
    history_length: H, the most recent items of a user that are read.
    num_candidates: C, in training: one target, and C - 1 that were not acted
      on.
    ordered: whether histories have an order; False reads them as sets.
    augment: how histories are changed from epoch to epoch, where the next item
      is chosen from the whole catalog.
  """

  batch_size: int = 64
  history_length: int = 50
  num_candidates: int = 5
  ordered: bool = True
  augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)

  def __post_init__(self):
    _at_least('input', self, batch_size=0, history_length=1, num_candidates=2)


def _at_least(section: str, config: object, **least: int) -> None:
  """UserError for the first field of `config` that is below its least value."""
  for name, minimum in least.items():
    value = getattr(config, name)
    if value < minimum:
      raise UserError(f'{section}.{name}={value}: must be {minimum} or more')
