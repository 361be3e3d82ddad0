"""Config keys of version 0.1.0: each still works, in new words."""

import pytest

from jaxrec import presets
from jaxrec.errors import UserError
from jaxrec.training import legacy
from jaxrec.training.settings import Config

# What configs/common.py of version 0.1.0 had, flat.
BASE = {
  'seed': 0,
  'batch_size': 64,
  'num_train_steps': 1000,
  'eval_every_steps': 200,
  'checkpoint_every_steps': 200,
  'log_every_steps': 10,
  'eval_batch_size': 64,
  'refit': False,
  'mesh.data': -1,
  'mesh.fsdp': 1,
  'mesh.tensor': 1,
  'data.name': 'demo',
  'data.dir': '',
  'data.interactions_file': '',
  'data.items_file': '',
  'data.columns.user_id': 'user_id',
  'data.columns.item_id': 'item_id',
  'data.columns.timestamp': 'timestamp',
  'data.columns.behaviour': 'behaviour',
  'data.columns.rating': 'rating',
  'data.columns.title': 'title',
  'data.min_rating': 0.0,
  'data.cache_dir': '',
  'data.text_template': '{title}',
  'data.history_length': 50,
  'data.num_candidates': 5,
  'data.validation_fraction': 0.1,
  'data.protocol': 'impressions',
  'data.ordered': True,
  'data.target_behaviour': '',
  'data.k_core': 0,
  'data.min_history': 0,
  'encoder.pretrained': 'minilm',
  'encoder.trainable_layers': 0,
  'encoder.max_tokens': 32,
  'encoder.row_tokens': 0,
  'encoder.dtype': 'auto',
  'encoder.prefix_cache': 'auto',
  'encoder.dropout': 0.1,
  'encoder.pooling': 'mean',
  'encoder.attention': 'auto',
  'encoder.remat': 'dots',
  'encoder.unroll': 0,
  'evaluation.seen': 'masked',
  'evaluation.num_sampled': 0,
  'evaluation.approximate': 0.0,
  'evaluation.baselines': 'all',
  'evaluation.num_bootstrap': 1000,
  'head.type': 'lstm',
  'head.width': 256,
  'head.decays': '',
  'head.behaviours': False,
  'head.gaps': False,
  'head.once': False,
  'scoring': 'cosine',
  'scale': 5.0,
  'centered': '',
  'appeal': False,
  'fields.names': '',
  'fields.width': 64,
  'fields.gain': 1.0,
  'ids.width': 0,
  'ids.bias': False,
  'ids.bias_start': 0.0,
  'ids.bias_shrinkage': 100.0,
  'ids.start': 'factors',
  'ids.channels': 'together,follows',
  'ids.penalty': 150.0,
  'ids.damping': 0.0,
  'ids.fade_days': 0.0,
  'ids.texts': 0.0,
  'ids.dropout': 0.1,
  'trend.half_life': 0.0,
  'trend.gain': 1.0,
  'objective': 'impressions',
  'impressions.loss': 'sigmoid',
  'next_item.loss': 'sigmoid',
  'next_item.weight': 1.0,
  'optim.encoder_learning_rate': 2e-5,
  'optim.head_learning_rate': 5e-4,
  'optim.appeal_learning_rate': 1e-3,
  'optim.fields_learning_rate': 1e-3,
  'optim.ids_learning_rate': 1e-3,
  'optim.warmup_steps': 50,
  'optim.weight_decay': 0.01,
  'optim.clip_norm': 1.0,
  'optim.b1': 0.9,
  'optim.b2': 0.999,
}
DEMO = {
  'data.history_length': 20,
  'num_train_steps': 1500,
  'eval_every_steps': 250,
  'checkpoint_every_steps': 250,
  'head.width': 64,
  'optim.head_learning_rate': 3e-3,
}
SEQUENCES = {
  'batch_size': 16,
  'num_train_steps': 100,
  'eval_every_steps': 50,
  'checkpoint_every_steps': 100,
  'refit': True,
  'data.protocol': 'leave_one_out',
  'data.num_candidates': 32,
  'objective': 'next_item',
  'next_item.loss': 'softmax',
  'centered': 'catalog',
  'scale': 1.6,
  'head.decays': '0.6,0.8,0.6',
  'ids.width': 384,
  'optim.head_learning_rate': 1e-4,
  'optim.ids_learning_rate': 1e-5,
}
INTERACTIONS = {'data.name': 'interactions', **SEQUENCES}
# Its variants: what differed from the base.
OLD = {
  'news:demo': {'data.name': 'demo', **DEMO},
  'news:mind_small': {
    'data.name': 'mind_small',
    'data.history_length': 100,
    'centered': 'histories',
    'appeal': True,
    'fields.names': 'category',
    'ids.bias': True,
    'ids.bias_start': 0.5,
    'impressions.loss': 'softmax',
    'num_train_steps': 200,
    'eval_every_steps': 100,
    'checkpoint_every_steps': 100,
    'refit': True,
    'optim.head_learning_rate': 1e-5,
    'optim.fields_learning_rate': 0.0,
    'optim.ids_learning_rate': 1e-2,
    'optim.warmup_steps': 20,
  },
  'news:mind_large': {
    'data.name': 'mind_large',
    'batch_size': 512,
    'eval_batch_size': 512,
    'num_train_steps': 20_000,
    'eval_every_steps': 2_000,
    'checkpoint_every_steps': 1_000,
    'encoder.pretrained': 'google-bert/bert-base-uncased',
    'encoder.trainable_layers': -1,
    'encoder.dtype': 'bfloat16',
    'optim.warmup_steps': 1_000,
  },
  'ecommerce:demo': {'data.name': 'demo_shop', **DEMO},
  'ecommerce:online_retail': {
    'data.name': 'online_retail',
    **SEQUENCES,
    'ids.channels': 'together',
    'ids.fade_days': 120.0,
    'ids.texts': 5.0,
    'head.decays': '0.75,0.75',
    'scale': 0.8,
    'data.history_length': 200,
    'head.once': True,
    'num_train_steps': 40,
    'eval_every_steps': 20,
    'trend.half_life': 4.0,
    'trend.gain': 0.7,
  },
  'ecommerce:amazon': {
    'data.name': 'amazon',
    'data.text_template': '{title} {category}',
    **SEQUENCES,
  },
  'ecommerce:interactions_v0_1': INTERACTIONS,
  'music:demo': {
    'data.name': 'demo_music',
    'data.text_template': '{title} {artist}',
    **DEMO,
  },
  'music:lastfm_1k': {
    'data.name': 'lastfm_1k',
    'data.text_template': '{title} {artist}',
    **SEQUENCES,
  },
  'music:interactions_v0_1': INTERACTIONS,
  'music:sets': {
    'data.name': 'interactions',
    **SEQUENCES,
    'data.ordered': False,
    'head.type': 'mean',
    'head.decays': '',
    'ids.channels': 'together',
    'ids.width': 256,
    'ids.penalty': 75.0,
    'ids.damping': 0.25,
    'ids.texts': 1.5,
    'scale': 0.4,
  },
  'video:demo': {
    'data.name': 'demo_video',
    'data.text_template': '{title} {plot}',
    **DEMO,
  },
  'video:movielens': {
    'data.name': 'movielens',
    'data.text_template': '{title} {category}',
    **SEQUENCES,
    'ids.penalty': 50.0,
  },
  'video:interactions_v0_1': INTERACTIONS,
}
TEXT, IDS = 'model.terms.text', 'model.terms.ids'


