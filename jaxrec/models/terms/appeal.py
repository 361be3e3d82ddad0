"""What everybody likes about a text."""

import dataclasses
from typing import ClassVar

from flax import nnx

from jaxrec.errors import at_least
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import ItemColumns, ItemInputs, Term


@dataclasses.dataclass(frozen=True)
class AppealConfig:
  """The term of a text's appeal.

  Attributes:
    learning_rate: of its parameters.
  """

  learning_rate: float = 1e-3

  def __post_init__(self):
    at_least(self, learning_rate=0)


class Appeal(Term):
  """A linear function of an item's text vector; it starts at zero."""

  Config: ClassVar[type] = AppealConfig

  def __init__(self, config: AppealConfig, facts: Facts, *, rngs: nnx.Rngs):
    self.linear = nnx.Linear(
      facts.text_width,
      1,
      use_bias=False,
      kernel_init=nnx.initializers.zeros,
      rngs=rngs,
    )

  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    return ItemColumns(bias=self.linear(inputs.pooled))
