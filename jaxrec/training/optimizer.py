"""The optimizer: AdamW with warm-up, decay, and learning rates by part."""

import dataclasses
from collections.abc import Mapping

import jax
import optax

from jaxrec.errors import UserError, at_least, one_of_known
from jaxrec.training.averaging import averaged

BY_SIZE = -1  # A learning rate that follows from the size of the data.


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
  """AdamW, of all parameters that have no learning rate of their own.

  Attributes:
    learning_rate: at its peak, for parts that have none of their own; -1: by
      the number of clicks, of impressions.
    schedule: cosine, down to 0 at the last step; or constant after the
      warm-up.
    warmup_steps: steps up to the peak.
    weight_decay: of kernels alone.
    clip_norm: of the gradient's global norm; 0: none.
    b1: decay of the first moment.
    b2: decay of the second.
    average: decay of a running average of the weights, which is what is judged
      and used; 0: the weights themselves are.
  """

  learning_rate: float = 5e-4
  schedule: str = 'cosine'
  warmup_steps: int = 50
  weight_decay: float = 0.01
  clip_norm: float = 1.0
  b1: float = 0.9
  b2: float = 0.999
  average: float = 0.0

  def __post_init__(self):
    one_of_known(self, schedule=('cosine', 'constant'))
    at_least(self, warmup_steps=0, weight_decay=0, clip_norm=0)
    if self.learning_rate != BY_SIZE:
      at_least(self, learning_rate=0)
    for name in ('b1', 'b2', 'average'):
      if not 0 <= getattr(self, name) < 1:
        raise UserError(f'{name}={getattr(self, name)}: must be 0 or more, < 1')


def _paths(params):
  return jax.tree_util.tree_map_with_path(
    lambda path, _: jax.tree_util.keystr(path, simple=True, separator='/'),
    params,
  )


def learning_rate(
  peak: float,
  warmup_steps: int,
  num_train_steps: int,
  schedule: str = 'cosine',
):
  """Linear warm-up to `peak`, then cosine decay to 0 at the last step, or not.

  Args:
    peak: the highest.
    warmup_steps: up to it.
    num_train_steps: of all.
    schedule: cosine or constant.
  """
  warmup_steps = min(warmup_steps, max(num_train_steps - 1, 0))
  if schedule == 'constant':
    return optax.linear_schedule(
      0.0 if warmup_steps else peak, peak, max(warmup_steps, 1)
    )
  return optax.warmup_cosine_decay_schedule(
    init_value=0.0 if warmup_steps else peak,
    peak_value=peak,
    warmup_steps=warmup_steps,
    decay_steps=max(num_train_steps, 1),
  )


def make_tx(
  config: OptimizerConfig,
  num_steps: int,
  learning_rates: Mapping[str, float] | None = None,
) -> optax.GradientTransformation:
  """AdamW (Loshchilov & Hutter, 2019, arXiv:1711.05101).

  Only kernels decay: not biases, norms, embeddings or scalars.

  Args:
    config: of the optimizer.
    num_steps: at the last of them the learning rates are 0.
    learning_rates: at their peak, by the path of a part's parameters,
      'terms/ids'; others have the config's.
  """
  peaks = {'rest': config.learning_rate, **(learning_rates or {})}

  def adamw(peak):
    return optax.adamw(
      learning_rate(peak, config.warmup_steps, num_steps, config.schedule),
      b1=config.b1,
      b2=config.b2,
      weight_decay=config.weight_decay,
      mask=lambda params: jax.tree.map(
        lambda path: path.endswith('kernel'), _paths(params)
      ),
    )

  def part_of(path):
    return next((p for p in peaks if path.startswith(f'{p}/')), 'rest')

  parts = optax.partition(
    {name: adamw(peak) for name, peak in peaks.items()},
    lambda params: jax.tree.map(part_of, _paths(params)),
  )
  if config.clip_norm:
    parts = optax.chain(optax.clip_by_global_norm(config.clip_norm), parts)
  return averaged(parts, config.average) if config.average else parts
