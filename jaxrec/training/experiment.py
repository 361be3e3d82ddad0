"""From a config to everything a run needs, in the order it is needed."""

import dataclasses
import functools
import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxrec.batch import Batch
from jaxrec.console import Display
from jaxrec.data.batches.assemble import VectorItems
from jaxrec.data.batches.catalog import CatalogPipeline
from jaxrec.data.batches.train import TrainPipeline
from jaxrec.data.config import AugmentConfig
from jaxrec.data.dataset import Dataset
from jaxrec.data.items.catalog import Catalog, tokenize
from jaxrec.data.prepare import cache_dir, load_dataset
from jaxrec.encoding.text_encoder import TextEncoder
from jaxrec.errors import UserError
from jaxrec.models.text import hub
from jaxrec.parallel import sharding
from jaxrec.parallel.processes import one_at_a_time
from jaxrec.starts.source import DataSource
from jaxrec.training import sizing
from jaxrec.training.checkpoints import Checkpoints
from jaxrec.training.judge import Judge
from jaxrec.training.model_parts import ModelParts
from jaxrec.training.objectives import OBJECTIVES, Objective
from jaxrec.training.optimizer import make_tx
from jaxrec.training.settings import Config, TrainingConfig
from jaxrec.training.state import TrainState, init_state, started
from jaxrec.training.steps import (
  make_eval_step,
  make_table_step,
  make_train_step,
  make_user_step,
)
from jaxrec.training.throughput import Pace, pace_of


class Chosen(NamedTuple):
  """What a training ended with.

  Attributes:
    step: that validation chose.
    judged: parameters at that step, of which validation can tell.
    params: those to be used: the same; or refitted, on validation too.
    refitted: which of both.
  """

  step: int
  judged: dict
  params: dict
  refitted: bool = False


