"""The whole of a config: its sections, and what must hold between them.

A section is a frozen dataclass beside the part that it is of; a function gets
the section it needs, never the whole.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from jaxrec.config import Parts, from_mapping, one_of, some_of, to_mapping
from jaxrec.data.config import DataConfig, InputConfig
from jaxrec.ensemble import MEMBERS
from jaxrec.errors import UserError, at_least
from jaxrec.evaluation.config import EvaluationConfig
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import HeadConfig
from jaxrec.models.terms import TERMS
from jaxrec.models.text.config import TextModelConfig
from jaxrec.training.objectives import OBJECTIVES
from jaxrec.training.optimizer import BY_SIZE, OptimizerConfig
from jaxrec.training.trackers import TRACKERS

LOOKS = 12  # At validation, where nothing says how many.


@dataclasses.dataclass(frozen=True)
class ModelConfig:
  """What a recommender is made of.

  Attributes:
    text: the language model.
    head: the sequence learner, one of `jaxrec.models.heads.HEADS` by its type.
    terms: summands of the logit, some of `jaxrec.models.terms.TERMS`; what is
      not there adds nothing.
  """

  text: TextModelConfig = dataclasses.field(default_factory=TextModelConfig)
  head: HeadConfig = one_of(HEADS, 'lstm')
  terms: Parts = some_of(TERMS, 'text')


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
  """How long a training lasts, and when it is looked at and saved.

  Attributes:
    num_steps: of training, a batch each; 0, without epochs: by the size of the
      data.
    epochs: of training, each once through what is learned from, in place of
      num_steps; 0: num_steps says how long.
    patience: looks at validation without a better one after which training
      ends; 0: it goes on to its last step.
    eval_every: steps between two looks at validation; 0: one after each epoch,
      or, where num_steps says how long, twelve in all.
    checkpoint_every: steps between two checkpoints; 0: likewise.
    log_every: steps between two lines of metrics.
    refit: whether, once validation has chosen the step, what is tested is
      trained anew up to it, on the validation split too.
  """

  num_steps: int = 1000
  epochs: float = 0.0
  patience: int = 0
  eval_every: int = 200
  checkpoint_every: int = 200
  log_every: int = 10
  refit: bool = False

  def __post_init__(self):
    at_least(self, num_steps=0, epochs=0, patience=0, log_every=1)
    at_least(self, eval_every=0, checkpoint_every=0)

  def in_steps(self, steps_per_epoch: float) -> 'TrainingConfig':
    """The same with every length in steps, nothing open, and no epochs.

    Args:
      steps_per_epoch: batches that the data make; of no matter without epochs.
    """
    steps, every = self.num_steps, max(round(self.num_steps / LOOKS), 1)
    if self.epochs:
      steps = max(round(self.epochs * steps_per_epoch), 1)
      every = max(round(steps_per_epoch), 1)
    return dataclasses.replace(
      self,
      epochs=0.0,
      num_steps=steps,
      eval_every=self.eval_every or every,
      checkpoint_every=self.checkpoint_every or every,
    )


@dataclasses.dataclass(frozen=True)
class MeshConfig:
  """How devices are laid out.

  Attributes:
    data: parts of a batch; -1: what the other sizes leave of the devices.
    fsdp: parts of a batch, and of the stored parameters.
    tensor: parts of the language model's kernels.
  """

  data: int = -1
  fsdp: int = 1
  tensor: int = 1


@dataclasses.dataclass(frozen=True)
class Config:
  """The whole of a config.

  Attributes:
    seed: of everything that is drawn.
    data: what is read.
    input: what a batch holds.
    model: what is trained.
    ensemble: closed forms whose scores are added to the model's, each with a
      gain that is chosen on validation: some of `jaxrec.ensemble.MEMBERS`.
    objectives: what for: some of `jaxrec.training.objectives.OBJECTIVES`.
    training: how long.
    optimizer: how.
    evaluation: how the result is judged.
    mesh: on what devices.
    tracking: where metrics go beside the log: some of
      `jaxrec.training.trackers.TRACKERS`.
  """

  seed: int = 0
  data: DataConfig = dataclasses.field(default_factory=DataConfig)
  input: InputConfig = dataclasses.field(default_factory=InputConfig)
  model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
  ensemble: Parts = some_of(MEMBERS)
  objectives: Parts = some_of(OBJECTIVES, 'impressions')
  training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
  optimizer: OptimizerConfig = dataclasses.field(
    default_factory=OptimizerConfig
  )
  evaluation: EvaluationConfig = dataclasses.field(
    default_factory=EvaluationConfig
  )
  mesh: MeshConfig = dataclasses.field(default_factory=MeshConfig)
  tracking: Parts = some_of(TRACKERS, 'tensorboard')

  def __post_init__(self):
    if not self.objectives:
      raise UserError(f'objectives: name some of {", ".join(OBJECTIVES)}')
    if not {'text', 'item'} & set(self.model.terms):
      raise UserError('model.terms: name text or item: something must be read')
    _check_objectives(self)
    ids = self.model.terms.get('ids')
    if ids and 'follows' in ids.channel_names and not self.input.ordered:
      raise UserError(
        f'model.terms.ids.channels={ids.channels}: nothing follows in sets '
        '(input.ordered=False): give together'
      )
    if self.data.protocol == 'impressions':
      _check_impressions(self)
    else:
      _check_sequences(self)

  @classmethod
  def from_dict(cls, values: Mapping[str, Any]) -> 'Config':
    """Of a ConfigDict or nested dicts; what is missing has its default.

    Raises:
      UserError: names the key, and the near misses of one that is unknown.
    """
    return from_mapping(cls, values)

  @classmethod
  def of(cls, config: 'Config | Mapping[str, Any]') -> 'Config':
    """`config` if it is one, else `from_dict` of it."""
    if isinstance(config, Config):
      return config
    return cls.from_dict(config)

  def to_dict(self) -> dict[str, Any]:
    """Nested dicts of plain values, which `from_dict` makes the same of."""
    return to_mapping(self)

  def check_devices(self, shards: int) -> None:
    """UserError unless batches split into as many parts as the mesh asks for.

    Args:
      shards: see `sharding.num_batch_shards`.
    """
    for key, size in (
      ('input.batch_size', self.input.batch_size),
      ('evaluation.batch_size', self.evaluation.batch_size),
    ):
      if size % shards:
        raise UserError(
          f'{key}={size} does not split over {shards} devices: make it a '
          f'multiple of {shards}'
        )


def _check_objectives(config: Config) -> None:
  """What cannot be learned together."""
  next_item = config.objectives.get('next_item')
  catalog = next_item is not None and next_item.among == 'catalog'
  if (contrast := config.objectives.get('contrast')) is not None:
    if not catalog:
      raise UserError(
        'objectives.contrast: it compares the histories of batches that '
        'next_item reads: add objectives.next_item.among=catalog'
      )
    if not contrast.mask and not getattr(config.model.head, 'dropout', 0):
      raise UserError(
        f'objectives.contrast.mask={contrast.mask}: without '
        'model.head.dropout both views of a history are the same: give a share'
      )
  if not catalog:
    return
  if 'impressions' in config.objectives:
    raise UserError(
      'objectives.next_item.among=catalog: beside impressions a batch has no '
      'room for all items: give among=batch'
    )
  if config.model.text.trainable_layers:
    raise UserError(
      f'model.text.trainable_layers={config.model.text.trainable_layers}: with '
      'objectives.next_item.among=catalog all items would be encoded at every '
      'step: give 0, or among=batch'
    )


def _check_impressions(config: Config) -> None:
  """What cannot be where lists were shown."""
  _check_no_ensemble(config)
  if 'item' in config.model.terms:
    at_least(config.model.terms['item'], width=1)
  if not config.input.batch_size:
    raise UserError(
      'input.batch_size=0: only of sequences it follows from the size of the '
      'data: give 1 or more'
    )
  if 'trend' in config.model.terms:
    raise UserError(
      'model.terms.trend: only sequences tell when everybody acted: leave the '
      'term out'
    )
  if list(config.objectives) == ['next_item']:
    raise UserError(
      'objectives=next_item: impressions show what was not clicked: give '
      'impressions, or impressions,next_item to learn from histories too'
    )


def _check_no_ensemble(config: Config) -> None:
  if config.ensemble:
    raise UserError(
      f'ensemble={",".join(config.ensemble)}: only where whole catalogs are '
      'ranked (data.protocol=leave_one_out or time_split): leave it out'
    )


def _check_sequences(config: Config) -> None:
  """What cannot be where nobody knows what was shown."""
  terms, ordered = config.model.terms, config.input.ordered
  if config.data.protocol == 'cold_items':
    _check_no_ensemble(config)
  for name in config.ensemble:
    if MEMBERS[name].needs_order and not ordered:
      raise UserError(
        f'ensemble.{name}: nothing follows in sets (input.ordered=False): '
        'leave it out'
      )
  if 'impressions' in config.objectives and len(config.objectives) > 1:
    raise UserError(
      f'objectives={",".join(config.objectives)}: a dataset of sequences has '
      'no impressions: give next_item or impressions (the next item against '
      'drawn ones)'
    )
  if 'item_bias' in terms and terms['item_bias'].start:
    raise UserError(
      f'model.terms.item_bias.start={terms["item_bias"].start}: sequences tell '
      'no click rates: give 0'
    )
  if config.optimizer.learning_rate == BY_SIZE:
    raise UserError(
      'optimizer.learning_rate=-1: only of impressions it follows from the '
      'number of clicks: give e.g. 1e-3'
    )
  if 'trend' in terms and not ordered:
    raise UserError(
      'model.terms.trend: sets (input.ordered=False) do not tell when '
      'everybody acted: leave the term out'
    )
