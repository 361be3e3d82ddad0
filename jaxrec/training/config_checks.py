"""What a config's values must be, checked before anything is prepared.

Choices that a model is made with are checked where it is made.
"""

import functools

from jaxrec.encoding.text_encoder import DTYPES
from jaxrec.errors import UserError, choices
from jaxrec.evaluation.protocols import SEEN
from jaxrec.evaluation.summary import chosen
from jaxrec.starts.closed_forms import CENTERED
from jaxrec.starts.factors import CHANNELS
from jaxrec.training.losses import KINDS

OBJECTIVES = ('impressions', 'next_item', 'impressions+next_item')


def check(config, shards: int) -> None:
  """Raises a UserError for the first value that cannot be.

  Args:
    config: a ConfigDict, see configs/.
    shards: parts of a batch, see `sharding.num_batch_shards`.
  """
  for key, least in {
    'batch_size': 1,
    'eval_batch_size': 1,
    'num_train_steps': 1,
    'eval_every_steps': 1,
    'checkpoint_every_steps': 1,
    'log_every_steps': 1,
    'data.history_length': 1,
    'data.num_candidates': 2,
    'head.width': 1,
    'ids.width': 0,
    'fields.width': 1,
    'ids.bias_shrinkage': 0,
    'ids.texts': 0,
    'trend.half_life': 0,
    'next_item.weight': 0,
    'evaluation.num_sampled': 0,
    'evaluation.num_bootstrap': 2,
  }.items():
    value = functools.reduce(getattr, key.split('.'), config)
    if value < least:
      raise UserError(f'{key}={value}: must be {least} or more')
  for key in ('batch_size', 'eval_batch_size'):
    if config[key] % shards:
      raise UserError(
        f'{key}={config[key]} does not split over {shards} devices: make it a '
        f'multiple of {shards}'
      )
  for key, known in (
    ('dtype', ('auto', *DTYPES)),
    ('prefix_cache', ('auto', 'none', *DTYPES)),
  ):
    if config.encoder[key] not in known:
      raise UserError(f'encoder.{key}: {choices(config.encoder[key], known)}')
  for key, value, known in (
    ('objective', config.objective, OBJECTIVES),
    ('impressions.loss', config.impressions.loss, KINDS),
    ('next_item.loss', config.next_item.loss, KINDS),
    ('centered', config.centered, CENTERED),
    ('ids.start', config.ids.start, ('factors', 'random')),
  ):
    if value not in known:
      raise UserError(f'{key}: {choices(value, known)}')
  channels = [name.strip() for name in config.ids.channels.split(',')]
  for name in channels:
    if name not in CHANNELS:
      raise UserError(f'ids.channels: {choices(name, CHANNELS)}')
  if not config.data.ordered and 'follows' in channels and config.ids.width:
    raise UserError(
      f'ids.channels={config.ids.channels}: nothing follows in sets '
      '(data.ordered=False): give together'
    )
  if config.fields.gain <= 0:
    raise UserError(f'fields.gain={config.fields.gain}: must be above 0')
  _check_decays(
    config.head.decays,
    1 + bool(config.fields.names) + len(channels) * bool(config.ids.width),
  )
  if not 0 <= config.ids.dropout < 1:
    raise UserError(f'ids.dropout={config.ids.dropout}: must be 0 or more, < 1')
  listed = config.data.protocol == 'impressions'
  if not listed and config.ids.bias_start:
    raise UserError(
      f'ids.bias_start={config.ids.bias_start}: sequences tell no click rates: '
      'give 0'
    )
  if config.trend.half_life and (listed or not config.data.ordered):
    raise UserError(
      f'trend.half_life={config.trend.half_life}: only sequences tell when '
      'everybody acted: give 0'
    )
  if config.trend.gain <= 0:
    raise UserError(f'trend.gain={config.trend.gain}: must be above 0')
  if listed and config.objective == 'next_item':
    raise UserError(
      'objective=next_item: impressions show what was not clicked: give '
      'impressions, or impressions+next_item to learn from histories too'
    )
  if not listed and '+' in config.objective:
    raise UserError(
      f'objective={config.objective}: a dataset of sequences has no '
      'impressions: give next_item or impressions (the next item against '
      'drawn ones)'
    )
  chosen(config.evaluation.baselines)  # Not only when all is trained.
  if config.evaluation.seen not in SEEN:
    raise UserError(f'evaluation.seen: {choices(config.evaluation.seen, SEEN)}')


def _check_decays(listed: str, count: int) -> None:
  """head.decays: '' or `count` numbers above 0 and at most 1."""
  if not listed:
    return
  try:
    decays = [float(x) for x in listed.split(',')]
  except ValueError:
    decays = []
  if len(decays) != count or not all(0 < x <= 1 for x in decays):
    raise UserError(
      f'head.decays={listed!r}: give {count} numbers above 0 and at most 1, of '
      'the text, of the fields if there are, and of each channel of ids, or '
      'nothing'
    )
