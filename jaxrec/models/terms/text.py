"""What a user has read, against what an item's text says."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.errors import UserError, one_of_known
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import (
  Channel,
  ItemColumns,
  ItemInputs,
  Term,
  UserColumns,
)

EPSILON = 1e-6  # Keeps the gradient of a zero vector's direction finite.
SCORINGS = ('cosine', 'dot')
CENTERED = ('', 'catalog', 'histories')


def unit(x):
  """`x` with its last axis at length 1; zeros stay zeros."""
  return x * jax.lax.rsqrt(jnp.sum(x * x, -1, keepdims=True) + EPSILON)


@dataclasses.dataclass(frozen=True)
class TextConfig:
  """The term of items' texts.

  Attributes:
    scoring: cosine of the user's and the item's vector, or dot, their product.
    scale: of the cosine, to start with; it is learned.
    centered: texts start without their mean: 'catalog', that of all items;
      'histories', of what users acted on; '': with it.
    decay: what an item of a history weighs after each event, to start with; 1
      for the plain mean.
  """

  scoring: str = 'cosine'
  scale: float = 5.0
  centered: str = ''
  decay: float = 1.0

  def __post_init__(self):
    one_of_known(self, scoring=SCORINGS, centered=CENTERED)
    check_decay(self, 'decay')


def check_decay(config, *names: str) -> None:
  """UserError unless these fields are above 0 and at most 1."""
  for name in names:
    if not 0 < getattr(config, name) <= 1:
      raise UserError(
        f'{name}={getattr(config, name)}: must be above 0 and at most 1'
      )


class Text(Term):
  """A projection of items' text vectors, read and scored alike.

  The projection starts as the identity: the mean of a history of texts is a
  good recommender untrained.
  """

  Config: ClassVar[type] = TextConfig

  def __init__(self, config: TextConfig, facts: Facts, *, rngs: nnx.Rngs):
    self.project = nnx.Linear(
      facts.text_width,
      facts.text_width,
      kernel_init=lambda key, shape, dtype=jnp.float32: jnp.eye(
        shape[0], shape[1], dtype=dtype
      ),
      rngs=rngs,
    )
    self.cosine = config.scoring == 'cosine'
    self.scale = nnx.Param(jnp.float32(config.scale if self.cosine else 1.0))

  @classmethod
  def channels(cls, config: TextConfig, facts: Facts) -> tuple[Channel, ...]:
    return (Channel(facts.text_width, config.decay),)

  @classmethod
  def start(cls, config: TextConfig, facts: Facts, source) -> dict:
    if not config.centered:
      return {}
    return {('project', 'bias'): -source.text_mean(config.centered)}

  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    x = self.project(inputs.pooled)
    return ItemColumns(read=unit(x) if self.cosine else x)

  def user_columns(self, read, dates) -> UserColumns:
    return UserColumns(read=self.scale * (unit(read) if self.cosine else read))
