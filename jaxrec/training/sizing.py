"""What a config leaves to the size of the data: filled in, and told.

A config of sequences may leave open over what the softmax goes, how wide item
vectors are, how many epochs there are and how large a batch. What is filled in
here was chosen on validation, on sets of some hundred to 22,000 users
(docs/research-log.md).
"""

import dataclasses

from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.dataset import Dataset
from jaxrec.training.settings import Config

# Beyond so many items the softmax over all of them takes most of a step on two
# cores, and one over the items of the batch does instead.
LARGEST_CATALOG = 100_000
FEW_ACTIONS = 30_000  # Below, half the width is enough.
WIDTH, NARROW = 128, 64
POSITIONS = 400  # Of a batch, about: 8 rows of 50.
STEPS = 2350  # Of a training, about, within EPOCHS.
EPOCHS = (4, 200)
LOOKS = 12  # At validation, at most.


def is_open(config: Config) -> bool:
  """Whether something is left to the size of the data."""
  item = config.model.terms.get('item')
  next_item = config.objectives.get('next_item')
  return (
    _has_no_length(config)
    or config.input.batch_size == 0
    or (item is not None and item.width == 0)
    or (next_item is not None and next_item.among == 'auto')
  )


def sized(
  config: Config, dataset: Dataset, *, shards: int = 1
) -> tuple[Config, str]:
  """The config with nothing open, and a line that tells what was filled in.

  Args:
    config: of the training.
    dataset: likewise; one of sequences, where something is open.
    shards: of a batch, whose size they divide.

  Returns:
    What is given stays as it is; the line is '' where nothing was open.
  """
  if not is_open(config):
    return config, ''
  learned_from = dataset.train
  assert isinstance(learned_from, Sequences)  # `Config` sees to it.
  users, actions = len(learned_from), len(learned_from.items)
  items = len(dataset.items['item_id'])
  filled: list[str] = []
  config = _with_objective(config, items, filled)
  config = _with_width(config, actions, filled)
  config = _with_lengths(config, actions, filled, shards)
  counts = f'{users:,} users, {items:,} items, {actions:,} actions'
  return config, f'for {counts}: {", ".join(filled)}'


def _has_no_length(config: Config) -> bool:
  return not config.training.num_steps and not config.training.epochs


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
