"""What a config says of tables that are the user's own."""

import dataclasses

from jaxrec.data.config import ColumnsConfig, DataConfig


@dataclasses.dataclass(frozen=True)
class Source:
  """The tables of data.name=interactions; empty for every other dataset.

  Attributes:
    interactions_file, items_file: names of the two tables.
    columns: (our name, the file's name) of columns.
    min_rating: interactions rated lower are left out; 0: none.
  """

  interactions_file: str = ''
  items_file: str = ''
  columns: tuple[tuple[str, str], ...] = ()
  min_rating: float = 0.0

  @classmethod
  def of(cls, data: DataConfig) -> 'Source':
    """Of the config's section `data`, a DataConfig or such a ConfigDict."""
    return cls(
      interactions_file=data.interactions_file,
      items_file=data.items_file,
      columns=tuple(
        (field.name, getattr(data.columns, field.name))
        for field in dataclasses.fields(ColumnsConfig)
      ),
      min_rating=data.min_rating,
    )
