"""What a config's values must be, checked before anything is prepared.

Choices that a model is made with are checked where it is made.
"""

import functools

from jaxrec.errors import UserError, choices
from jaxrec.evaluation.protocols import SEEN
from jaxrec.evaluation.summary import chosen
from jaxrec.text_encoder import DTYPES


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
  if config.objective != 'impressions':
    raise UserError(f'objective: {choices(config.objective, ["impressions"])}')
  chosen(config.evaluation.baselines)  # Not only when all is trained.
  if config.evaluation.seen not in SEEN:
    raise UserError(f'evaluation.seen: {choices(config.evaluation.seen, SEEN)}')
