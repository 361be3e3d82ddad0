"""The datasets, by name: one line each.

How to add one, say `radio`:

1. Write `jaxrec/data/datasets/radio.py` with a class that extends `Builder`
   (what was shown to whom, and clicked) or `SequenceBuilder` (who acted on what
   and when); it says which files it reads, and yields items and what users did.
2. Add its line to `DATASETS`.
3. Give it a preset, with what it is trained on, how long that takes and what it
   reaches, and a test beside those of the others, which reads a few lines of
   the publisher's format, malformed ones among them.

This module imports no TensorFlow: a config's names are checked against
`DATASETS` before anything heavy is loaded.
"""

import importlib
from typing import TYPE_CHECKING

from jaxrec.errors import UserError, choices

if TYPE_CHECKING:
  from jaxrec.data.datasets.builder import Builder

DATASETS = {
  'amazon': 'jaxrec.data.datasets.amazon:Amazon',
  'demo': 'jaxrec.data.datasets.demo:Demo',
  'demo_shop': 'jaxrec.data.datasets.demo:DemoShop',
  'demo_music': 'jaxrec.data.datasets.demo:DemoMusic',
  'demo_video': 'jaxrec.data.datasets.demo:DemoVideo',
  'impressions': 'jaxrec.data.datasets.impressions:Impressions',
  'interactions': 'jaxrec.data.datasets.interactions:Interactions',
  'lastfm_1k': 'jaxrec.data.datasets.lastfm_1k:LastFm1K',
  'mind': 'jaxrec.data.datasets.mind:Mind',
  'mind_small': 'jaxrec.data.datasets.mind:MindSmall',
  'mind_large': 'jaxrec.data.datasets.mind:MindLarge',
  'movielens': 'jaxrec.data.datasets.movielens:MovieLens',
  'online_retail': 'jaxrec.data.datasets.online_retail:OnlineRetail',
}


def builder_class(name: str) -> 'type[Builder]':
  """The Builder of the dataset `name`.

  Raises:
    UserError: there is no such dataset.
  """
  if name not in DATASETS:
    raise UserError(f'data.name: {choices(name, DATASETS)}')
  module, _, class_name = DATASETS[name].partition(':')
  return getattr(importlib.import_module(module), class_name)
