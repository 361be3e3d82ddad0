"""Ids: read by one vector, scored by another, and hidden now and then."""

import jax
import numpy as np
import pytest
from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.facts import Facts
from jaxrec.models.terms.ids import Decays, Ids, IdsConfig
from jaxrec.models.terms.term import Channel, ItemInputs

N, D, WIDTH = 400, 5, 3


def make(**options):
  return Ids(IdsConfig(width=WIDTH, **options), Facts(D, N), rngs=nnx.Rngs(0))


def columns_of(term, items, key=None):
  inputs = ItemInputs(np.zeros((len(items), D)), np.array(items), {})
  columns = term.item_columns(inputs, key=key)
  assert columns.bias is None
  return np.asarray(columns.read), np.asarray(columns.scored)


def test_rows_are_the_items_and_gains_those_of_channels():
  term = make()
  term.log_gains[...] = np.log([2.0, 3.0])
  read, scored = columns_of(term, [7, -1, 0])
  gains = np.repeat([2.0, 3.0], WIDTH)
  for row, item in ((0, 7), (2, 0)):
    np.testing.assert_array_equal(read[row], term.read[item])
    np.testing.assert_allclose(scored[row], term.scored[item] * gains)
  assert not read[1].any() and not scored[1].any()  # No item.
  assert (np.asarray(term.read[7]) != np.asarray(term.scored[7])).all()


def test_users_are_scored_by_what_they_read_and_read_by_nothing():
  read = np.random.default_rng(0).normal(size=(2, 1, 2 * WIDTH))
  users = make().user_columns(read, np.zeros((2, 1), np.int32))
  assert not np.asarray(users.read).any() and users.read.shape == read.shape
  np.testing.assert_array_equal(users.scored, read)


@pytest.mark.parametrize('dropout', [0.0, 0.5])
def test_a_training_step_hides_a_share_of_items_whole(dropout):
  term, items = make(dropout=dropout), np.arange(N)
  shown = columns_of(term, items)
  hidden = columns_of(term, items, jax.random.key(1))
  gone = ~hidden[0].any(1)
  np.testing.assert_array_equal(gone, ~hidden[1].any(1))
  assert abs(gone.mean() - dropout) < 0.1
  for x, y in zip(shown, hidden, strict=True):
    np.testing.assert_array_equal(x[~gone], y[~gone])
    assert x.any(1).all()
  if dropout:
    other = columns_of(term, items, jax.random.key(2))
    assert (hidden[0] != other[0]).any()


def test_a_channel_for_each_name():
  decays = Decays(together=0.9, follows=0.7)
  for channels, want in (
    ('together,follows', (0.9, 0.7)),
    (' follows ', (0.7,)),
  ):
    config = IdsConfig(width=WIDTH, channels=channels, decays=decays)
    assert Ids.channels(config, Facts(D, N)) == tuple(
      Channel(WIDTH, decay) for decay in want
    )
    assert make(channels=channels).read.shape == (N, len(want) * WIDTH)


def test_they_start_from_factors_or_at_random():
  class Source:
    def factors(self, config):
      return {'read': config.width, 'scored': config.penalty}

  start = lambda **options: Ids.start(
    IdsConfig(width=WIDTH, **options), Facts(D, N), Source()
  )
  assert start(penalty=8.0) == {('read',): WIDTH, ('scored',): 8.0}
  assert start(start='random') == {}


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    (
      {'channels': 'togehter'},
      "channels: 'togehter' .*did you mean 'together'",
    ),
    ({'channels': ' , '}, 'name some, or drop the term'),
    ({'width': 0}, 'width=0: must be 1 or more'),
    ({'dropout': 1.0}, 'dropout=1.0: must be 0 or more, < 1'),
    ({'start': 'zero'}, "start: 'zero' is unknown"),
  ],
  ids=str,
)
def test_settings_that_cannot_be(options, message):
  with pytest.raises(UserError, match=message):
    IdsConfig(**options)
