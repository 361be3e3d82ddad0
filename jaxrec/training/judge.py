"""How good an experiment's parameters are: what judges them, and by what."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from jaxrec.baselines import Known
from jaxrec.data.columns.impressions import Impressions
from jaxrec.ensemble.ensemble import Ensemble
from jaxrec.evaluation import gains as ensemble_gains
from jaxrec.evaluation import protocols
from jaxrec.evaluation.model_scorer import ModelScorer
from jaxrec.parallel import sharding
from jaxrec.retrieval.neighbours import Neighbours
from jaxrec.training.state import merge_params
from jaxrec.training.validation import Validated, validate

SEEN_SHARE = 0.2  # Of targets, above which it is told that they are left out.

if TYPE_CHECKING:
  from jaxrec.training.experiment import Experiment


class Judge:
  """Scorers of an experiment's parameters, and what is chosen by them.

  Args:
    experiment: whose `init` has been called before anything is scored.
  """

  def __init__(self, experiment: 'Experiment'):
    self._experiment = experiment

  @functools.cached_property
  def protocol(self) -> protocols.Protocol:
    """How splits are evaluated, see `protocols`."""
    experiment = self._experiment
    config, test = experiment.config, experiment.dataset.test
    return protocols.make(
      config.data.protocol,
      seen=config.evaluation.seen,
      sampled=config.evaluation.num_sampled,
      num_items=len(experiment.catalog),
      seed=config.seed,
      num_cold=int(np.diff(test.candidate_offsets).max(initial=0)),
    )

  @functools.cached_property
  def members(self) -> dict[str, Neighbours]:
    """The ensemble's members, fitted to what is learned from."""
    experiment = self._experiment
    return {
      name: experiment.source.neighbours(name, config)
      for name, config in experiment.config.ensemble.items()
    }

  def scorer(
    self,
    params,
    frozen,
    *,
    pretrained_encoder: bool = False,
    gains: Mapping[str, float] | None = None,
    members: Mapping[str, Neighbours] | None = None,
  ) -> ModelScorer:
    """The model as a Scorer; items are encoded when it is asked.

    Args:
      params, frozen: parameters.
      pretrained_encoder: whether the encoder in `params` is taken to be as it
        came, and its vectors as they were kept.
      gains: of the ensemble's members; nothing: the network speaks alone.
      members: of the ensemble; None: the experiment's own.
    """
    experiment = self._experiment
    config = experiment.config

    def table_of(wanted: np.ndarray):
      pooled = self.pooled(params, frozen, wanted, pretrained_encoder)
      features = {n: x[wanted] for n, x in experiment.parts.features.items()}
      return experiment.table_step(
        params,
        frozen,
        *sharding.put_replicated(
          (pooled, wanted.astype(np.int32), features), experiment.mesh
        ),
      )

    ensemble = None
    if gains:
      ensemble = Ensemble(self.members if members is None else members, gains)
    return ModelScorer(
      table_of=table_of,
      eval_step=functools.partial(experiment.eval_step, params, frozen),
      user_step=functools.partial(experiment.user_step, params, frozen),
      num_items=len(experiment.catalog),
      batch_size=config.evaluation.batch_size,
      history_length=config.input.history_length,
      mesh=experiment.mesh,
      approximate=config.evaluation.approximate,
      ensemble=ensemble,
    )

  def pooled(
    self, params, frozen, wanted: np.ndarray, pretrained_encoder: bool = False
  ) -> np.ndarray:
    """float32 [M, D], of the texts of the items `wanted` [M]; see `scorer`."""
    encoder = self._experiment.encoder
    if encoder.frozen or pretrained_encoder:
      return np.asarray(encoder.vectors[wanted])
    tuned = merge_params(params, frozen)['encoder']
    return encoder.catalog_encoder.pooled(tuned, wanted)

  def unmeasured(self) -> str:
    """Why validation gives no figure; '' where it does."""
    validation = self._experiment.dataset.validation
    return protocols.why_unmeasured(self.protocol, validation)

  def left_out(self) -> str:
    """A line where validation leaves many targets out; else ''."""
    protocol, validation = self.protocol, self._experiment.dataset.validation
    _, reasons = protocol.examples(validation)
    seen = reasons.get('targets seen before', 0)
    targets = int(np.count_nonzero(validation.labels))
    if protocol.seen != 'masked' or seen <= SEEN_SHARE * targets:
      return ''
    return (
      f'{seen / targets:.0%} of the targets of validation were seen before by '
      'their users and are left out, of the test likewise: where people come '
      'back to the same, give --config.evaluation.seen=kept'
    )

  def choose_gains(self, params, frozen) -> dict[str, float]:
    """The members' gains, chosen on validation; {} without members.

    Args:
      params, frozen: parameters, which have not learned from validation.
    """
    experiment = self._experiment
    if not experiment.config.ensemble:
      return {}
    experiment.display.say(
      'choosing what each closed form weighs, on validation'
    )
    return ensemble_gains.choose(
      self.contenders(params, frozen, experiment.dataset.validation),
      self.protocol.main_metric,
    )

  def contenders(
    self,
    params,
    frozen,
    split: Impressions,
    members: Mapping[str, Neighbours] | None = None,
  ) -> ensemble_gains.Contenders:
    """What the network and the ensemble's members say of a split.

    Of the whole catalog, also where results are of a sample.

    Args:
      params, frozen: parameters.
      split: to be judged.
      members: see `scorer`.
    """
    config = self._experiment.config
    return ensemble_gains.contenders(
      self.scorer(params, frozen),
      self.members if members is None else members,
      protocols.WholeCatalog(config.data.protocol, config.evaluation.seen),
      split,
      seed=config.seed,
    )

  def validate(self, params, frozen, **options) -> Validated:
    """Judges the validation split, and chooses there; see `scorer`."""
    scorer = self.scorer(params, frozen, **options)
    return validate(scorer, self.protocol, self._experiment.dataset.validation)

  def known(self, split: str) -> Known:
    """What baselines may know before a split."""
    experiment = self._experiment
    return Known(
      sequences=experiment.dataset.known(split),
      vectors=experiment.encoder.vectors,
      history_length=experiment.config.input.history_length,
      seed=experiment.config.seed,
    )
