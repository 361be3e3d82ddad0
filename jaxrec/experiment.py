"""From a config to everything a run needs, in the order it is needed."""

import dataclasses
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec import sharding
from jaxrec.baselines import Context, baselines
from jaxrec.checkpoints import Checkpoints
from jaxrec.data import datasets
from jaxrec.data.batching import PackedItems, VectorItems
from jaxrec.data.catalog import Catalog, tokenize
from jaxrec.data.columns import Impressions
from jaxrec.data.pipeline import TrainPipeline
from jaxrec.display import Display
from jaxrec.distributed import one_at_a_time
from jaxrec.encode import CatalogEncoder, encoded_once
from jaxrec.errors import UserError, choices
from jaxrec.flops import peak_flops, step_flops
from jaxrec.models import pretrained
from jaxrec.models.bert import Bert
from jaxrec.models.recommender import ItemEncoder, Recommender
from jaxrec.optim import make_tx
from jaxrec.pace import Pace
from jaxrec.scores import (
  flat_logits,
  items_in_use,
  metrics_of,
  threshold_of,
)
from jaxrec.steps import (
  make_encode_step,
  make_eval_step,
  make_prefix_step,
  make_table_step,
  make_train_step,
)
from jaxrec.train_state import init_state, merge_params

DTYPES = {'float32': jnp.float32, 'bfloat16': jnp.bfloat16}
TOKENS_PER_SEGMENT = 8  # Rows hold L / 8 texts: few titles are shorter.


def cache_dir(config) -> pathlib.Path:
  """Where prepared data, tokens and vectors are kept between runs."""
  given = config.data.cache_dir
  return (
    pathlib.Path(given).expanduser() if given else datasets.default_cache_dir()
  )


def load_dataset(config, display: Display) -> datasets.Dataset:
  """The dataset a config names, prepared; says what was set aside."""
  data = config.data
  display.say(f'preparing {data.name} {data.dir}'.rstrip())
  dataset = datasets.prepare(
    data.name,
    data.dir,
    cache_dir=cache_dir(config),
    validation_fraction=data.validation_fraction,
  )
  for part, counts in dataset.counts.items():
    told = ', '.join(f'{name} {count:,}' for name, count in counts.items())
    display.say(f'  {part}: {told}')
  for note in dataset.notes:
    display.say(f'  note: {note}')
  return dataset


def prepare(config, display: Display) -> None:
  """Reads a config's dataset, and no more, for the runs to come."""
  directory = cache_dir(config)
  with one_at_a_time(directory / 'lock', display.say):
    load_dataset(config, display)
  display.say(f'prepared, in {directory}')


