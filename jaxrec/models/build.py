"""A Recommender of the parts that a config names."""

from collections.abc import Mapping
from typing import Any

from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.facts import Facts
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.context import ContextVectors
from jaxrec.models.heads.head import HeadConfig
from jaxrec.models.recommender import Recommender
from jaxrec.models.terms import TERMS
from jaxrec.models.terms.term import Channel, Term
from jaxrec.models.text.item_encoder import ItemEncoder


def channels_of(
  terms: Mapping[str, Any], facts: Facts
) -> dict[str, tuple[Channel, ...]]:
  """The channels of each term that is there, in the order of TERMS."""
  return {
    name: term.channels(terms[name], facts)
    for name, term in TERMS.items()
    if name in terms
  }


def build_recommender(
  head: HeadConfig,
  terms: Mapping[str, Any],
  facts: Facts,
  *,
  encoder: ItemEncoder | None = None,
  positive_rate: float = 0.5,
  rngs: nnx.Rngs,
) -> Recommender:
  """The Recommender with random parameters.

  Args:
    head: a config of one of HEADS.
    terms: configs of some of TERMS, by name; 'text' among them.
    facts: what the parts have to know of the data.
    encoder, positive_rate: see Recommender.
    rngs: for the initial parameters. They are drawn for the texts, the head,
      and the other terms, in this order: it is part of what a seed means.

  Raises:
    UserError: there is nothing to read.
  """
  if not {'text', 'item'} & set(terms):
    raise UserError('model.terms: name text or item: something must be read')
  channels = channels_of(terms, facts)
  make_term = lambda name: TERMS[name](terms[name], facts, rngs=rngs)
  made: dict[str, Term] = {}
  if 'text' in terms:
    made['text'] = make_term('text')
  all_channels = sum(channels.values(), ())
  made_head = HEADS[head.type](
    head,
    channels=all_channels,
    num_behaviours=facts.num_behaviours,
    rngs=rngs,
  )
  made |= {name: make_term(name) for name in channels if name != 'text'}
  for name, term in made.items():
    term.read_width = sum(channel.size for channel in channels[name])
  context = None
  if head.behaviours or head.gaps:
    context = ContextVectors(
      head,
      width=sum(channel.size for channel in all_channels),
      num_behaviours=facts.num_behaviours,
    )
  return Recommender(encoder, made_head, made, context, positive_rate)
