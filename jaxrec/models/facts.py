"""What a model has to know of the data before it is made."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Facts(NamedTuple):
  """Sizes that parameters' shapes follow from.

  Attributes:
    text_width: D, of the pooled vectors of items' texts.
    num_items: N, of the catalog.
    num_behaviours: in how many ways users act on items.
    prepared: by the name of a term, what its `prepare` has learned of the
      catalog.
  """

  text_width: int
  num_items: int = 0
  num_behaviours: int = 0
  prepared: Mapping[str, Any] = {}