@dataclasses.dataclass
class Experiment:
  """A config, its data and its model, ready to train or evaluate.

  Attributes:
    config: the ConfigDict.
    display: what people look at.
    mesh: see `sharding`.
    dataset, catalog: the data.
    encoder_dir: the pretrained encoder's files.
    row_tokens, row_segments: L and S of packed rows.
  """

  config: object
  display: Display
  mesh: object
  dataset: datasets.Dataset
  catalog: Catalog
  encoder_dir: pathlib.Path
  row_tokens: int
  row_segments: int

  @classmethod
  def from_config(cls, config, display: Display) -> 'Experiment':
    """Checks the config, prepares data and tokens.

    Raises:
      UserError: anything in the config that cannot be.
    """
    mesh = sharding.make_mesh(**config.mesh)
    _check(config, sharding.num_batch_shards(mesh))
    encoder_dir = pretrained.resolve(config.encoder.pretrained)
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
    positions = pretrained.bert_config(encoder_dir)['max_positions']
    if config.encoder.max_tokens > positions:
      raise UserError(
        f'encoder.max_tokens={config.encoder.max_tokens}: this BERT has '
        f'{positions} positions'
      )
    row_tokens = config.encoder.row_tokens or (
      32 if jax.default_backend() == 'cpu' else 128
    )
    row_tokens = max(row_tokens, config.encoder.max_tokens)
    return cls(
      config=config,
      display=display,
      mesh=mesh,
      dataset=dataset,
      catalog=catalog,
      encoder_dir=encoder_dir,
      row_tokens=row_tokens,
      row_segments=max(row_tokens // TOKENS_PER_SEGMENT, 1),
    )

  @property
  def frozen(self) -> bool:
    """True: training reads vectors and never runs the encoder."""
    return self.config.encoder.trainable_layers == 0

  @functools.cached_property
  def encoder_config(self) -> dict:
    """Bert's sizes, from the pretrained encoder."""
    return pretrained.bert_config(self.encoder_dir)

  @functools.cached_property
  def fingerprints(self) -> dict[str, str]:
    """What a resumed run must find unchanged beside its config."""
    return {
      'data': self.dataset.fingerprint,
      'tokens': self.catalog.fingerprint,
      'encoder': pretrained.fingerprint(self.encoder_dir),
    }

  @functools.cached_property
  def dtype(self) -> str:
    """Of the encoder's computation."""
    given = self.config.encoder.dtype
    if given != 'auto':
      return given
    return 'float32' if jax.default_backend() == 'cpu' else 'bfloat16'

  @functools.cached_property
  def prefix_dtype(self) -> str | None:
    """Of the hidden states kept below the layers that train; None: none are."""
    cut = (
      self.encoder_config['num_layers'] - self.config.encoder.trainable_layers
    )
    given = self.config.encoder.prefix_cache
    if self.frozen or self.config.encoder.trainable_layers < 0 or cut < 1:
      return None
    return {'auto': self.dtype, 'none': None}.get(given, given)

  # ------------------------------------------------------------------ models
  def make_encoder(self, *, has_prefix: bool = True) -> ItemEncoder:
    """An ItemEncoder with random weights, to be filled."""
    encoder = self.config.encoder
    bert = Bert(
      **self.encoder_config,
      trainable_layers=encoder.trainable_layers,
      dropout_rate=encoder.dropout,
      has_prefix=has_prefix,
      attention=encoder.attention,
      remat=encoder.remat,
      unroll=encoder.unroll,
      dtype=DTYPES[self.dtype],
      rngs=nnx.Rngs(self.config.seed),
    )
    return ItemEncoder(
      bert, num_segments=self.row_segments, pooling=encoder.pooling
    )

  def step_encoder(self) -> ItemEncoder:
    """The part of the encoder that a step runs."""
    return self.make_encoder(has_prefix=self.prefix_dtype is None)

  def pretrained_encoder(self) -> dict:
    """The ItemEncoder's pretrained parameters, on the host."""
    shapes = nnx.state(nnx.eval_shape(self.make_encoder), nnx.Param)
    bert = nnx.to_pure_dict(shapes)['bert']
    return {'bert': pretrained.load_params(self.encoder_dir, bert)}

  def make_model(self) -> Recommender:
    """The Recommender with random encoder weights, to be filled."""
    config = self.config
    return Recommender(
      encoder=None if self.frozen else self.step_encoder(),
      width=self.encoder_config['width'],
      head=config.head.type,
      hidden_width=config.head.width,
      scoring=config.scoring,
      positive_rate=1 / config.data.num_candidates,
      rngs=nnx.Rngs(config.seed + 1),
    )

  def is_frozen(self, path: str) -> bool:
    """Whether the parameter at a '/'-joined path does not train."""
    lower = ('encoder/bert/embeddings', 'encoder/bert/frozen_layers')
    return self.config.encoder.trainable_layers >= 0 and path.startswith(lower)

  @functools.cached_property
  def tx(self):
    """The optimizer."""
    return make_tx(
      num_train_steps=self.config.num_train_steps, **self.config.optim
    )

  def init(self):
    """Fresh (TrainState, frozen), pretrained weights in; sets the steps up."""
    self.graphdef, state, frozen, specs = init_state(
      self.make_model, self.tx, self.mesh, is_frozen=self.is_frozen
    )
    if not self.frozen:
      loaded = self.pretrained_encoder()['bert']

      def fill(part):
        if 'encoder' not in part:
          return part
        bert = {
          name: jax.tree.map(
            lambda old, new: sharding.put(new, old.sharding),
            have,
            loaded[name],
          )
          for name, have in part['encoder']['bert'].items()
        }
        return part | {'encoder': {'bert': bert}}

      state = dataclasses.replace(state, params=fill(state.params))
      frozen = fill(frozen)
    gather = sharding.gather_params((specs[0].params, specs[1]))
    self.train_step = jax.jit(
      make_train_step(
        self.graphdef, self.tx, gather=gather, seed=self.config.seed
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
    self._table_step = jax.jit(make_table_step(self.graphdef, gather=gather))
    return state, frozen

  # -------------------------------------------------------------------- data
  @functools.cached_property
  def packed_items(self) -> PackedItems:
    """The catalog as a step reads it: packed tokens, or hidden states."""
    hidden = None if self.prefix_dtype is None else self.hidden
    return PackedItems(self.catalog, self.row_tokens, self.row_segments, hidden)

  @functools.cached_property
  def encode(self) -> CatalogEncoder:
    """Encodes items by the encoder of the step."""
    graphdef, _ = nnx.split(nnx.eval_shape(self.step_encoder))
    return CatalogEncoder(
      make_encode_step(graphdef), self.packed_items, self.mesh
    )

  def on_tokens(self, make_step) -> tuple[CatalogEncoder, dict]:
    """A step of the whole pretrained encoder, and its parameters.

    `make_step` is one of steps' that take an ItemEncoder's graphdef.
    """
    graphdef, _ = nnx.split(nnx.eval_shape(self.make_encoder))
    tokens = PackedItems(self.catalog, self.row_tokens, self.row_segments)
    params = jax.tree.map(jnp.asarray, self.pretrained_encoder())
    return CatalogEncoder(make_step(graphdef), tokens, self.mesh), params

  @functools.cached_property
  def hidden(self) -> np.ndarray:
    """[T, D], the hidden states of all tokens where training begins."""

    make = functools.partial(self.on_tokens, make_prefix_step)
    layers = (
      self.encoder_config['num_layers'] - self.config.encoder.trainable_layers
    )
    return self._encoded_once(
      make, 'hidden', f'{layers} {self.prefix_dtype}', self.prefix_dtype
    )

  @functools.cached_property
  def vectors(self) -> np.ndarray:
    """float32 [N, D], the pretrained encoder's pooled item vectors."""

    def make():
      bert = self.pretrained_encoder()['bert']
      names = nnx.state(nnx.eval_shape(self.step_encoder), nnx.Param)['bert']
      params = {'bert': {name: bert[name] for name in names}}
      return self.encode, jax.tree.map(jnp.asarray, params)

    use = self.config.encoder.pooling
    if self.prefix_dtype not in (None, self.dtype):  # Rounded on the way.
      use += f' {self.prefix_dtype}'
    return self._encoded_once(make, 'vectors', use, 'float32')

  def _encoded_once(self, make, kind: str, use: str, dtype: str):
    return encoded_once(
      make,
      catalog=self.catalog,
      kind=kind,
      use=f'{self.fingerprints["encoder"]} {use} {self.dtype}',
      width=self.encoder_config['width'],
      dtype=DTYPES[dtype],
      cache_dir=cache_dir(self.config),
      display=self.display,
    )

  @functools.cached_property
  def pipeline(self) -> TrainPipeline:
    """The training batches."""
    config = self.config
    return TrainPipeline(
      impressions=self.dataset.train,
      items=VectorItems(self.vectors) if self.frozen else self.packed_items,
      batch_size=config.batch_size,
      num_candidates=config.data.num_candidates,
      history_length=config.data.history_length,
      seed=config.seed,
      multiple=sharding.num_batch_shards(self.mesh),
      growth=self._growth,
    )

  @property
  def _growth(self) -> float:
    """Of the table's sizes: each is a compilation, and filling up is work."""
    on_cpu = jax.default_backend() == 'cpu'
    return 1.05 if on_cpu and not self.frozen else 1.125

  def pace(self) -> Pace:
    """Counters of a training; MFU only where the encoder runs in the step."""
    if self.frozen:
      return Pace()
    bert, encoder, head = (
      self.encoder_config,
      self.config.encoder,
      self.config.head,
    )
    layers, trained = bert['num_layers'], encoder.trainable_layers
    trained = layers if trained == -1 else trained
    peak, source = peak_flops(self.dtype, self.mesh.devices.flat)
    return Pace(
      flops_of=functools.partial(
        step_flops,
        width=bert['width'],
        mlp_width=bert['mlp_width'],
        hidden_width=0 if head.type == 'mean' else head.width,
        layers_run=layers if self.prefix_dtype is None else trained,
        layers_trained=trained,
      ),
      peak=peak,
      peak_source=source,
    )

  # -------------------------------------------------------------- evaluation
  def logits(
    self,
    params,
    frozen,
    impressions: Impressions,
    *,
    pretrained_encoder: bool = False,
  ) -> np.ndarray:
    """Flat logits of a split; every item of it is encoded once.

    With `pretrained_encoder` the encoder in `params` is taken to be as it
    came, and its vectors as they were kept.
    """
    wanted = items_in_use(impressions)
    if self.frozen or pretrained_encoder:
      pooled = np.asarray(self.vectors[wanted])
    else:
      encoder = merge_params(params, frozen)['encoder']
      pooled = self.encode.pooled(encoder, wanted)
    table_rows = np.zeros(len(self.catalog), np.int32)
    table_rows[wanted] = np.arange(len(wanted))
    table = self._table_step(
      params, frozen, sharding.put_replicated(pooled, self.mesh)
    )
    return flat_logits(
      lambda batch: self._eval_step(params, frozen, table, batch),
      impressions,
      table_rows,
      batch_size=self.config.eval_batch_size,
      history_length=self.config.data.history_length,
      mesh=self.mesh,
    )

  def metrics(self, impressions, flat, threshold) -> dict[str, float]:
    """Metrics of a split from flat logits."""
    return metrics_of(
      impressions,
      flat,
      threshold,
      batch_size=self.config.eval_batch_size,
      mesh=self.mesh,
    )

  def validate(
    self, params, frozen, **options
  ) -> tuple[dict[str, float], float]:
    """Validation metrics and the threshold chosen there; see `logits`."""
    split = self.dataset.validation
    flat = self.logits(params, frozen, split, **options)
    threshold = threshold_of(split, flat)
    return self.metrics(split, flat, threshold), threshold

  def baselines(self) -> dict[str, dict[str, float]]:
    """Test metrics of every baseline, thresholds chosen on validation."""
    data = self.dataset
    context = Context(
      train=data.train,
      vectors=self.vectors,
      history_length=self.config.data.history_length,
      seed=self.config.seed,
    )
    rows = {}
    for name, score in baselines().items():
      flat = score(context, data.test)
      if flat is not None:
        threshold = threshold_of(
          data.validation, score(context, data.validation)
        )
        rows[name] = self.metrics(data.test, flat, threshold)
    return rows

  def checkpoints(self, workdir: pathlib.Path) -> Checkpoints:
    """The checkpoints of a workdir."""
    return Checkpoints(workdir / 'checkpoints', self.display.say)


def _check(config, shards: int) -> None:
  """UserErrors for values that cannot be."""
  for key, least in {
    'batch_size': 1,
    'eval_batch_size': 1,
    'num_train_steps': 1,
    'eval_every_steps': 1,
    'checkpoint_every_steps': 1,
    'log_every_steps': 1,
    'data.history_length': 1,
    'data.num_candidates': 2,
    'head.width': 1,
  }.items():
    value = functools.reduce(getattr, key.split('.'), config)
    if value < least:
      raise UserError(f'{key}={value}: must be {least} or more')
  for key in ('batch_size', 'eval_batch_size'):
    if config[key] % shards:
      raise UserError(
        f'{key}={config[key]} does not split over {shards} devices: make it a '
        f'multiple of {shards}'
      )
  for key, known in (
    ('dtype', ('auto', *DTYPES)),
    ('prefix_cache', ('auto', 'none', *DTYPES)),
  ):
    if config.encoder[key] not in known:
      raise UserError(f'encoder.{key}: {choices(config.encoder[key], known)}')
  if config.objective != 'impressions':
    raise UserError(f'objective: {choices(config.objective, ["impressions"])}')
