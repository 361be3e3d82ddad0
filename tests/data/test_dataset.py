import importlib

import numpy as np
import pytest

from jaxrec.baselines import Known
from jaxrec.commands.prepare import load_dataset
from jaxrec.console import Display
from jaxrec.data import dataset
from jaxrec.errors import UserError
from jaxrec.evaluation import metrics, protocols
from jaxrec.evaluation.summary import judge_baseline

BUILDER = '''
"""Songs that come out one by one, and who played or skipped them."""

from jaxrec.data.sequence_builder import Interaction, SequenceBuilder


class Radio(SequenceBuilder):
  """A song a day; everybody hears some of the latest."""

  ITEM_TEXTS = ('song', 'singer')

  @classmethod
  def files(cls, directory):
    return [directory / 'songs.txt']

  def items(self, directory):
    for i, line in enumerate(self.files(directory)[0].open()):
      song, singer = line.strip().split(' by ')
      yield {'item_id': str(i), 'song': song, 'singer': singer}

  def interactions(self, directory):
    for day in range(30):
      for listener in range(12):
        song = max(day - listener * day % 7, 0)
        how = ('play', 'skip')[(day + listener) % 3 == 0]
        yield Interaction(f'l{listener}', song, day * 86400, how)
'''
CONFIG = """
from configs import common


def get_config():
  return common.locked(
    common.base(),
    {
      'data.name': 'radio',
      'data.protocol': 'cold_items',
      'data.target_behaviour': 'play',
      'data.text_template': '{song}, {singer}',
    },
  )
"""


@pytest.fixture
def radio(tmp_path, monkeypatch):
  """A directory with a fifth dataset: one file, one config, one line."""
  (tmp_path / 'radio_builder.py').write_text(BUILDER)
  (tmp_path / 'radio_config.py').write_text(CONFIG)
  lines = [f'Song number {i} by Singer {i % 5}\n' for i in range(30)]
  (tmp_path / 'songs.txt').write_text(''.join(lines))
  monkeypatch.syspath_prepend(tmp_path)
  monkeypatch.setitem(dataset.DATASETS, 'radio', 'radio_builder:Radio')
  return tmp_path


@pytest.fixture
def radio_config(radio):
  config = importlib.import_module('radio_config').get_config()
  config.data.dir = str(radio)
  config.data.cache_dir = str(radio / 'cache')
  return config


def test_a_dataset_is_one_file_and_one_config(radio_config):
  found = load_dataset(radio_config, Display(quiet=True))
  assert found.behaviours == ('skip', 'play')
  assert found.counts['cold_items']['warm items'] == 24
  assert found.counts['sequences']['interactions'] == 12 * 30
  cold = set(found.test.candidates.tolist())
  assert not cold & set(found.known('test').items.tolist()) and len(cold) == 3
  protocol = protocols.make(
    'cold_items', seen='masked', sampled=0, num_items=30, seed=0, num_cold=3
  )
  assert protocol.describe() == 'the 3 newest items, in training unseen'
  known = [
    Known(found.known(split), np.zeros((30, 2), np.float32), 50, 0)
    for split in ('test', 'validation')
  ]
  parts = [
    protocol.examples(part)[0] for part in (found.test, found.validation)
  ]
  judged, _ = judge_baseline(
    'popularity', protocol, parts[0], known[0], parts[1], known[1]
  )
  # Nobody ever acted on a new item: to popularity all are the same.
  assert metrics.finalize(judged.values)['auc'] == 0.5


@pytest.mark.slow
def test_it_trains(radio_config, tiny_bert, tmp_path, one_device):
  from jaxrec.commands import train  # Takes seconds.

  radio_config.update_from_flattened_dict(
    {
      'encoder.pretrained': str(tiny_bert),
      'batch_size': 8,
      'eval_batch_size': 8,
      'num_train_steps': 2,
      'eval_every_steps': 2,
      'checkpoint_every_steps': 2,
      'head.width': 8,
      'evaluation.baselines': 'random,popularity',
      'evaluation.num_bootstrap': 10,
    }
  )
  found = train.train_and_evaluate(radio_config, tmp_path / 'work')
  assert found['protocol']['name'] == 'cold_items'
  assert np.isfinite(list(found['metrics'].values())).all()
  assert found['baselines']['popularity']['auc'] == 0.5


@pytest.mark.parametrize(
  ('options', 'told'),
  [
    ({'target_behaviour': 'plays'}, "target_behaviour: .*mean 'play'"),
    ({'k_core': -1}, r'data\.k_core=-1'),
    ({'protocol': 'cold'}, r'data\.protocol'),
  ],
)
def test_options_that_cannot_be(radio, options, told):
  given = {'protocol': 'leave_one_out', 'validation_fraction': 0.1} | options
  with pytest.raises(UserError, match=told):
    dataset.prepare('radio', str(radio), cache_dir=radio / 'cache', **given)


def test_filters_and_targets_are_of_sequences():
  given = {'protocol': 'impressions', 'validation_fraction': 0.1}
  for option in ({'k_core': 5}, {'target_behaviour': 'click'}):
    with pytest.raises(UserError, match='a dataset of impressions'):
      dataset.prepare('demo', '', cache_dir=None, **given, **option)
