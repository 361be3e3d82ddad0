"""What items have in common: their category, price or artist."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.errors import UserError, at_least
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import Channel, ItemColumns, ItemInputs, Term
from jaxrec.models.terms.text import check_decay

AUTO = 'auto'  # What names no column, but asks for what there is.


@dataclasses.dataclass(frozen=True)
class FieldsConfig:
  """The term of item fields.

  Attributes:
    names: columns of the items, by commas: 'category,price'; auto: category if
      the items have it, else there is no such term.
    width: W, of the vector of a value.
    gain: of the product of two vectors, to start with; it is learned.
    decay: what an item of a history weighs after each event, to start with.
    learning_rate: of its parameters.
  """

  names: str = 'category'
  width: int = 64
  gain: float = 1.0
  decay: float = 1.0
  learning_rate: float = 1e-3

  def __post_init__(self):
    at_least(self, width=1, learning_rate=0)
    if not self.columns:
      raise UserError("names='': name columns of the items, or drop the term")
    if self.gain <= 0:
      raise UserError(f'gain={self.gain}: must be above 0')
    check_decay(self, 'decay')

  @property
  def columns(self) -> tuple[str, ...]:
    """`names`, one by one."""
    names = (name.strip() for name in self.names.split(','))
    return tuple(name for name in names if name)


class Fields(Term):
  """A vector for every value of every field; an item's is the sum of its own.

  Read in a history and scored as they are: a user who has acted on dramas alone
  and a drama start with a logit of the field's gain. Of several values of one
  field the mean counts. Each value also has a number that adds to its items'
  logits. Vectors start as orthonormal where there are at most W values, else
  nearly so.
  """

  Config: ClassVar[type] = FieldsConfig

  def __init__(self, config: FieldsConfig, facts: Facts, *, rngs: nnx.Rngs):
    sizes = [field.size for field in facts.prepared['fields']]
    count, width = sum(sizes), config.width
    key = rngs.params()
    if count <= width:
      vectors = jax.random.orthogonal(key, width)[:count]
    else:
      vectors = jax.random.normal(key, (count, width))
      vectors /= jnp.linalg.norm(vectors, axis=-1, keepdims=True)
    self.vectors = nnx.Param(vectors)
    self.likes = nnx.Param(jnp.zeros(count))
    self.log_gains = nnx.Param(jnp.full(len(sizes), np.log(config.gain)))

  @classmethod
  def prepare(cls, config: FieldsConfig, source):
    """The fields' values, numbered: a tuple of `data.items.fields.Field`."""
    return source.fields(config.columns)

  @classmethod
  def features(cls, prepared, source) -> np.ndarray:
    """int32 [N, F, V], values of every item's fields, below 0 for none."""
    return source.field_values(prepared)

  @classmethod
  def channels(cls, config: FieldsConfig, facts: Facts) -> tuple[Channel, ...]:
    return (Channel(config.width, config.decay),)

  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    values = inputs.features['fields']
    is_known = values >= 0
    shares = is_known / jnp.maximum(is_known.sum(-1, keepdims=True), 1)
    rows = jnp.maximum(values, 0)
    # Both sides have it, and their product the gain itself.
    roots = jnp.exp(self.log_gains[...] / 2)[None, :, None]
    vectors = jnp.einsum('mfv,mfvw->mw', shares * roots, self.vectors[rows])
    likes = jnp.sum(shares * self.likes[rows], (1, 2))[:, None]
    return ItemColumns(read=vectors, bias=likes)
