"""The parts of a run's model, and what each of them brings to the training."""

import dataclasses
import functools
from typing import Any

import numpy as np
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict
from jax.sharding import PartitionSpec as P

from jaxrec.encoding.text_encoder import TextEncoder
from jaxrec.models.build import build_recommender
from jaxrec.models.facts import Facts
from jaxrec.models.recommender import Recommender
from jaxrec.models.terms import TERMS
from jaxrec.parallel import sharding
from jaxrec.starts.source import DataSource
from jaxrec.training.settings import ModelConfig

ENCODER = 'encoder'  # The path of the language model's parameters.


@dataclasses.dataclass(frozen=True)
class ModelParts:
  """What is asked of the parts of a model, whichever there are.

  Attributes:
    config: of the model.
    encoder: the run's language model.
    source: the data that is learned from.
    seed: of the initial parameters.
  """

  config: ModelConfig
  encoder: TextEncoder
  source: DataSource
  seed: int

  @functools.cached_property
  def facts(self) -> Facts:
    """What the parts have to know of the data."""
    terms = self.config.terms
    return Facts(
      text_width=int(self.encoder.sizes['width']),
      num_items=self.source.num_items,
      num_behaviours=len(self.source.dataset.behaviours),
      prepared={
        name: TERMS[name].prepare(config, self.source)
        for name, config in terms.items()
      },
    )

  @functools.cached_property
  def features(self) -> dict[str, np.ndarray]:
    """What terms know of every item, [N, ...], by the term's name."""
    known = {
      name: TERMS[name].features(self.facts.prepared[name], self.source)
      for name in self.config.terms
    }
    return {name: x for name, x in known.items() if x is not None}

  def make(
    self, positive_rate: float, *, with_encoder: bool = True
  ) -> Recommender:
    """The Recommender with random parameters, to be filled.

    Args:
      positive_rate: see Recommender.
      with_encoder: False: pooled vectors of texts are given to it.
    """
    encoder = None
    if with_encoder and not self.encoder.frozen:
      encoder = self.encoder.make_for_step()
    return build_recommender(
      self.config.head,
      self.config.terms,
      self.facts,
      encoder=encoder,
      positive_rate=positive_rate,
      rngs=nnx.Rngs(self.seed + 1),
    )

  def start(self, params: dict) -> dict:
    """`params` with what terms know at the start, closed forms of the data."""
    flat = flatten_dict(params)
    for name, config in self.config.terms.items():
      known = TERMS[name].start(config, self.facts, self.source)
      for path, values in known.items():
        place = ('terms', name, *path)
        flat[place] = sharding.put(values, flat[place].sharding)
    return unflatten_dict(flat)

  @property
  def learning_rates(self) -> dict[str, float]:
    """Of the parts that have one of their own, by their parameters' path."""
    parts: dict[str, Any] = {
      f'terms/{name}': config for name, config in self.config.terms.items()
    }
    parts[ENCODER] = self.config.text
    return {
      path: config.learning_rate
      for path, config in parts.items()
      if hasattr(config, 'learning_rate')
    }

  @property
  def per_item(self) -> list[str]:
    """Paths of the parameters with a row for each item."""
    return [
      f'terms/{name}/{parameter}'
      for name in self.config.terms
      for parameter in TERMS[name].per_item
    ]

  @property
  def sharding_rules(self) -> sharding.Rules:
    """Of the parts' parameters, see `sharding.param_specs`."""
    rows = [(path, P('fsdp', None)) for path in self.per_item]
    return (*self.encoder.model.sharding, *rows)
