"""What a config leaves to the size of the data: filled in, and told.

A config of sequences may leave open over what the softmax goes, how wide item
vectors are, how many epochs there are and how large a batch; one of impressions
how many epochs there are and how fast is learned. Either may leave open whether
items have fields. What is filled in here was chosen on validation, of sequences
on sets of some hundred to 22,000 users, of impressions on sets of 2,752 and
11,340 lists (docs/research-log.md).
"""

import dataclasses

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.dataset import Dataset
from jaxrec.models.terms.fields import AUTO
from jaxrec.training.optimizer import BY_SIZE
from jaxrec.training.settings import LOOKS, Config

# Beyond so many items the softmax over all of them takes most of a step on two
# cores, and one over the items of the batch does instead.
LARGEST_CATALOG = 100_000
FEW_ACTIONS = 30_000  # Below, half the width is enough.
WIDTH, NARROW = 128, 64
POSITIONS = 400  # Of a batch, about: 8 rows of 50.
STEPS = 2350  # Of a training, about, within EPOCHS.
EPOCHS = (4, 200)
# Where lists were shown. Three times through a few thousand clicks is enough,
# and of many clicks so many steps are.
LISTS_STEPS = 4000
LISTS_EPOCHS = (1, 3)
LISTS_LOOKS = 4  # Of at least so many steps each:
LISTS_EVERY = 100
# Of fewer clicks a head learns what does not last: 4,000 of MIND's with 3e-4
# lost what 33,000 of the demo's gained with 1e-3.
ENOUGH_CLICKS = 10_000
LITTLE, MUCH = 1e-5, 1e-3  # Learning rates.
FIELD = 'category'  # That model.terms.fields.names=auto looks for.


def is_open(config: Config) -> bool:
  """Whether something is left to the size of the data."""
  item = config.model.terms.get('item')
  next_item = config.objectives.get('next_item')
  return (
    _has_no_length(config)
    or config.input.batch_size == 0
    or (item is not None and item.width == 0)
    or (next_item is not None and next_item.among == 'auto')
    or _has_open_fields(config)
    or config.optimizer.learning_rate == BY_SIZE
  )


def sized(
  config: Config, dataset: Dataset, *, shards: int = 1
) -> tuple[Config, str]:
  """The config with nothing open, and a line that tells what was filled in.

  Args:
    config: of the training.
    dataset: likewise.
    shards: of a batch, whose size they divide.

  Returns:
    What is given stays as it is; the line is '' where nothing was open.
  """
  if not is_open(config):
    return config, ''
  filled: list[str] = []
  items = len(dataset.items['item_id'])
  config = _with_fields(config, dataset, filled)
  learned_from = dataset.train
  if isinstance(learned_from, Impressions):
    clicks = len(learned_from.trainable_clicks()[0])
    config = _with_epochs(config, clicks, filled)
    config = _with_learning_rate(config, clicks, filled)
    counts = f'{len(learned_from):,} lists, {clicks:,} clicks, {items:,} items'
    return config, f'for {counts}: {", ".join(filled)}'
  assert isinstance(learned_from, Sequences)
  users, actions = len(learned_from), len(learned_from.items)
  config = _with_objective(config, items, filled)
  config = _with_width(config, actions, filled)
  config = _with_lengths(config, actions, filled, shards)
  counts = f'{users:,} users, {items:,} items, {actions:,} actions'
  return config, f'for {counts}: {", ".join(filled)}'


def _has_no_length(config: Config) -> bool:
  return not config.training.num_steps and not config.training.epochs


def _has_open_fields(config: Config) -> bool:
  fields = config.model.terms.get('fields')
  return fields is not None and fields.names == AUTO