def nested(flat):
  """{'a.b': 1} -> {'a': {'b': 1}}."""
  tree = {}
  for key, value in flat.items():
    *path, last = key.split('.')
    section = tree
    for name in path:
      section = section.setdefault(name, {})
    section[last] = value
  return tree


@pytest.mark.parametrize('preset', OLD)
def test_an_old_preset_is_the_new_one(preset):
  old = nested(BASE | OLD[preset])
  assert legacy.is_old(old)
  new = Config.from_dict(presets.get_config(preset))
  translated = Config.from_dict(legacy.translated_config(old))
  assert translated.to_dict() == new.to_dict()


def test_new_configs_are_not_taken_for_old_ones():
  for preset in OLD:
    assert not legacy.is_old(presets.get_config(preset))


def test_every_old_key_has_a_new_name_or_is_as_it_was():
  now = legacy.flattened(Config().to_dict())
  for key in BASE:
    assert (key in legacy.OLD_KEYS) != (key in now), key
  assert set(legacy.OLD_KEYS) <= set(BASE)


@pytest.mark.parametrize(
  ('old', 'values', 'present'),
  [
    ({'batch_size': '8'}, {'input.batch_size': '8'}, {}),
    ({'scale': 2.0}, {f'{TEXT}.scale': 2.0}, {}),
    ({'appeal': 'true'}, {}, {'model.terms.appeal': True}),
    ({'appeal': False}, {}, {'model.terms.appeal': False}),
    ({'ids.width': '0'}, {}, {IDS: False}),
    ({'ids.width': 3}, {f'{IDS}.width': 3}, {IDS: True}),
    ({'ids.penalty': 3.0}, {}, {}),  # Of a part that is not there.
    (
      {'trend.half_life': '4'},
      {'model.terms.trend.half_life': '4'},
      {'model.terms.trend': True},
    ),
    (
      {'objective': 'impressions+next_item', 'next_item.weight': 0.5},
      {'objectives.next_item.weight': 0.5},
      {'objectives.impressions': True, 'objectives.next_item': True},
    ),
    ({'head.decays': '0.9'}, {f'{TEXT}.decay': 0.9}, {}),
    (
      {
        'head.decays': '0.9,0.8,0.7,0.6',
        'fields.names': 'category',
        'ids.width': 2,
      },
      {
        'model.terms.fields.names': 'category',
        f'{IDS}.width': 2,
        f'{TEXT}.decay': 0.9,
        'model.terms.fields.decay': 0.8,
        f'{IDS}.decays.together': 0.7,
        f'{IDS}.decays.follows': 0.6,
      },
      {'model.terms.fields': True, IDS: True},
    ),
  ],
  ids=str,
)
def test_a_change_in_old_words(old, values, present):
  translated = legacy.translate(old)
  assert translated.values == values
  assert translated.present == present
  assert set(translated.new_names) == set(old)


def test_a_change_reaches_parts_that_are_there_before():
  parts = [TEXT, IDS, 'model.terms.item_bias']
  translated = legacy.translate(
    {'optim.ids_learning_rate': 0.1, 'head.decays': '0.9,0.8'},
    parts,
    channels='follows',
  )
  assert translated.values == {
    f'{IDS}.learning_rate': 0.1,
    'model.terms.item_bias.learning_rate': 0.1,
    f'{TEXT}.decay': 0.9,
    f'{IDS}.decays.follows': 0.8,
  }


@pytest.mark.parametrize('decays', ['0.9', '0.9,0.8', '0.9,0.8,0.7,0.6'])
def test_decays_are_as_many_as_what_they_are_of(decays):
  with pytest.raises(
    UserError, match=r'head\.decays=.*give 3 numbers above 0 '
  ):
    legacy.translate({'head.decays': decays}, [TEXT, IDS])
