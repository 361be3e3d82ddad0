"""From a config to everything a run needs, in the order it is needed."""

import dataclasses
import functools
import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxrec.baselines import Known
from jaxrec.console import Display
from jaxrec.data.batches.assemble import VectorItems
from jaxrec.data.batches.train import TrainPipeline
from jaxrec.data.dataset import Dataset
from jaxrec.data.items.catalog import Catalog, tokenize
from jaxrec.data.prepare import cache_dir, load_dataset
from jaxrec.encoding.text_encoder import TextEncoder
from jaxrec.errors import UserError
from jaxrec.evaluation import protocols
from jaxrec.evaluation.model_scorer import ModelScorer
from jaxrec.models.text import hub
from jaxrec.parallel import sharding
from jaxrec.parallel.processes import one_at_a_time
from jaxrec.starts.source import DataSource
from jaxrec.training.checkpoints import Checkpoints
from jaxrec.training.model_parts import ModelParts
from jaxrec.training.objectives import OBJECTIVES, Objective
from jaxrec.training.optimizer import make_tx
from jaxrec.training.settings import Config
from jaxrec.training.state import init_state, merge_params
from jaxrec.training.steps import (
  make_eval_step,
  make_table_step,
  make_train_step,
  make_user_step,
)
from jaxrec.training.throughput import Pace, pace_of
from jaxrec.training.validation import Validated, validate


class Chosen(NamedTuple):
  """What a training ended with.

  Attributes:
    step: that validation chose.
    judged: parameters at that step, of which validation can tell.
    params: those to be used: the same; or refitted, on validation too.
  """

  step: int
  judged: dict
  params: dict


