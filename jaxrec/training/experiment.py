"""From a config to everything a run needs, in the order it is needed."""

import dataclasses
import functools
import pathlib
from typing import NamedTuple

import jax
import numpy as np
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict

from jaxrec.baselines import Known
from jaxrec.commands.prepare import cache_dir, load_dataset
from jaxrec.console import Display
from jaxrec.data import dataset as datasets
from jaxrec.data.batches.assemble import VectorItems
from jaxrec.data.batches.train import TrainPipeline
from jaxrec.data.items import fields
from jaxrec.data.items.catalog import Catalog, tokenize
from jaxrec.encoding.text_encoder import TextEncoder
from jaxrec.errors import UserError
from jaxrec.evaluation import calibration, metrics, protocols
from jaxrec.evaluation.model_scorer import ModelScorer
from jaxrec.models.recommender import Recommender
from jaxrec.models.text import hub
from jaxrec.parallel import sharding
from jaxrec.parallel.processes import one_at_a_time
from jaxrec.starts import closed_forms
from jaxrec.training import config_checks
from jaxrec.training.checkpoints import Checkpoints
from jaxrec.training.flops import peak_flops, step_flops
from jaxrec.training.optimizer import make_tx
from jaxrec.training.state import init_state, merge_params
from jaxrec.training.steps import (
  Objective,
  make_eval_step,
  make_table_step,
  make_train_step,
  make_user_step,
)
from jaxrec.training.throughput import Pace