@dataclasses.dataclass
class Experiment:
  """A config, its data and its model, ready to train or evaluate.

  Attributes:
    config: the whole of it, nothing left open.
    given: as it was given, see `sizing`; what names a run.
    display: what people look at.
    mesh: see `sharding`.
    dataset, catalog: the data.
    encoder: the pretrained language model.
    refits: whether it learns from the validation split too.
  """

  config: Config
  given: Config
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
    given = config = Config.of(config)
    mesh = sharding.make_mesh(**dataclasses.asdict(config.mesh))
    config.check_devices(sharding.num_batch_shards(mesh))
    data, text = config.data, config.model.text
    directory = hub.resolve(text.pretrained)
    # Several processes, or runs, may share a disk: one prepares, all read.
    with (
      display.working('preparing'),
      one_at_a_time(cache_dir(data) / 'lock', display.say),
    ):
      dataset = load_dataset(data, display.say)
      catalog = tokenize(
        dataset.items,
        template=dataset.template(data.text_template),
        tokenizer_dir=directory,
        max_tokens=text.max_tokens,
        cache_dir=cache_dir(data),
      )
    if catalog.coverage and (
      warning := catalog.coverage.warning(text.pretrained)
    ):
      display.say(f'note: {warning}')
    shards = sharding.num_batch_shards(mesh)
    config, line = sizing.sized(config, dataset, shards=shards)
    if line:
      display.say(line)
    encoder = TextEncoder(
      config=text,
      directory=directory,
      catalog=catalog,
      mesh=mesh,
      seed=config.seed,
      cache_dir=cache_dir(data),
      display=display,
    )
    return cls(config, given, display, mesh, dataset, catalog, encoder)

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
      self.schedule.num_steps,
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
    state = started(state, self.parts.start(params))
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
    self.eval_step = jax.jit(make_eval_step(self.graphdef, gather=gather))
    self.user_step = jax.jit(make_user_step(self.graphdef, gather=gather))
    self.table_step = jax.jit(make_table_step(self.graphdef, gather=gather))
    return state, frozen

  # ------------------------------------------------------------------ training
  def num_compiled(self) -> int:
    """How many programs of the training step there are."""
    step: Any = self.train_step  # JAX's types do not tell of it.
    return step._cache_size()

  @property
  def reads_catalog(self) -> bool:
    """Whether the table of items of a training step is the whole catalog."""
    return any(objective.reads_catalog for objective in self.objectives)

  @functools.cached_property
  def schedule(self) -> TrainingConfig:
    """How long the training lasts, in steps."""
    training = self.config.training
    if not training.epochs:
      return training.in_steps(1.0)
    # Of a refit too: what was chosen is a number of steps.
    first = dataclasses.replace(self, refits=False) if self.refits else self
    return training.in_steps(
      first.pipeline.num_examples / self.config.input.batch_size
    )

  @functools.cached_property
  def pipeline(self) -> TrainPipeline | CatalogPipeline:
    """The training batches."""
    encoder, inputs = self.encoder, self.config.input
    if self.reads_catalog:
      return CatalogPipeline(
        sequences=self.source.learned_from,
        num_items=len(self.catalog),
        batch_size=inputs.batch_size,
        history_length=inputs.history_length,
        seed=self.config.seed,
        ordered=inputs.ordered,
        augment=None if inputs.augment == AugmentConfig() else inputs.augment,
        part=sharding.part_of(self.mesh),
      )
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

  @functools.cached_property
  def _catalog_arrays(self) -> dict:
    """What batches of the whole catalog have in common, on the mesh.

    Rows are split as a batch is; those that fill up are no items.
    """
    count = len(self.catalog)
    shards = sharding.num_batch_shards(self.mesh)
    padding = -count % shards
    pad = lambda x, value: np.pad(
      x,
      ((0, padding), *((0, 0),) * (x.ndim - 1)),
      constant_values=value,
    )
    integer = lambda x: np.issubdtype(x.dtype, np.integer)
    arrays = {
      'vectors': pad(np.asarray(self.encoder.vectors), 0),
      'items': pad(np.arange(count, dtype=np.int32), -1),
      'features': {
        name: pad(x, -1 if integer(x) else 0)
        for name, x in self.parts.features.items()
      },
    }
    return sharding.put_batch(arrays, self.mesh)

  def on_mesh(self, batch: Batch) -> Batch:
    """A batch of the pipeline, whose part each process has, on the mesh."""
    batch = sharding.put_batch(batch, self.mesh, self.pipeline.part)
    if self.reads_catalog:
      batch = dataclasses.replace(batch, **self._catalog_arrays)
    return batch

  def weights(self, state: TrainState) -> dict:
    """The parameters that are judged and used: the averages, if there are."""
    if self.config.optimizer.average:
      return state.opt_state.average
    return state.params

  @property
  def _growth(self) -> float:
    """Of the table's sizes: each is a compilation, and filling up is work."""
    on_cpu = jax.default_backend() == 'cpu'
    return 1.05 if on_cpu and not self.encoder.frozen else 1.125

  def pace(self) -> Pace:
    """Counters of a training; MFU only where the encoder runs in the step."""
    return pace_of(self.encoder, self.config.model.head, self.mesh)

  @functools.cached_property
  def judge(self) -> Judge:
    """Says how good parameters are."""
    return Judge(self)

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
      select=self.judge.protocol.main_metric,
    )

  def restore_chosen(
    self, workdir: pathlib.Path, state, *, finished: bool = True
  ) -> Chosen:
    """What a workdir's training ended with: what is tested and exported.

    Args:
      workdir: of a training.
      state: a TrainState, for its layout alone.
      finished: whether it has to be refitted, where that is wanted.

    Raises:
      UserError: the training has not come so far.
    """
    checkpoints = self.checkpoints(workdir)
    step, judged = checkpoints.restore_best(state)
    if step is None:
      raise UserError(f'{checkpoints.directory}: no validated checkpoint yet')
    if not self.config.training.refit:
      return Chosen(step, self.weights(judged), self.weights(judged))
    again = self.refit().checkpoints(workdir)
    if again.latest() != step and not finished:
      return Chosen(step, self.weights(judged), self.weights(judged))
    if again.latest() != step:
      raise UserError(
        f'{again.directory}: not refitted yet: train there first (--mode=train)'
      )
    refitted = self.weights(again.restore(step, state))
    return Chosen(step, self.weights(judged), refitted, refitted=True)
