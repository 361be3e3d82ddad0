"""Small models of the parts that a test names."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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
  text: bool = True,
) -> Recommender:
  """A Recommender with random parameters.

  Args:
    encoder, positive_rate: see Recommender.
    width: D, of the texts' pooled vectors.
    head: by default an LSTM of width 8.
    terms: configs by name, beside that of the texts, which may be among them.
    num_items, num_behaviours, prepared: see Facts.
    seed: of the parameters.
    text: whether there is a term of the texts.
  """
  of_texts = {'text': TextConfig()} if text else {}
  return build_recommender(
    head or LstmConfig(width=8),
    of_texts | dict(terms or {}),
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


class CompiledHead:
  """A head, called as it is, that is compiled once for each shape."""

  def __init__(self, head: Head):
    self.graphdef, self.params = nnx.split(head)

    def users(params, *of_histories):
      return nnx.merge(self.graphdef, params)(*of_histories)

    self._users = jax.jit(users)
    # Of parameters and histories.
    self.gradients = jax.jit(
      jax.grad(lambda *x: jnp.sum(jnp.sin(users(*x))), argnums=(0, 1))
    )

  def __call__(self, history, mask, context, at) -> np.ndarray:
    return np.asarray(self._users(self.params, history, mask, context, at))


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
