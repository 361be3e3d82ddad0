"""Probabilities of whole catalogs: they add up, and keep the order."""

import numpy as np
import pytest

from jaxrec.retrieval.choice import RANKS, Choice

CHOICE = Choice(
  lengths=(0.0, 5.0, 50.0),
  share=(0.2, 0.5, 0.9),
  pull=(0.1, 0.5, 0.9),
  fall=(0.5, 1.0, 2.0),
  flat=(0.1, 1.0, 10.0),
  sharpness=(0.2, 1.0, 5.0),
  tail=(0.1, 1.0, 3.0),
  seen='masked',
)
LENGTHS = np.array([0, 1, 5, 20, 1000])


def chances(logits, lengths=LENGTHS, choice=CHOICE):
  """Of whole catalogs [U, N], best first."""
  best = logits[:, :RANKS]
  least = np.where(np.isfinite(best), best, np.inf).min(1)[:, None]
  tail = choice.at(lengths)['tail'][:, None]
  below = np.minimum(logits - np.where(np.isfinite(least), least, 0), 0)
  with np.errstate(divide='ignore'):
    tails = np.log(np.exp(tail * below).sum(1))
  ranks = np.broadcast_to(np.arange(logits.shape[1]), logits.shape)
  return choice.probabilities(logits, ranks, best, tails, lengths)


@pytest.mark.parametrize('count', [1, 7, RANKS, RANKS + 1, 3000])
@pytest.mark.parametrize('spread', [0.0, 0.1, 3.0, 500.0])
def test_they_add_up_to_one_and_never_rise(count, spread):
  rng = np.random.default_rng(count)
  logits = -np.sort(-spread * rng.normal(size=(len(LENGTHS), count)), axis=1)
  p = chances(logits)
  np.testing.assert_allclose(p.sum(1), 1, atol=1e-4)
  assert (p.sum(1) <= 1).all() and (p > -1e-300).all()
  assert (np.diff(p, axis=1) <= 1e-15).all()
  np.testing.assert_allclose(chances(logits + 7), p, rtol=1e-6)


def test_what_is_not_there_has_none():
  logits = np.full((5, 20), -np.inf)
  logits[:4, :3] = [3.0, 2.0, 1.0]
  p = chances(logits)
  assert (p[:, 3:] == 0).all() and (p[4] == 0).all()
  np.testing.assert_allclose(p[:4].sum(1), 1, atol=1e-4)


def test_numbers_lie_between_those_of_their_neighbours():
  numbers = CHOICE.at(np.array([0, 2, 5, 5000]))
  for name in ('share', 'pull', 'fall', 'flat', 'sharpness', 'tail'):
    low, between, middle, last = numbers[name]
    first, second, third = getattr(CHOICE, name)
    assert (low, middle, last) == pytest.approx((first, second, third))
    assert first < between < second


def test_it_is_what_was_written():
  import dataclasses
  import json

  written = json.loads(json.dumps(dataclasses.asdict(CHOICE)))
  assert Choice.of(written | {'more': 1}) == CHOICE
