"""One compact vector of every item: what its id has learned, and its text."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.errors import UserError, at_least, one_of_known
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import Channel, ItemColumns, ItemInputs, Term
from jaxrec.models.terms.text import check_decay, unit

SIZE = 0.25  # Length of an item's part of ids, and of texts, to start with.


@dataclasses.dataclass(frozen=True)
class ItemConfig:
  """The term of compact item vectors.

  Attributes:
    width: of a vector; 0: by the size of the data.
    start: of the ids' part: 'factors', of what is acted on together, soon
      after one another; or 'random'.
    ids: whether there is a part of the ids.
    texts: whether there is a part of the texts.
    dropout: share of items whose ids a training step hides.
    learning_rate: of its parameters.
    decay: what an item of a history weighs after each event, to start with; 1
      for the plain mean.
  """

  width: int = 128
  start: str = 'factors'
  ids: bool = True
  texts: bool = True
  dropout: float = 0.0
  learning_rate: float = 1e-3
  decay: float = 0.7

  def __post_init__(self):
    at_least(self, width=0, learning_rate=0)
    one_of_known(self, start=('factors', 'random'))
    if not 0 <= self.dropout < 1:
      raise UserError(f'dropout={self.dropout}: must be 0 or more, < 1')
    if not self.ids and not self.texts:
      raise UserError('ids=False, texts=False: one of them is needed')
    check_decay(self, 'decay')


class Item(Term):
  """The sum of a vector of the item's id and a projection of its text.

  It is read in histories and scored as a candidate, the same vector (as in
  Press & Wolf, 2017, arXiv:1608.05859), so that what is learned of an item in
  one place counts in the other. An item that training has not seen has its
  text. Texts enter without the catalog's mean and at length 1.
  """

  Config: ClassVar[type] = ItemConfig
  per_item: ClassVar[tuple[str, ...]] = ('ids',)
  takes_key: ClassVar[bool] = True

  def __init__(self, config: ItemConfig, facts: Facts, *, rngs: nnx.Rngs):
    spread = SIZE * config.width**-0.5
    normal = nnx.initializers.normal(spread)
    self.dropout = config.dropout
    self.reads_texts, self.reads_ids = config.texts, config.ids
    if config.ids:
      self.ids = nnx.Param(
        normal(rngs.params(), (facts.num_items, config.width))
      )
    if config.texts:
      self.mean = nnx.Param(jnp.zeros(facts.text_width))
      self.project = nnx.Linear(
        facts.text_width,
        config.width,
        use_bias=False,
        kernel_init=normal,
        rngs=rngs,
      )

  @classmethod
  def channels(cls, config: ItemConfig, facts: Facts) -> tuple[Channel, ...]:
    return (Channel(config.width, config.decay),)

  @classmethod
  def start(cls, config: ItemConfig, facts: Facts, source) -> dict:
    known: dict[tuple[str, ...], np.ndarray] = {}
    if config.texts:
      mean, components = source.text_components(config.width)
      known[('mean',)] = mean
      known[('project', 'kernel')] = SIZE * components
    if config.ids and config.start == 'factors':
      known[('ids',)] = SIZE * source.neighbour_factors(config.width)
    return known

  def item_columns(self, inputs: ItemInputs, *, key=None) -> ItemColumns:
    parts = []
    if self.reads_ids:
      shown = inputs.items >= 0
      if key is not None and self.dropout:
        shown &= jax.random.bernoulli(key, 1 - self.dropout, shown.shape)
      rows = self.ids[jnp.maximum(inputs.items, 0)]
      parts.append(jnp.where(shown[:, None], rows, 0))
    if self.reads_texts:
      mean = jax.lax.stop_gradient(self.mean[...])
      parts.append(self.project(unit(inputs.pooled - mean[None])))
    return ItemColumns(read=sum(parts[1:], parts[0]))
