"""Small models of the parts that a test names."""

from collections.abc import Mapping
from typing import Any

import jax
from flax import nnx

from jaxrec.models.build import build_recommender
from jaxrec.models.facts import Facts
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import Head, HeadConfig
from jaxrec.models.heads.lstm import LstmConfig
from jaxrec.models.recommender import Recommender
from jaxrec.models.terms.term import Channel
from jaxrec.models.terms.text import TextConfig
from jaxrec.models.text.item_encoder import ItemEncoder


def make_recommender(
  encoder: ItemEncoder | None = None,
  *,
  width: int,
  head: HeadConfig | None = None,
  terms: Mapping[str, Any] | None = None,
  num_items: int = 0,
  num_behaviours: int = 0,
  prepared: Mapping[str, Any] | None = None,
  positive_rate: float = 0.5,
  seed: int = 2,
) -> Recommender:
  """A Recommender with random parameters.

  Args:
    encoder, positive_rate: see Recommender.
    width: D, of the texts' pooled vectors.
    head: by default an LSTM of width 8.
    terms: configs by name, beside that of the texts, which may be among them.
    num_items, num_behaviours, prepared: see Facts.
    seed: of the parameters.
  """
  return build_recommender(
    head or LstmConfig(width=8),
    {'text': TextConfig()} | dict(terms or {}),
    Facts(width, num_items, num_behaviours, prepared or {}),
    encoder=encoder,
    positive_rate=positive_rate,
    rngs=nnx.Rngs(seed),
  )


def make_head(
  config: HeadConfig,
  *channels: Channel,
  num_behaviours: int = 0,
  seed: int = 0,
) -> Head:
  """The head of a config, with random parameters."""
  return HEADS[config.type](
    config,
    channels=channels,
    num_behaviours=num_behaviours,
    rngs=nnx.Rngs(seed),
  )


def let_speak(head: nnx.Module) -> None:
  """What starts at zero in a module is drawn: it would hide the rest of it."""
  names = ('by_behaviour', 'by_age', 'behaviours', 'gaps')
  for i, name in enumerate(names):
    for module in (head, getattr(head, 'mean', None)):
      if isinstance(x := getattr(module, name, None), nnx.Param):
        x[...] = jax.random.normal(jax.random.key(i), x.shape)
  if hasattr(head, 'correct'):
    kernel = head.correct.kernel
    kernel[...] = jax.random.normal(jax.random.key(3), kernel.shape)
