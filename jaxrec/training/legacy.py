"""What version 0.1.0 wrote, read by this one: its config keys.

They keep working for one release, each answered with its new name.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from jaxrec.config import flattened
from jaxrec.errors import UserError, choices

TERMS, OBJECTIVES = 'model.terms', 'objectives'
IDS, FIELDS, BIAS = f'{TERMS}.ids', f'{TERMS}.fields', f'{TERMS}.item_bias'
APPEAL, TREND, TEXT = f'{TERMS}.appeal', f'{TERMS}.trend', f'{TERMS}.text'

# Keys with other names and the same values; of some parts a value goes to two.
RENAMED: dict[str, tuple[str, ...]] = {
  'batch_size': ('input.batch_size',),
  'eval_batch_size': ('evaluation.batch_size',),
  'num_train_steps': ('training.num_steps',),
  'eval_every_steps': ('training.eval_every',),
  'checkpoint_every_steps': ('training.checkpoint_every',),
  'log_every_steps': ('training.log_every',),
  'refit': ('training.refit',),
  'scoring': (f'{TEXT}.scoring',),
  'scale': (f'{TEXT}.scale',),
  'centered': (f'{TEXT}.centered',),
  'impressions.loss': (f'{OBJECTIVES}.impressions.loss',),
  'next_item.loss': (f'{OBJECTIVES}.next_item.loss',),
  'next_item.weight': (f'{OBJECTIVES}.next_item.weight',),
  'ids.bias_start': (f'{BIAS}.start',),
  'ids.bias_shrinkage': (f'{BIAS}.shrinkage',),
  'trend.gain': (f'{TREND}.gain',),
  'optim.encoder_learning_rate': ('model.text.learning_rate',),
  'optim.head_learning_rate': ('optimizer.learning_rate',),
  'optim.appeal_learning_rate': (f'{APPEAL}.learning_rate',),
  'optim.fields_learning_rate': (f'{FIELDS}.learning_rate',),
  'optim.ids_learning_rate': (f'{IDS}.learning_rate', f'{BIAS}.learning_rate'),
  **{
    f'data.{key}': (f'input.{key}',)
    for key in ('history_length', 'num_candidates', 'ordered')
  },
  **{
    f'encoder.{key}': (f'model.text.{key}',)
    for key in (
      *('pretrained', 'trainable_layers', 'max_tokens', 'row_tokens', 'dtype'),
      *('prefix_cache', 'dropout', 'pooling', 'attention', 'remat', 'unroll'),
    )
  },
  **{
    f'head.{key}': (f'model.head.{key}',)
    for key in ('type', 'width', 'behaviours', 'gaps', 'once')
  },
  **{
    f'ids.{key}': (f'{IDS}.{key}',)
    for key in (
      *('channels', 'start', 'penalty', 'damping', 'fade_days', 'texts'),
      'dropout',
    )
  },
  **{f'fields.{key}': (f'{FIELDS}.{key}',) for key in ('width', 'gain')},
  **{
    f'optim.{key}': (f'optimizer.{key}',)
    for key in ('warmup_steps', 'weight_decay', 'clip_norm', 'b1', 'b2')
  },
}
# Keys of which one value said that a part is off; that part is left out now.
SWITCHES: dict[str, tuple[str, str | None]] = {
  'ids.width': (IDS, 'width'),
  'fields.names': (FIELDS, 'names'),
  'trend.half_life': (TREND, 'half_life'),
  'appeal': (APPEAL, None),
  'ids.bias': (BIAS, None),
}
DECAYS, OBJECTIVE = 'head.decays', 'objective'
OBJECTIVE_CHOICES = ('impressions', 'next_item', 'impressions+next_item')
OLD_KEYS = (*RENAMED, *SWITCHES, DECAYS, OBJECTIVE)


class Translated(NamedTuple):
  """Old keys in new words.

  Attributes:
    values: by new key.
    present: by the path of a part, whether it is there.
    new_names: by old key, what it is called now, for people.
  """

  values: dict[str, Any]
  present: dict[str, bool]
  new_names: dict[str, str]


def is_old(config: Mapping[str, Any]) -> bool:
  """Whether a whole config is of version 0.1.0."""
  return 'num_train_steps' in config


def translate(
  old: Mapping[str, Any],
  parts: Iterable[str] = (TEXT,),
  channels: str = 'together,follows',
) -> Translated:
  """New keys for old ones.

  Args:
    old: values, or the texts of values, by old keys.
    parts: paths of the parts that are there before.
    channels: of the ids, where `old` does not say.

  Raises:
    UserError: an objective that there was not, or decays that are too few or
      too many.
  """
  values: dict[str, Any] = {}
  present: dict[str, bool] = {}
  names: dict[str, str] = {}
  for key, value in old.items():
    if key in SWITCHES:
      part, setting = SWITCHES[key]
      present[part] = _is_on(value)
      if setting and present[part]:
        values[f'{part}.{setting}'] = value
      names[key] = f'{part}.{setting}' if setting else part
    elif key == OBJECTIVE:
      if value not in OBJECTIVE_CHOICES:
        raise UserError(f'{OBJECTIVE}: {choices(value, OBJECTIVE_CHOICES)}')
      for name in ('impressions', 'next_item'):
        present[f'{OBJECTIVES}.{name}'] = name in value.split('+')
      names[key] = OBJECTIVES
    elif key in RENAMED:
      values |= dict.fromkeys(RENAMED[key], value)
      names[key] = ' and '.join(RENAMED[key])
  there = {part for part in parts if present.get(part, True)}
  there |= {part for part, is_there in present.items() if is_there}
  if DECAYS in old:
    listed = str(values.get(f'{IDS}.channels', channels)).split(',')
    places = [f'{TEXT}.decay']
    places += [f'{FIELDS}.decay'] * (FIELDS in there)
    if IDS in there:
      places += [f'{IDS}.decays.{channel.strip()}' for channel in listed]
    given = (
      str(old[DECAYS]).split(',') if old[DECAYS] else ['1.0'] * len(places)
    )
    if len(given) != len(places):
      raise UserError(
        f'{DECAYS}={old[DECAYS]!r}: give {len(places)} numbers above 0 and '
        f'at most 1, of {", ".join(places)}, or nothing'
      )
    values |= dict(zip(places, map(_number, given), strict=True))
    names[DECAYS] = ', '.join(places)
  return Translated(
    {k: v for k, v in values.items() if _is_there(k, there)}, present, names
  )


def translated_config(old: Mapping[str, Any]) -> dict[str, Any]:
  """A whole config of version 0.1.0, nested, with the keys of now."""
  flat = flattened(old)
  words = translate(flat)
  kept = {k: v for k, v in flat.items() if k not in OLD_KEYS}
  if words.values.get('model.head.type') == 'mean':
    words.values.pop('model.head.width', None)
  new: dict[str, Any] = {}
  for part, is_there in words.present.items():
    if is_there:
      _put(new, part, {})
  for key, value in (kept | words.values).items():
    _put(new, key, value)
  return new


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
  *path, last = key.split('.')
  for name in path:
    tree = tree.setdefault(name, {})
  tree[last] = value


def _is_there(key: str, there: set[str]) -> bool:
  """Whether a key is of no part, or of one that is there."""
  if key.startswith(f'{TERMS}.'):
    return '.'.join(key.split('.')[:3]) in there
  if key.startswith(f'{OBJECTIVES}.'):
    return '.'.join(key.split('.')[:2]) in there
  return True


def _is_on(value: Any) -> bool:
  """Of what said 'off' by False, 0, 0.0 or ''."""
  if isinstance(value, str):
    return value.strip().lower() not in (
      '',
      '0',
      '0.0',
      'false',
      'no',
      'f',
      'n',
    )
  return bool(value)


def _number(text: str) -> float | str:
  try:
    return float(text)
  except ValueError:
    return text  # The section says what is wrong with it.
