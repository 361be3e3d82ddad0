"""What is left to the size of the data is filled in; what is given stays."""

import dataclasses
import types

import numpy as np
import pytest

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError
from jaxrec.presets import get_config
from jaxrec.training.settings import Config, TrainingConfig
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


def lists(count, candidates=6, texts=()):
  """Lists of which each has one click; `texts` are categories of the items."""
  shown = np.arange(count + 1) * candidates
  train = Impressions(
    np.arange(count),
    np.arange(count),
    np.arange(count),
    history=np.zeros(0, np.int32),
    history_offsets=np.zeros(count + 1, np.int64),
    candidates=np.zeros(shown[-1], np.int32),
    candidate_offsets=shown,
    labels=(np.arange(shown[-1]) % candidates == 0).astype(np.uint8),
  )
  items = {'item_id': range(50)}
  if texts:
    items['category'] = texts
  return types.SimpleNamespace(train=train, items=items)


def test_more_lists_are_gone_through_less_often():
  config = Config.from_dict(get_config('news:impressions').to_dict())
  assert is_open(config)
  (small, line), (large, _) = (
    sized(config, lists(count)) for count in (2000, 300_000)
  )
  assert small.training.epochs == 3 and large.training.epochs == 1
  rates = [x.optimizer.learning_rate for x in (small, large)]
  assert 0 < rates[0] < rates[1]
  assert small.training.eval_every == 100 and large.training.eval_every > 1000
  assert not is_open(small)
  assert line.startswith('for 2,000 lists, 2,000 clicks, 50 items: ')
  assert line.endswith('training.epochs=3, optimizer.learning_rate=1e-05')
  given = dataclasses.replace(
    config, training=dataclasses.replace(config.training, epochs=2.0)
  )
  assert sized(given, lists(2000))[0].training == given.training


@pytest.mark.parametrize(
  ('texts', 'names'),
  [(['', 'sport'], 'category'), (['', ' '], None), ((), None)],
)
def test_fields_are_those_that_items_have(texts, names):
  config = Config.from_dict(get_config('news:impressions').to_dict())
  filled, line = sized(config, lists(9, texts=texts))
  fields = filled.model.terms.get('fields')
  assert (fields and fields.names) == names
  assert (f'fields.names={names}' if names else 'no category') in line


def test_sequences_have_a_learning_rate():
  with pytest.raises(UserError, match=r'optimizer\.learning_rate=-1: only of'):
    open_config(optimizer__learning_rate=-1.0)
  with pytest.raises(UserError, match=r'rate=-0\.5: must be 0 or more'):
    open_config(optimizer__learning_rate=-0.5)


def test_impressions_leave_no_batch_open():
  with pytest.raises(UserError, match='batch_size=0'):
    Config.from_dict({'input': {'batch_size': 0}})


def test_looks_at_validation_that_nobody_counted():
  """Whoever gives the steps alone need not know of them."""
  config = get_config('ecommerce:interactions')
  with config.unlocked():
    config.training.num_steps = 400
  schedule = Config.from_dict(config).training.in_steps(1.0)
  assert (schedule.num_steps, schedule.eval_every) == (400, 33)
  assert schedule.checkpoint_every == 33
  short = TrainingConfig(num_steps=3, eval_every=0).in_steps(1.0)
  assert short.eval_every == 1
