"""What the presets share. A preset says what differs from the defaults alone,
which lie in the dataclasses beside the parts (`jaxrec.training.settings`)."""

import difflib
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

Settings = dict[str, Any]

# What the demos have in common; tuned on the news.
DEMO: Settings = {
  'input': {'history_length': 20},
  'model': {'head': {'type': 'lstm', 'width': 64}},
  'training': {'num_steps': 1500, 'eval_every': 250, 'checkpoint_every': 250},
  'optimizer': {'learning_rate': 3e-3},
}
# What logs of who did what, without what was shown, have in common.
SEQUENCES: Settings = {
  'data': {'protocol': 'leave_one_out'},
  'input': {'batch_size': 16, 'num_candidates': 32},
  'model': {
    'terms': {
      'text': {'centered': 'catalog', 'scale': 1.6, 'decay': 0.6},
      'ids': {
        'learning_rate': 1e-5,
        'decays': {'together': 0.8, 'follows': 0.6},
      },
    },
  },
  'objectives': {'next_item': {'loss': 'softmax'}},
  'training': {
    'num_steps': 100,
    'eval_every': 50,
    'checkpoint_every': 100,
    'refit': True,
  },
  'optimizer': {'learning_rate': 1e-4},
}
# Own logs, of any size: compact item vectors, a regularised head and closed
# forms beside it; how wide, how long and over what follows from the data
# (`jaxrec.training.sizing`).
OWN_LOGS: Settings = {
  'data': {'name': 'interactions', 'protocol': 'leave_one_out'},
  'input': {'batch_size': 0, 'history_length': 50},
  'model': {
    'head': {'type': 'lstm', 'width': 256, 'dropout': 0.4, 'norm': True},
    'terms': {'item': {'width': 0, 'learning_rate': 2e-3}},
  },
  'ensemble': {'rules': {}, 'ease': {}, 'texts': {}},
  'objectives': {'next_item': {'loss': 'softmax', 'among': 'auto'}},
  'training': {
    'num_steps': 0,
    'patience': 4,
    'eval_every': 0,
    'checkpoint_every': 0,
    'log_every': 50,
    'refit': True,
  },
  'optimizer': {
    'learning_rate': 2e-3,
    'warmup_steps': 200,
    'clip_norm': 5.0,
    'b2': 0.98,
    'average': 0.995,
  },
}
# Own lists that were shown, of any size: what was learned on MIND, without what
# MIND alone has; how long and how
# fast follows from the data (`jaxrec.training.sizing`).
OWN_LISTS: Settings = {
  'data': {'name': 'impressions'},
  'input': {'history_length': 50},
  'model': {
    'head': {'type': 'lstm', 'width': 64},
    'terms': {
      'text': {'centered': 'histories'},
      'fields': {'names': 'auto', 'learning_rate': 0.0},
      'appeal': {},
      'item_bias': {'start': 0.5, 'learning_rate': 1e-2},
    },
  },
  'objectives': {'impressions': {'loss': 'softmax'}},
  'training': {
    'num_steps': 0,
    'eval_every': 0,
    'checkpoint_every': 0,
    'refit': True,
  },
  'optimizer': {'learning_rate': -1.0, 'warmup_steps': 20},
}
# What the same meant in version 0.1.0, whose workdirs are gone on with by it.
OWN_LOGS_V0_1: Settings = {**SEQUENCES}
OWN_LOGS_V0_1['data'] = {**SEQUENCES['data'], 'name': 'interactions'}


def merged(*settings: Mapping[str, Any]) -> Settings:
  """Nested settings as one; of what several say the last counts."""
  whole: Settings = {}
  for given in settings:
    for key, value in given.items():
      if isinstance(value, Mapping):
        value = merged(whole.get(key, {}), value)
      whole[key] = value
  return whole


def pick(
  variant: str | None, variants: Mapping[str, Settings], default: str
) -> Settings:
  """`variants[variant]`; an unknown one is an error with the near misses."""
  name = variant or default
  if name not in variants:
    near = difflib.get_close_matches(name, variants, n=3, cutoff=0.4)
    hint = f'did you mean {" or ".join(near)}? ' if near else ''
    raise KeyError(
      f'unknown config variant {name!r}: {hint}(variants: '
      f'{", ".join(variants)})'
    )
  return variants[name]


def config_of(
  variant: str | None, variants: Mapping[str, Settings], default: str = 'demo'
) -> ConfigDict:
  """The whole config of a variant, defaults and all, locked."""
  # Here, since it brings JAX in: VARIANTS are read without.
  from jaxrec.training.settings import Config

  settings = pick(variant, variants, default)
  return ConfigDict(Config.from_dict(settings).to_dict()).lock()
