"""What is left to the size of the data is filled in; what is given stays."""

import types

import numpy as np
import pytest

from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError
from jaxrec.presets import get_config
from jaxrec.training.settings import Config
from jaxrec.training.sizing import LARGEST_CATALOG, is_open, sized


def dataset(users, each, items):
  count = users * each
  train = Sequences(
    np.arange(users),
    np.arange(users + 1) * each,
    np.zeros(count, np.int32),
    np.zeros(count, np.int64),
  )
  return types.SimpleNamespace(train=train, items={'item_id': range(items)})


def open_config(**changes):
  values = get_config('ecommerce:interactions').to_dict()
  for key, value in changes.items():
    *path, last = key.split('__')
    part = values
    for name in path:
      part = part[name]
    part[last] = value
  return Config.from_dict(values)


def test_more_data_gets_a_wider_model_and_fewer_epochs():
  small, line = sized(open_config(), dataset(500, 20, 800))
  large, _ = sized(open_config(), dataset(30_000, 10, 12_000))
  width = lambda config: config.model.terms['item'].width
  assert width(small) < width(large)
  assert small.training.epochs > large.training.epochs
  assert not is_open(small) and not is_open(large)
  assert '500 users, 800 items, 10,000 actions' in line
  assert f'model.terms.item.width={width(small)}' in line


def test_a_catalog_that_is_too_large_is_not_looked_at_as_a_whole():
  config, _ = sized(open_config(), dataset(100, 10, LARGEST_CATALOG + 1))
  assert config.objectives['next_item'].among == 'batch'
  config, _ = sized(open_config(), dataset(100, 10, LARGEST_CATALOG))
  assert config.objectives['next_item'].among == 'catalog'


def test_what_is_given_stays():
  given = open_config(
    training__epochs=3.0,
    input__batch_size=6,
    model__terms__item__width=24,
    objectives__next_item__among='batch',
  )
  assert sized(given, dataset(500, 20, 800)) == (given, '')


def test_a_batch_divides_over_the_devices():
  config, _ = sized(open_config(), dataset(500, 20, 800), shards=6)
  assert config.input.batch_size % 6 == 0


def test_impressions_leave_nothing_open():
  with pytest.raises(UserError, match='num_steps=0'):
    Config.from_dict({'training': {'num_steps': 0}})
