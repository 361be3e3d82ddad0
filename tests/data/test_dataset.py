import importlib
import shutil

import numpy as np
import pytest

from jaxrec.baselines import Known
from jaxrec.data import readers
from jaxrec.data.config import DataConfig
from jaxrec.data.datasets import DATASETS, builder_class
from jaxrec.data.prepare import load_dataset
from jaxrec.errors import UserError
from jaxrec.evaluation import metrics, protocols
from jaxrec.evaluation.tuning import judge_baseline

BUILDER = '''
"""Songs that come out one by one, and who played or skipped them."""

from jaxrec.data.datasets.sequence_builder import Interaction, SequenceBuilder


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
from jaxrec.presets import common

VARIANTS = {
  'radio': {
    'data': {
      'name': 'radio',
      'protocol': 'cold_items',
      'target_behaviour': 'play',
      'text_template': '{song}, {singer}',
    },
  },
}


def get_config(variant=None):
  return common.config_of(variant, VARIANTS, default='radio')
"""


@pytest.fixture
def radio(tmp_path, monkeypatch):
  """A directory with a fifth dataset: one file, one config, one line."""
  (tmp_path / 'radio_builder.py').write_text(BUILDER)
  (tmp_path / 'radio_config.py').write_text(CONFIG)
  lines = [f'Song number {i} by Singer {i % 5}\n' for i in range(30)]
  (tmp_path / 'songs.txt').write_text(''.join(lines))
  monkeypatch.syspath_prepend(tmp_path)
  monkeypatch.setitem(DATASETS, 'radio', 'radio_builder:Radio')
  return tmp_path


@pytest.fixture
def radio_config(radio):
  config = importlib.import_module('radio_config').get_config()
  config.data.dir = str(radio)
  config.data.cache_dir = str(radio / 'cache')
  return config


def test_a_dataset_is_one_file_and_one_config(radio_config):
  dataset = load_dataset(radio_config.data)
  assert dataset.behaviours == ('skip', 'play')
  assert dataset.counts['cold_items']['warm items'] == 24
  assert dataset.counts['sequences']['interactions'] == 12 * 30
  cold = set(dataset.test.candidates.tolist())
  assert not cold & set(dataset.known('test').items.tolist()) and len(cold) == 3
  protocol = protocols.make(
    'cold_items', seen='masked', sampled=0, num_items=30, seed=0, num_cold=3
  )
  assert protocol.describe() == 'the 3 newest items, in training unseen'
  known = [
    Known(dataset.known(split), np.zeros((30, 2), np.float32), 50, 0)
    for split in ('test', 'validation')
  ]
  parts = [
    protocol.examples(part)[0] for part in (dataset.test, dataset.validation)
  ]
  judged, _ = judge_baseline(
    'popularity', protocol, parts[0], known[0], parts[1], known[1]
  )
  # Nobody ever acted on a new item: to popularity all are the same.
  assert metrics.finalize(judged.values)['auc'] == 0.5


def test_what_is_prepared_is_named_by_the_code_that_reads(
  radio, tmp_path, monkeypatch
):
  builder = builder_class('radio')
  before = builder.fingerprint(radio)
  assert builder.fingerprint(radio) == before
  changed = tmp_path / 'readers'
  shutil.copytree(*readers.__path__, changed)
  monkeypatch.setattr(readers, '__path__', [str(changed)])
  assert builder.fingerprint(radio) == before
  with open(changed / 'times.py', 'a') as file:
    file.write('# Changed.\n')
  assert builder.fingerprint(radio) != before


@pytest.mark.slow
def test_it_trains(radio_config, tiny_bert, tmp_path, one_device):
  from jaxrec.commands import train  # Takes seconds.

  radio_config.update_from_flattened_dict(
    {
      'model.text.pretrained': str(tiny_bert),
      'input.batch_size': 8,
      'evaluation.batch_size': 8,
      'training.num_steps': 2,
      'training.eval_every': 2,
      'training.checkpoint_every': 2,
      'model.head.width': 8,
      'evaluation.baselines': 'random,popularity',
      'evaluation.num_bootstrap': 10,
    }
  )
  results = train.train_and_evaluate(radio_config, tmp_path / 'work')
  assert results['protocol']['name'] == 'cold_items'
  assert np.isfinite(list(results['metrics'].values())).all()
  assert results['baselines']['popularity']['auc'] == 0.5


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'target_behaviour': 'plays'}, "target_behaviour: .*mean 'play'"),
    ({'protocol': 'impressions'}, 'radio is a dataset of sequences'),
    ({'k_core': 999}, r'data\.k_core=999, .*leave nobody'),
  ],
)
def test_options_that_cannot_be(radio, options, message):
  section = {
    'name': 'radio',
    'dir': str(radio),
    'cache_dir': str(radio / 'cache'),
    'protocol': 'leave_one_out',
  }
  data = DataConfig(**section | options)
  with pytest.raises(UserError, match=message):
    load_dataset(data)


@pytest.mark.parametrize(
  'option', [{'k_core': 5}, {'min_history': 5}, {'target_behaviour': 'click'}]
)
def test_filters_and_targets_are_of_sequences(option):
  with pytest.raises(UserError, match='a dataset of impressions'):
    load_dataset(DataConfig(name='demo', **option))