@dataclasses.dataclass
class Experiment:
  """A config, its data and its model, ready to train or evaluate.

  Attributes:
    config: the whole of it.
    display: what people look at.
    mesh: see `sharding`.
    dataset, catalog: the data.
    encoder: the pretrained language model.
    refits: whether it learns from the validation split too.
  """

  config: Config
  display: Display
  mesh: jax.sharding.Mesh
  dataset: Dataset
  catalog: Catalog
  encoder: TextEncoder
  refits: bool = False

  @classmethod
  def from_config(cls, config, display: Display) -> 'Experiment':
    """Checks the config, prepares data and tokens.

    Args:
      config: a Config, or a ConfigDict of one.
      display: what people look at.

    Raises:
      UserError: anything in the config that cannot be.
    """
    config = Config.of(config)
    mesh = sharding.make_mesh(**dataclasses.asdict(config.mesh))
    config.check_devices(sharding.num_batch_shards(mesh))
    data, text = config.data, config.model.text
    directory = hub.resolve(text.pretrained)
    # Several processes, or runs, may share a disk: one prepares, all read.
    with one_at_a_time(cache_dir(data) / 'lock', display.say):
      dataset = load_dataset(data, display.say)
      catalog = tokenize(
        dataset.items,
        template=data.text_template,
        tokenizer_dir=directory,
        max_tokens=text.max_tokens,
        cache_dir=cache_dir(data),
      )
    encoder = TextEncoder(
      config=text,
      directory=directory,
      catalog=catalog,
      mesh=mesh,
      seed=config.seed,
      cache_dir=cache_dir(data),
      display=display,
    )
    return cls(config, display, mesh, dataset, catalog, encoder)

  @functools.cached_property
  def fingerprints(self) -> dict[str, str]:
    """What a resumed run must find unchanged beside its config."""
    return {
      'data': self.dataset.fingerprint,
      'tokens': self.catalog.fingerprint,
      'encoder': self.encoder.fingerprint,
    }

  # -------------------------------------------------------------------- model
  @functools.cached_property
  def source(self) -> DataSource:
    """What terms may know of the data."""
    return DataSource(
      dataset=self.dataset,
      num_items=len(self.catalog),
      refits=self.refits,
      text_vectors=lambda: self.encoder.vectors,
      vectors_key=self.encoder.vectors_key,
      cache_dir=cache_dir(self.config.data),
      say=self.display.say,
    )

  @functools.cached_property
  def parts(self) -> ModelParts:
    """The parts of the model."""
    config = self.config
    return ModelParts(config.model, self.encoder, self.source, config.seed)

  @functools.cached_property
  def objectives(self) -> list[Objective]:
    """What is trained for."""
    named = self.config.objectives
    return [OBJECTIVES[name](config) for name, config in named.items()]

  @functools.cached_property
  def positive_rate(self) -> float:
    """The share of clicks among what a click is to be found in, in training."""
    if all(objective.reads_histories for objective in self.objectives):
      return 1 / self.pipeline.typical_size
    return 1 / self.config.input.num_candidates

  @functools.cached_property
  def tx(self):
    """The optimizer."""
    return make_tx(
      self.config.optimizer,
      self.config.training.num_steps,
      self.parts.learning_rates,
    )

  def init(self):
    """Fresh (TrainState, frozen), pretrained weights in; sets the steps up."""
    # These need data, which cannot be had while tracing.
    rate, _ = self.positive_rate, self.parts.facts
    self.graphdef, state, frozen, specs = init_state(
      lambda: self.parts.make(rate),
      self.tx,
      self.mesh,
      is_frozen=self.encoder.is_frozen,
      rules=self.parts.sharding_rules,
    )
    params, frozen = self.encoder.fill(state.params, frozen)
    state = dataclasses.replace(state, params=self.parts.start(params))
    gather = sharding.gather_params((specs[0].params, specs[1]))
    self.train_step = jax.jit(
      make_train_step(
        self.graphdef,
        self.tx,
        objectives=self.objectives,
        gather=gather,
        seed=self.config.seed,
      ),
      donate_argnums=0,
      # What comes out goes in again: another spelling of the same sharding
      # would compile once more.
      out_shardings=(
        sharding.shardings(specs[0], self.mesh),
        sharding.whole(self.mesh),
      ),
    )
    self._eval_step = jax.jit(make_eval_step(self.graphdef, gather=gather))
    self._user_step = jax.jit(make_user_step(self.graphdef, gather=gather))
    self._table_step = jax.jit(make_table_step(self.graphdef, gather=gather))
    return state, frozen

  # ------------------------------------------------------------------ training
  def num_compiled(self) -> int:
    """How many programs of the training step there are."""
    step: Any = self.train_step  # JAX's types do not tell of it.
    return step._cache_size()

  @functools.cached_property
  def pipeline(self) -> TrainPipeline:
    """The training batches."""
    encoder, inputs = self.encoder, self.config.input
    return TrainPipeline(
      behaviours=self.source.learned_from,
      items=VectorItems(encoder.vectors)
      if encoder.frozen
      else encoder.packed_items,
      batch_size=inputs.batch_size,
      num_candidates=inputs.num_candidates,
      history_length=inputs.history_length,
      seed=self.config.seed,
      part=sharding.part_of(self.mesh),
      growth=self._growth,
      next_item=any(o.reads_histories for o in self.objectives),
      ordered=inputs.ordered,
      features=self.parts.features,
    )

  @property
  def _growth(self) -> float:
    """Of the table's sizes: each is a compilation, and filling up is work."""
    on_cpu = jax.default_backend() == 'cpu'
    return 1.05 if on_cpu and not self.encoder.frozen else 1.125

  def pace(self) -> Pace:
    """Counters of a training; MFU only where the encoder runs in the step."""
    return pace_of(self.encoder, self.config.model.head, self.mesh)

  # ---------------------------------------------------------------- evaluation
  @functools.cached_property
  def protocol(self) -> protocols.Protocol:
    """How splits are evaluated, see `protocols`."""
    config, test = self.config, self.dataset.test
    return protocols.make(
      config.data.protocol,
      seen=config.evaluation.seen,
      sampled=config.evaluation.num_sampled,
      num_items=len(self.catalog),
      seed=config.seed,
      num_cold=int(np.diff(test.candidate_offsets).max(initial=0)),
    )

  def scorer(
    self, params, frozen, *, pretrained_encoder: bool = False
  ) -> ModelScorer:
    """The model as a Scorer; items are encoded when it is asked.

    With `pretrained_encoder` the encoder in `params` is taken to be as it
    came, and its vectors as they were kept.
    """

    def table_of(wanted: np.ndarray):
      if self.encoder.frozen or pretrained_encoder:
        pooled = np.asarray(self.encoder.vectors[wanted])
      else:
        encoder = merge_params(params, frozen)['encoder']
        pooled = self.encoder.catalog_encoder.pooled(encoder, wanted)
      features = {n: x[wanted] for n, x in self.parts.features.items()}
      return self._table_step(
        params,
        frozen,
        *sharding.put_replicated(
          (pooled, wanted.astype(np.int32), features), self.mesh
        ),
      )

    evaluation = self.config.evaluation
    return ModelScorer(
      table_of=table_of,
      eval_step=functools.partial(self._eval_step, params, frozen),
      user_step=functools.partial(self._user_step, params, frozen),
      num_items=len(self.catalog),
      batch_size=evaluation.batch_size,
      history_length=self.config.input.history_length,
      mesh=self.mesh,
      approximate=evaluation.approximate,
    )

  def validate(self, params, frozen, **options) -> Validated:
    """Judges the validation split, and chooses there; see `scorer`."""
    scorer = self.scorer(params, frozen, **options)
    return validate(scorer, self.protocol, self.dataset.validation)

  def known(self, split: str) -> Known:
    """What baselines may know before a split."""
    return Known(
      sequences=self.dataset.known(split),
      vectors=self.encoder.vectors,
      history_length=self.config.input.history_length,
      seed=self.config.seed,
    )

  # --------------------------------------------------------------- checkpoints
  def refit(self) -> 'Experiment':
    """The same, learning from the validation split too."""
    return dataclasses.replace(self, refits=True)

  def checkpoints(self, workdir: pathlib.Path) -> Checkpoints:
    """The checkpoints of a workdir; of a refit, those are its own."""
    directory = workdir / 'refit' if self.refits else workdir
    return Checkpoints(
      directory / 'checkpoints',
      self.display.say,
      select=self.protocol.main_metric,
    )

  def restore_chosen(self, workdir: pathlib.Path, state) -> Chosen:
    """What a workdir's training ended with: what is tested and exported.

    Args:
      workdir: of a finished training.
      state: a TrainState, for its layout alone.

    Raises:
      UserError: the training has not come so far.
    """
    checkpoints = self.checkpoints(workdir)
    step, judged = checkpoints.restore_best(state)
    if step is None:
      raise UserError(f'{checkpoints.directory}: no validated checkpoint yet')
    if not self.config.training.refit:
      return Chosen(step, judged.params, judged.params)
    again = self.refit().checkpoints(workdir)
    if again.latest() != step:
      raise UserError(
        f'{again.directory}: not refitted yet: train there first (--mode=train)'
      )
    return Chosen(step, judged.params, again.restore(step, state).params)
