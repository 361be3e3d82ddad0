"""Closed forms that speak beside the network, each with a gain of its own.

    logit = the network's + sum over members of gain * member's score

A member is an item-item matrix: what an item of a history says for every other
item. Its K strongest entries of each row are kept. Members are fitted to what
is learned from; their gains are chosen on validation, which they have not seen
(`training.gains`).

One file a member, and one line with its import here.
"""

from jaxrec.ensemble.ease import Ease
from jaxrec.ensemble.member import Member
from jaxrec.ensemble.rules import Rules
from jaxrec.ensemble.texts import Texts

MEMBERS: dict[str, type[Member]] = {
  'rules': Rules,
  'ease': Ease,
  'texts': Texts,
}
