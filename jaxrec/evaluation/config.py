"""How a trained model is evaluated: the section `evaluation` of a config."""

import dataclasses

from jaxrec.baselines import BASELINES
from jaxrec.errors import UserError, choices

SEEN = ('masked', 'kept')


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
  """How a trained model is evaluated.

  Attributes:
    batch_size: examples scored at once, over all devices.
    seen: masked or kept: items of a user's history among the candidates, where
      the whole catalog is ranked. Mask them where nobody acts on an item twice.
    num_sampled: not the whole catalog but so many items drawn for each example;
      0: the whole catalog. Makes every number look better, and is labelled.
    approximate: recall that lists of the whole catalog aim at; 0: exact lists.
      Only TPUs gain by it.
    baselines: what ours is measured beside: all, none, or names by commas:
      popularity,ease.
    num_bootstrap: resamples of the users behind the 95 % intervals.

  Raises:
    UserError: a value that cannot be; names the key.
  """

  batch_size: int = 64
  seen: str = 'masked'
  num_sampled: int = 0
  approximate: float = 0.0
  baselines: str = 'all'
  num_bootstrap: int = 1000

  def __post_init__(self) -> None:
    for key, least in (
      ('batch_size', 1),
      ('num_sampled', 0),
      ('num_bootstrap', 2),
    ):
      value = getattr(self, key)
      if value < least:
        raise UserError(f'evaluation.{key}={value}: must be {least} or more')
    if self.seen not in SEEN:
      raise UserError(f'evaluation.seen: {choices(self.seen, SEEN)}')
    if not 0 <= self.approximate < 1:
      raise UserError(
        f'evaluation.approximate={self.approximate}: must be 0 or more, < 1'
      )
    baseline_names(self.baselines)


def baseline_names(listed: str) -> list[str]:
  """The baselines that `EvaluationConfig.baselines` names, in its order.

  Raises:
    UserError: one of them is unknown.
  """
  if listed in ('all', 'none'):
    return list(BASELINES) if listed == 'all' else []
  names = [name.strip() for name in listed.split(',')]
  for name in names:
    if name not in BASELINES:
      raise UserError(
        'evaluation.baselines: ' + choices(name, ('all', 'none', *BASELINES))
      )
  return names
