"""News: headlines, click histories and impressions.

configs/news.py has the commands, what they take and what they reach.
"""

from ml_collections import ConfigDict

from jaxrec.presets import common

VARIANTS = {
  'demo': common.merged(common.DEMO, {'data': {'name': 'demo'}}),
  'mind_small': {
    'data': {'name': 'mind_small'},
    'input': {'history_length': 100},
    'model': {
      'terms': {
        'text': {'centered': 'histories'},
        'fields': {'names': 'category', 'learning_rate': 0.0},
        'appeal': {},
        'item_bias': {'start': 0.5, 'learning_rate': 1e-2},
      },
    },
    'objectives': {'impressions': {'loss': 'softmax'}},
    'training': {
      'num_steps': 200,
      'eval_every': 100,
      'checkpoint_every': 100,
      'refit': True,
    },
    'optimizer': {'learning_rate': 1e-5, 'warmup_steps': 20},
  },
  'impressions': common.OWN_LISTS,
  'interactions': common.OWN_LOGS,
  'mind_large': {
    'data': {'name': 'mind_large'},
    'input': {'batch_size': 512},
    'model': {
      'text': {
        'pretrained': 'google-bert/bert-base-uncased',
        'trainable_layers': -1,
        'dtype': 'bfloat16',
      },
    },
    'training': {
      'num_steps': 20_000,
      'eval_every': 2_000,
      'checkpoint_every': 1_000,
    },
    'optimizer': {'warmup_steps': 1_000},
    'evaluation': {'batch_size': 512},
  },
}


def get_config(variant: str | None = None) -> ConfigDict:
  """The config of a variant, by default of the demo."""
  return common.config_of(variant, VARIANTS)
