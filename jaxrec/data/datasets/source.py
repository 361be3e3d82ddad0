"""What a config says of tables that are the user's own."""

import dataclasses

from jaxrec.data.config import OWN_COLUMNS, DataConfig
from jaxrec.errors import UserError

# Which datasets read what a config says.
OWNERS = {
  'interactions_file': ('interactions',),
  'impressions_file': ('impressions',),
  'test_impressions_file': ('impressions',),
  'items_file': ('interactions', 'impressions'),
  'item_columns': ('interactions', 'impressions'),
  'min_rating': ('interactions',),
}


@dataclasses.dataclass(frozen=True)
class Source:
  """The tables of data.name=interactions or impressions, else empty.

  Attributes:
    interactions_file, items_file: names of the two tables.
    columns: (our name, the file's name) of columns.
    min_rating: interactions rated lower are left out; 0: none.
    impressions_file, test_impressions_file: names of tables of lists.
    item_columns: the file's names of the columns that are texts of items; ():
      see `own_tables`.
  """

  interactions_file: str = ''
  items_file: str = ''
  columns: tuple[tuple[str, str], ...] = ()
  min_rating: float = 0.0
  impressions_file: str = ''
  test_impressions_file: str = ''
  item_columns: tuple[str, ...] = ()

  @property
  def is_one_table(self) -> bool:
    """Whether items are read from the interactions."""
    return bool(self.interactions_file) and not self.items_file

  @classmethod
  def of(cls, data: DataConfig) -> 'Source':
    """Of the config's section `data`, a DataConfig or such a ConfigDict."""
    return cls(
      interactions_file=data.interactions_file,
      items_file=data.items_file,
      columns=tuple(
        (name, getattr(data.columns, name))
        for name in OWN_COLUMNS.get(data.name, ())
      ),
      min_rating=data.min_rating,
      impressions_file=data.impressions_file,
      test_impressions_file=data.test_impressions_file,
      item_columns=tuple(
        name.strip() for name in data.item_columns.split(',') if name.strip()
      ),
    )

  def check(self, dataset: str) -> None:
    """UserError where something is given that `dataset` does not read."""
    for key, owners in OWNERS.items():
      if (value := getattr(self, key)) and dataset not in owners:
        value = ','.join(value) if isinstance(value, tuple) else value
        raise UserError(
          f'data.{key}={value}: is of data.name={" or ".join(owners)} alone, '
          f'not of {dataset}'
        )