def _with_fields(config: Config, dataset: Dataset, filled: list[str]) -> Config:
  """What items have in common, if they have it; else without the term."""
  if not _has_open_fields(config):
    return config
  terms = dict(config.model.terms)
  texts = dataset.items.get(FIELD, ())
  if any(texts[i].strip() for i in range(len(texts))):
    terms['fields'] = dataclasses.replace(terms['fields'], names=FIELD)
    filled.append(f'model.terms.fields.names={FIELD}')
  else:
    del terms['fields']
    filled.append(f'no model.terms.fields, as items have no {FIELD}')
  return dataclasses.replace(
    config, model=dataclasses.replace(config.model, terms=terms)
  )


def _with_epochs(config: Config, clicks: int, filled: list[str]) -> Config:
  """How long one learns from lists."""
  training = config.training
  if not _has_no_length(config):
    return config
  per_epoch = max(clicks / config.input.batch_size, 1)
  least, most = LISTS_EPOCHS
  epochs = float(min(max(round(LISTS_STEPS / per_epoch), least), most))
  every = max(round(epochs * per_epoch / LISTS_LOOKS), LISTS_EVERY)
  filled.append(f'training.epochs={epochs:g}')
  return dataclasses.replace(
    config,
    training=dataclasses.replace(
      training,
      epochs=epochs,
      eval_every=training.eval_every or every,
      checkpoint_every=training.checkpoint_every or every,
    ),
  )


def _with_learning_rate(
  config: Config, clicks: int, filled: list[str]
) -> Config:
  """How fast one learns from lists what has no rate of its own."""
  if config.optimizer.learning_rate != BY_SIZE:
    return config
  rate = LITTLE if clicks < ENOUGH_CLICKS else MUCH
  filled.append(f'optimizer.learning_rate={rate:g}')
  return dataclasses.replace(
    config, optimizer=dataclasses.replace(config.optimizer, learning_rate=rate)
  )


def _with_objective(config: Config, items: int, filled: list[str]) -> Config:
  objectives = dict(config.objectives)
  next_item = objectives.get('next_item')
  if next_item is None or next_item.among != 'auto':
    return config
  whole = items <= LARGEST_CATALOG and not config.model.text.trainable_layers
  among = 'catalog' if whole else 'batch'
  objectives['next_item'] = dataclasses.replace(next_item, among=among)
  filled.append(f'objectives.next_item.among={among}')
  return dataclasses.replace(config, objectives=objectives)


def _with_width(config: Config, actions: int, filled: list[str]) -> Config:
  item = config.model.terms.get('item')
  if item is None or item.width:
    return config
  width = NARROW if actions < FEW_ACTIONS else WIDTH
  terms = {**config.model.terms, 'item': dataclasses.replace(item, width=width)}
  filled.append(f'model.terms.item.width={width}')
  return dataclasses.replace(
    config, model=dataclasses.replace(config.model, terms=terms)
  )


def _with_lengths(
  config: Config, actions: int, filled: list[str], shards: int
) -> Config:
  inputs, training = config.input, config.training
  if not inputs.batch_size:
    size = max(round(POSITIONS / inputs.history_length), 1)
    size += -size % shards
    inputs = dataclasses.replace(inputs, batch_size=size)
    filled.append(f'input.batch_size={size}')
  if _has_no_length(config):
    per_epoch = actions / (inputs.batch_size * inputs.history_length)
    least, most = EPOCHS
    epochs = float(min(max(round(STEPS / per_epoch), least), most))
    steps = max(round(epochs * per_epoch), 1)
    every = max(round(per_epoch), round(steps / LOOKS), 1)
    training = dataclasses.replace(
      training,
      epochs=epochs,
      eval_every=training.eval_every or every,
      checkpoint_every=training.checkpoint_every or every,
    )
    filled.append(f'training.epochs={epochs:g}')
    warmup = min(config.optimizer.warmup_steps, max(steps // 10, 1))
    if warmup != config.optimizer.warmup_steps:
      optimizer = dataclasses.replace(config.optimizer, warmup_steps=warmup)
      config = dataclasses.replace(config, optimizer=optimizer)
      filled.append(f'optimizer.warmup_steps={warmup}')
  return dataclasses.replace(config, input=inputs, training=training)
