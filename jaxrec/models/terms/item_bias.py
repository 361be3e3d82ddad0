"""What everybody likes about an item, whatever its text."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from flax import nnx

from jaxrec.errors import at_least
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import ItemColumns, ItemInputs, Term


@dataclasses.dataclass(frozen=True)
class ItemBiasConfig:
  """The term of a number for each item.

  Attributes:
    start: of impressions: it starts as so much of the log of the item's click
      rate over the mean rate; 0: at zero.
    shrinkage: the rate is as if the item had been shown so many more times, at
      the mean rate.
    learning_rate: of its parameters.
  """

  start: float = 0.0
  shrinkage: float = 100.0
  learning_rate: float = 1e-3

  def __post_init__(self):
    at_least(self, shrinkage=0, learning_rate=0)


class ItemBias(Term):
  """A number of each item that adds to its logits."""

  Config: ClassVar[type] = ItemBiasConfig
  per_item: ClassVar[tuple[str, ...]] = ('values',)

  def __init__(self, config: ItemBiasConfig, facts: Facts, *, rngs: nnx.Rngs):
    self.values = nnx.Param(jnp.zeros(facts.num_items))

  @classmethod
  def start(cls, config: ItemBiasConfig, facts: Facts, source) -> dict:
    if not config.start:
      return {}
    return {('values',): config.start * source.click_rates(config.shrinkage)}

  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    values = self.values[jnp.maximum(inputs.items, 0)]
    return ItemColumns(bias=jnp.where(inputs.items >= 0, values, 0)[:, None])
