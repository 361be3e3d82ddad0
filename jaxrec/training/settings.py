"""The whole of a config: its sections, and what must hold between them.

A section is a frozen dataclass beside the part that it is of; a function gets
the section it needs, never the whole.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from jaxrec.config import Parts, from_mapping, one_of, some_of, to_mapping
from jaxrec.data.config import DataConfig, InputConfig
from jaxrec.errors import UserError, at_least
from jaxrec.evaluation.config import EvaluationConfig
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import HeadConfig
from jaxrec.models.terms import TERMS
from jaxrec.models.text.config import TextModelConfig
from jaxrec.training.objectives import OBJECTIVES
from jaxrec.training.optimizer import OptimizerConfig
from jaxrec.training.trackers import TRACKERS


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
    num_steps: of training, a batch each.
    eval_every: steps between two looks at validation.
    checkpoint_every: steps between two checkpoints.
    log_every: steps between two lines of metrics.
    refit: whether, once validation has chosen the step, what is tested is
      trained anew up to it, on the validation split too.
  """

  num_steps: int = 1000
  eval_every: int = 200
  checkpoint_every: int = 200
  log_every: int = 10
  refit: bool = False

  def __post_init__(self):
    at_least(self, num_steps=1, eval_every=1, checkpoint_every=1, log_every=1)


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
    if 'text' not in self.model.terms:
      raise UserError('model.terms: the term text cannot be left out')
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


def _check_impressions(config: Config) -> None:
  """What cannot be where lists were shown."""
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


def _check_sequences(config: Config) -> None:
  """What cannot be where nobody knows what was shown."""
  terms, ordered = config.model.terms, config.input.ordered
  if len(config.objectives) > 1:
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
  if 'trend' in terms and not ordered:
    raise UserError(
      'model.terms.trend: sets (input.ordered=False) do not tell when '
      'everybody acted: leave the term out'
    )