class Validated(NamedTuple):
  """What validation says.

  Attributes:
    metrics: see `metrics.finalize`.
    threshold: the logit from which a candidate is called clicked.
    calibrated: see `calibration.fit`; None where candidates are not listed.
  """

  metrics: dict[str, float]
  threshold: float
  calibrated: tuple[float, float] | None


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
    config: the ConfigDict.
    display: what people look at.
    mesh: see `sharding`.
    dataset, catalog: the data.
    encoder: the pretrained BERT.
    refits: whether it learns from the validation split too.
  """

  config: object
  display: Display
  mesh: object
  dataset: datasets.Dataset
  catalog: Catalog
  encoder: TextEncoder
  refits: bool = False

  @classmethod
  def from_config(cls, config, display: Display) -> 'Experiment':
    """Checks the config, prepares data and tokens.

    Raises:
      UserError: anything in the config that cannot be.
    """
    mesh = sharding.make_mesh(**config.mesh)
    config_checks.check(config, sharding.num_batch_shards(mesh))
    encoder_dir = hub.resolve(config.encoder.pretrained)
    # Several processes, or runs, may share a disk: one prepares, all read.
    with one_at_a_time(cache_dir(config) / 'lock', display.say):
      dataset = load_dataset(config, display)
      catalog = tokenize(
        dataset.items,
        template=config.data.text_template,
        tokenizer_dir=encoder_dir,
        max_tokens=config.encoder.max_tokens,
        cache_dir=cache_dir(config),
      )
    return cls(
      config=config,
      display=display,
      mesh=mesh,
      dataset=dataset,
      catalog=catalog,
      encoder=TextEncoder(
        config=config.encoder,
        directory=encoder_dir,
        catalog=catalog,
        mesh=mesh,
        seed=config.seed,
        cache_dir=cache_dir(config),
        display=display,
      ),
    )

  @functools.cached_property
  def fingerprints(self) -> dict[str, str]:
    """What a resumed run must find unchanged beside its config."""
    return {
      'data': self.dataset.fingerprint,
      'tokens': self.catalog.fingerprint,
      'encoder': self.encoder.fingerprint,
    }

  # ------------------------------------------------------------------ models
  def make_model(self) -> Recommender:
    """The Recommender with random encoder weights, to be filled."""
    config = self.config
    channels = closed_forms.names(config.ids.channels)
    decays = tuple(map(float, closed_forms.names(config.head.decays)))
    return Recommender(
      encoder=None if self.encoder.frozen else self.encoder.make_for_step(),
      width=self.encoder.sizes['width'],
      head=config.head.type,
      hidden_width=config.head.width,
      decays=decays or None,
      scoring=config.scoring,
      scale=config.scale,
      positive_rate=1 / self._num_rivals,
      appeal=config.appeal,
      item_bias=config.ids.bias,
      num_items=len(self.catalog),
      ids=(config.ids.width,) * len(channels) * bool(config.ids.width),
      ids_drop=config.ids.dropout,
      fields=tuple(field.size for field in self.fields),
      fields_width=config.fields.width,
      fields_gain=config.fields.gain,
      behaviours=len(self.dataset.behaviours) * config.head.behaviours,
      gaps=config.head.gaps,
      once=config.head.once,
      periods=self.periods,
      trend_gain=config.trend.gain,
      rngs=nnx.Rngs(config.seed + 1),
    )

  @functools.cached_property
  def periods(self):
    """The calendar of the trend; None where there is none."""
    half_life = self.config.trend.half_life
    if not half_life:
      return None
    # The same once refitted.
    return closed_forms.periods(self.dataset.before_test, half_life)

  @functools.cached_property
  def fields(self) -> tuple[fields.Field, ...]:
    """The item fields the model reads."""
    return fields.learn(
      self.dataset.items, closed_forms.names(self.config.fields.names)
    )

  @functools.cached_property
  def field_values(self) -> np.ndarray:
    """int32 [N, F, V], of every item."""
    return fields.numbered(self.fields, self.dataset.items, len(self.catalog))

  @functools.cached_property
  def _num_rivals(self) -> int:
    """Among how many items, about, a click is to be found in training."""
    if self.config.objective == 'next_item':
      return self.pipeline.typical_size
    return self.config.data.num_candidates

  @property
  def _learned_from(self):
    """What the model learns from."""
    return self.dataset.before_test if self.refits else self.dataset.train

  def _started(self, params: dict) -> dict:
    """`params` with what is known at the start, see `start`."""
    config, source, known = self.config, self._learned_from, {}
    count = len(self.catalog)
    if config.centered:
      mean = closed_forms.text_mean(
        self.encoder.vectors, config.centered, source
      )
      known['project', 'bias'] = -mean
    if config.ids.bias and config.ids.bias_start:
      rates = closed_forms.click_rates(source, count, config.ids.bias_shrinkage)
      known['item_bias',] = config.ids.bias_start * rates
    if self.periods:
      known['trend', 'counts'] = closed_forms.trends(
        source, count, self.periods, config.trend.half_life
      )
    if config.ids.width and config.ids.start == 'factors':
      data = config.data
      found = closed_forms.kept_factors(
        config,
        self.dataset.known('test' if self.refits else 'validation'),
        self.encoder.vectors,
        told=(
          *(self.dataset.fingerprint, self.refits, data.protocol),
          *(data.validation_fraction, data.k_core, data.min_history),
          data.target_behaviour,
          *(self.catalog.fingerprint, self.encoder.fingerprint),
        ),
        directory=cache_dir(config),
        say=self.display.say,
      )
      known |= {('ids', name): values for name, values in found.items()}
    flat = flatten_dict(params)
    for path, values in known.items():
      flat[path] = sharding.put(values, flat[path].sharding)
    return unflatten_dict(flat)

  @functools.cached_property
  def tx(self):
    """The optimizer."""
    return make_tx(
      num_train_steps=self.config.num_train_steps, **self.config.optim
    )

  def init(self):
    """Fresh (TrainState, frozen), pretrained weights in; sets the steps up."""
    # These need data, which cannot be had while tracing.
    _ = self._num_rivals, self.fields, self.periods
    self.graphdef, state, frozen, specs = init_state(
      self.make_model, self.tx, self.mesh, is_frozen=self.encoder.is_frozen
    )
    params, frozen = self.encoder.fill(state.params, frozen)
    state = dataclasses.replace(state, params=self._started(params))
    gather = sharding.gather_params((specs[0].params, specs[1]))
    self.train_step = jax.jit(
      make_train_step(
        self.graphdef,
        self.tx,
        objectives=self._objectives,
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

  @property
  def _objectives(self) -> dict[str, Objective]:
    """What is trained for."""
    names = self.config.objective.split('+')
    found = {name: Objective(kind=self.config[name].loss) for name in names}
    if len(names) > 1:
      weight = self.config.next_item.weight
      found['next_item'] = found['next_item']._replace(weight=weight)
    return found

  # -------------------------------------------------------------------- data
  @functools.cached_property
  def pipeline(self) -> TrainPipeline:
    """The training batches."""
    config = self.config
    return TrainPipeline(
      behaviours=self._learned_from,
      items=VectorItems(self.encoder.vectors)
      if self.encoder.frozen
      else self.encoder.packed_items,
      batch_size=config.batch_size,
      num_candidates=config.data.num_candidates,
      history_length=config.data.history_length,
      seed=config.seed,
      part=sharding.part_of(self.mesh),
      growth=self._growth,
      next_item='next_item' in self._objectives,
      ordered=config.data.ordered,
      fields=self.field_values,
    )

  @property
  def _growth(self) -> float:
    """Of the table's sizes: each is a compilation, and filling up is work."""
    on_cpu = jax.default_backend() == 'cpu'
    return 1.05 if on_cpu and not self.encoder.frozen else 1.125

  def pace(self) -> Pace:
    """Counters of a training; MFU only where the encoder runs in the step."""
    encoder, head = self.encoder, self.config.head
    if encoder.frozen:
      return Pace()
    peak, source = peak_flops(encoder.dtype, self.mesh.devices.flat)
    return Pace(
      flops_of=functools.partial(
        step_flops,
        width=encoder.sizes['width'],
        mlp_width=encoder.sizes['mlp_width'],
        hidden_width=0 if head.type == 'mean' else head.width,
        layers_run=encoder.num_run,
        layers_trained=encoder.num_trained,
      ),
      peak=peak,
      peak_source=source,
    )

  # -------------------------------------------------------------- evaluation
  @functools.cached_property
  def protocol(self):
    """How splits are evaluated, see `protocols`."""
    asked = self.config.evaluation
    return protocols.make(
      self.config.data.protocol,
      seen=asked.seen,
      sampled=asked.num_sampled,
      num_items=len(self.catalog),
      seed=self.config.seed,
      num_cold=int(np.diff(self.dataset.test.candidate_offsets).max(initial=0)),
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
      return self._table_step(
        params,
        frozen,
        *sharding.put_replicated(
          (pooled, wanted.astype(np.int32), self.field_values[wanted]),
          self.mesh,
        ),
      )

    return ModelScorer(
      table_of=table_of,
      eval_step=functools.partial(self._eval_step, params, frozen),
      user_step=functools.partial(self._user_step, params, frozen),
      num_items=len(self.catalog),
      batch_size=self.config.eval_batch_size,
      history_length=self.config.data.history_length,
      mesh=self.mesh,
      approximate=self.config.evaluation.approximate,
    )

  def validate(self, params, frozen, **options) -> Validated:
    """Judges the validation split, and chooses there; see `scorer`."""
    examples, _ = self.protocol.examples(self.dataset.validation)
    scorer = self.scorer(params, frozen, **options)
    judged = self.protocol.judge(scorer, examples, 0.0)
    if self.protocol.name != 'impressions':
      return Validated(metrics.finalize(judged.values), 0.0, None)
    logits, labels = judged.logits, examples.labels
    threshold = metrics.best_threshold(logits, labels)
    judged = self.protocol.judge_logits(logits, examples, threshold)
    return Validated(
      metrics.finalize(judged.values),
      threshold,
      calibration.fit(logits, labels),
    )

  def known(self, split: str) -> Known:
    """What baselines may know before a split."""
    return Known(
      sequences=self.dataset.known(split),
      vectors=self.encoder.vectors,
      history_length=self.config.data.history_length,
      seed=self.config.seed,
    )

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

  def restore_chosen(self, workdir: pathlib.Path, state) -> 'Chosen':
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
    if not self.config.refit:
      return Chosen(step, judged.params, judged.params)
    again = self.refit().checkpoints(workdir)
    if again.latest() != step:
      raise UserError(
        f'{again.directory}: not refitted yet: train there first (--mode=train)'
      )
    return Chosen(step, judged.params, again.restore(step, state).params)
