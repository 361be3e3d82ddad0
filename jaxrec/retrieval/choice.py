"""The chance that an item of a ranked catalog is what a user does next.

Of several things that are done at one moment, that which stands highest in the
list counts. The item at rank r of a user's list, with the logit s, has

    p = share * ((1 - pull) * z_r + pull * e_r)       of the first RANKS ranks
        + (1 - share) * t                             of all

    z_r  (r + flat) ** -fall, divided by its sum over the first RANKS ranks
    e_r  the softmax of sharpness * s over these
    t    the softmax of tail * min(s, the logit at rank RANKS) over all

How often the tenth of a list is hit hardly depends on by how much the first is
ahead, so that one softmax can't be right at both ends: its temperature is that
of the long tail, and the first ranks promise too much. So the first ranks have
a share of their own. Each of the three sums to 1 and never rises along the
list: so does p. All numbers depend on how much is known of the user: they are
given for a few lengths of histories, and are between these linear in
log(1 + length), numbers above 0 as their logs, those below 1 as their log-odds.

They are fitted where a model is judged (`evaluation.choices`) and kept in its
bundle. NumPy alone.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

RANKS = 100  # Ranks that have a share of their own.
# Sums of many float32 are rounded: by less than this no sum gets above 1.
ROUNDING = 1e-5
NUMBERS = ('share', 'pull', 'fall', 'flat', 'sharpness', 'tail')


@dataclasses.dataclass(frozen=True)
class Choice:
  """The numbers of the formula, by the length of the history.

  Attributes:
    lengths: items of a history that are read, rising.
    share, pull: of each length, above 0 and below 1.
    fall, flat, sharpness, tail: of each length, above 0.
    seen: 'masked': what a user has seen is not among what may be chosen;
      'kept': it is, and has its part of the probability, listed or not.
  """

  lengths: tuple[float, ...]
  share: tuple[float, ...]
  pull: tuple[float, ...]
  fall: tuple[float, ...]
  flat: tuple[float, ...]
  sharpness: tuple[float, ...]
  tail: tuple[float, ...]
  seen: str

  @classmethod
  def of(cls, values: Mapping[str, Any]) -> 'Choice':
    """From what `dataclasses.asdict` gave; other keys are passed over."""
    numbers = {
      name: tuple(map(float, values[name])) for name in ('lengths', *NUMBERS)
    }
    return cls(**numbers, seen=values['seen'])

  def at(self, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Each of NUMBERS, float64 [U], of users of whom `lengths` [U] are read."""
    weights = knot_weights(self.lengths, lengths)
    logs = lambda name: np.log(getattr(self, name))
    numbers = {n: np.exp(weights @ logs(n)) for n in NUMBERS[2:]}
    for name in NUMBERS[:2]:
      odds = logs(name) - np.log1p(-np.array(getattr(self, name)))
      numbers[name] = 0.5 * (1 + np.tanh(0.5 * (weights @ odds)))
    return numbers

  def probabilities(
    self,
    logits: np.ndarray,
    ranks: np.ndarray,
    best: np.ndarray,
    tails: np.ndarray,
    lengths: np.ndarray,
  ) -> np.ndarray:
    """The chances of items, each user's adding up to at most 1.

    Args:
      logits: float [U, C], of any items; -inf gives 0.
      ranks: int [U, C], among all that may be chosen, from 0.
      best: float [U, B], logits of the best RANKS, the highest first, -inf
        where there are fewer.
      tails: float [U], over all that may be chosen, the log of the sum of
        exp(tail * (min(logit, least) - least)); `least` is the last of `best`.
      lengths: int [U], items of the user's history that are read.

    Returns:
      float64 [U, C].
    """
    logits, best = np.asarray(logits, np.float64), np.asarray(best, np.float64)
    numbers = {name: x[:, None] for name, x in self.at(lengths).items()}
    listed = best > -np.inf
    none = ~listed.any(1, keepdims=True)
    first = np.where(none, 0, best.max(1, keepdims=True, initial=-np.inf))
    last = np.where(listed, best, np.inf).min(1, keepdims=True, initial=np.inf)
    last = np.where(none, 0, last)
    over = lambda x: numbers['sharpness'] * (x - first)
    total = np.exp(over(best)).sum(1, keepdims=True)
    by_logit = np.exp(over(np.minimum(logits, first))) / np.maximum(total, 1)
    z = rank_shares(
      numbers['fall'], numbers['flat'], listed.sum(1, keepdims=True)
    )
    by_rank = np.take_along_axis(z, np.minimum(ranks, RANKS), 1)
    head = (1 - numbers['pull']) * by_rank + numbers['pull'] * by_logit
    head = np.where((ranks < RANKS) & (logits > -np.inf), head, 0)
    below = numbers['tail'] * (np.minimum(logits, last) - last)
    tails = np.where(none, 0, np.asarray(tails, np.float64)[:, None])
    behind = np.exp(np.minimum(below - tails, 0))
    mixed = numbers['share'] * head + (1 - numbers['share']) * behind
    return mixed * (1 - ROUNDING)


def rank_shares(
  fall: np.ndarray, flat: np.ndarray, counts: np.ndarray
) -> np.ndarray:
  """z of the formula, float64 [U, RANKS + 1], the last 0: of later ranks.

  Args:
    fall, flat: float [U, 1].
    counts: int [U, 1]; of fewer items than RANKS these alone share.
  """
  ranks = np.arange(1, RANKS + 2)
  weights = np.where(
    ranks <= np.minimum(counts, RANKS), np.exp(-fall * np.log(ranks + flat)), 0
  )
  return weights / np.maximum(weights.sum(1, keepdims=True), 1e-300)


def knot_weights(knots: tuple[float, ...], at: np.ndarray) -> np.ndarray:
  """float64 [U, J]: what each knot counts, linear in log(1 + length)."""
  places = np.log1p(np.asarray(at, np.float64))
  logs, rows = np.log1p(knots), np.eye(len(knots))
  return np.stack([np.interp(places, logs, row) for row in rows], 1)
