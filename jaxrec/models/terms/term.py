"""What a term is: one summand of the logit.

    logit = sum over terms of <user columns, item columns> + bias

A term gives columns of an item vector, and the columns of a user vector that
these are multiplied with. Three kinds of columns, for three kinds of knowledge:

    read     of the item, by which histories are read too: the head reads them
             and gives the user's
    scored   of the item as a candidate alone; the term itself gives the user's
    bias     one number of an item, whoever asks: all terms' add up

A new term is a file with a subclass of Term and its Config, a line in TERMS
(`jaxrec.models.terms`), and a test; see docs/contributing.md.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from flax import nnx

from jaxrec.batch import Array
from jaxrec.models.facts import Facts


class Channel(NamedTuple):
  """A run of the columns that histories are read by.

  Attributes:
    size: how many columns.
    decay: what an item of a history weighs after each event, to start with; 1
      for the plain mean.
  """

  size: int
  decay: float = 1.0


class ItemInputs(NamedTuple):
  """What is known of M items.

  Attributes:
    pooled: float32 [M, D], of their texts.
    items: int32 [M], their indices in the catalog; below 0 for none.
    features: by the name of a term, its rows [M, ...], see `Term.features`.
  """

  pooled: Array
  items: Array
  features: Mapping[str, Array]


class ItemColumns(NamedTuple):
  """Columns of item vectors, see the module; None for none.

  Attributes:
    read: [M, r], r the sum of the term's channels.
    scored: [M, s].
    bias: [M, 1].
  """

  read: Array | None = None
  scored: Array | None = None
  bias: Array | None = None


class UserColumns(NamedTuple):
  """Columns of user vectors, those of `ItemColumns` across from them.

  Attributes:
    read: [B, T, r].
    scored: [B, T, s].
  """

  read: Array | None = None
  scored: Array | None = None


@dataclasses.dataclass(frozen=True)
class NoConfig:
  """Of a term that has nothing to be set."""


class Term(nnx.Module):
  """A summand of the logit.

  Made with its Config, the Facts, and `rngs` for its initial parameters.
  """

  Config: ClassVar[type] = NoConfig
  # Names of parameters with a row for each item: they are split over devices
  # by rows, and a bundle's functions take them with any number of rows.
  per_item: ClassVar[tuple[str, ...]] = ()
  # Whether a training step gives `item_columns` a key for its dropout.
  takes_key: ClassVar[bool] = False
  read_width: int = 0  # r, the sum of its channels; set by `models.build`.

  def __init__(self, config: Any, facts: Facts, *, rngs: nnx.Rngs):
    del config, facts, rngs

  # ------------------------------------------------- before it is made, of data
  @classmethod
  def prepare(cls, config: Any, source: Any) -> Any:
    """What has to be learned of the catalog first; into `Facts.prepared`.

    Args:
      config: the term's.
      source: of the data, see `jaxrec.starts.source.DataSource`.
    """
    del config, source
    return None

  @classmethod
  def features(cls, prepared: Any, source: Any) -> np.ndarray | None:
    """[N, ...] of every item, whose rows come with each batch; None for none.

    Args:
      prepared: of `prepare`.
      source: as there.
    """
    del prepared, source
    return None

  @classmethod
  def channels(cls, config: Any, facts: Facts) -> tuple[Channel, ...]:
    """The runs of the columns that histories are read by."""
    del config, facts
    return ()

  @classmethod
  def start(cls, config: Any, facts: Facts, source: Any) -> dict:
    """What its parameters start from, by path: closed forms of the data.

    Args:
      config, facts: the term's own.
      source: of the data that is learned from, and nothing later.

    Returns:
      Arrays by tuples of names, ('vectors',) or ('project', 'bias').
    """
    del config, facts, source
    return {}

  # ------------------------------------------------------------------- columns
  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    """Columns of M items."""
    raise TypeError(f'{type(self).__name__} has no item_columns')

  def user_columns(self, read, dates) -> UserColumns:
    """Columns of users at T moments.

    Args:
      read: [B, T, r], what the head gives for the term's own channels.
      dates: int32 [B, T], the days of the moments, since 1970.
    """
    del dates
    return UserColumns(read=read)
