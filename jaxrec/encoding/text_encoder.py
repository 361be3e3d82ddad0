"""A run's pretrained BERT, and what it makes of the catalog's texts."""

import dataclasses
import functools
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.console import Display
from jaxrec.data.batches.assemble import PackedItems
from jaxrec.data.items.catalog import Catalog
from jaxrec.encoding.catalog_encoder import CatalogEncoder, encoded_once
from jaxrec.encoding.steps import make_encode_step, make_prefix_step
from jaxrec.errors import UserError
from jaxrec.models.text import weights
from jaxrec.models.text.config import TextModelConfig
from jaxrec.models.text.item_encoder import ItemEncoder
from jaxrec.models.text.registry import TextModel, text_model_of
from jaxrec.parallel.sharding import put

DTYPES = {'float32': jnp.float32, 'bfloat16': jnp.bfloat16}
TOKENS_PER_SEGMENT = 8  # Rows hold L / 8 texts: few titles are shorter.


@dataclasses.dataclass
class TextEncoder:
  """The pretrained BERT of a run: how it is computed, what of it is kept.

  Attributes:
    config: of the language model.
    directory: the weights' and the tokenizer's.
    catalog: N items, T tokens.
    mesh: see `sharding`.
    seed: of the random weights that the pretrained ones replace.
    cache_dir: where hidden states and vectors are kept between runs.
    display: shows the progress.

  Raises:
    UserError: `config.max_tokens` is more than this BERT has positions, or the
      catalog has tokens that it has no vectors of.
  """

  config: TextModelConfig
  directory: pathlib.Path
  catalog: Catalog
  mesh: object
  seed: int
  cache_dir: pathlib.Path
  display: Display

  def __post_init__(self):
    positions = self.sizes['max_positions']
    if self.config.max_tokens > positions:
      raise UserError(
        f'model.text.max_tokens={self.config.max_tokens}: this BERT has '
        f'{positions} positions'
      )
    highest = int(self.catalog.tokens.max(initial=0))
    if highest >= self.sizes['vocab_size']:
      raise UserError(
        f'{self.directory}: the tokenizer gives the token {highest}, the '
        f'weights have {self.sizes["vocab_size"]}: they do not belong together'
      )

  # ------------------------------------------------------------------ choices
  @functools.cached_property
  def model(self) -> TextModel:
    """Which language model it is: the directory says."""
    return text_model_of(self.directory)

  @functools.cached_property
  def sizes(self) -> dict[str, Any]:
    """Of the language model: arguments of its module."""
    return self.model.sizes(self.directory)

  @functools.cached_property
  def fingerprint(self) -> str:
    """Of config.json and the weights."""
    return weights.fingerprint(self.directory)

  @property
  def frozen(self) -> bool:
    """True: training reads vectors and never runs the encoder."""
    return self.config.trainable_layers == 0

  @property
  def num_trained(self) -> int:
    """Layers that train."""
    given = self.config.trainable_layers
    return self.sizes['num_layers'] if given == -1 else given

  @property
  def num_run(self) -> int:
    """Layers that a training step runs forward, unless it is `frozen`."""
    run_all = self.prefix_dtype is None
    return self.sizes['num_layers'] if run_all else self.num_trained

  @functools.cached_property
  def dtype(self) -> str:
    """Of the computation."""
    given = self.config.dtype
    if given != 'auto':
      return given
    return 'float32' if jax.default_backend() == 'cpu' else 'bfloat16'

  @functools.cached_property
  def prefix_dtype(self) -> str | None:
    """Of the hidden states kept below the layers that train; None: none are."""
    if not 0 < self.num_trained < self.sizes['num_layers']:
      return None
    given = self.config.prefix_cache
    return {'auto': self.dtype, 'none': None}.get(given, given)

  @functools.cached_property
  def row_tokens(self) -> int:
    """L of packed rows."""
    on_cpu = jax.default_backend() == 'cpu'
    given = self.config.row_tokens or (32 if on_cpu else 128)
    return max(given, self.config.max_tokens)

  @property
  def row_segments(self) -> int:
    """S of packed rows."""
    return max(self.row_tokens // TOKENS_PER_SEGMENT, 1)

  # ------------------------------------------------------------------- models
  def make(self, *, has_prefix: bool = True) -> ItemEncoder:
    """An ItemEncoder with random weights, to be filled."""
    config = self.config
    bert = self.model.make(
      **self.sizes,
      trainable_layers=config.trainable_layers,
      dropout_rate=config.dropout,
      has_prefix=has_prefix,
      attention=config.attention,
      remat=config.remat,
      unroll=config.unroll,
      dtype=DTYPES[self.dtype],
      rngs=nnx.Rngs(self.seed),
    )
    return ItemEncoder(
      bert, num_segments=self.row_segments, pooling=config.pooling
    )

  def make_for_step(self) -> ItemEncoder:
    """The part of an ItemEncoder that a training step runs."""
    return self.make(has_prefix=self.prefix_dtype is None)

  def load(self) -> dict:
    """The whole ItemEncoder's pretrained parameters, on the host."""
    bert = nnx.to_pure_dict(_shapes(self.make))['bert']
    return {'bert': self.model.load(self.directory, bert)}

  def is_frozen(self, path: str) -> bool:
    """Whether a Recommender's parameter at a '/'-joined path does not train."""
    lower = tuple(f'encoder/bert/{name}' for name in self.model.frozen)
    return self.config.trainable_layers >= 0 and path.startswith(lower)

  def fill(self, *parts: dict) -> tuple[dict, ...]:
    """`parts` of a Recommender's parameters, the encoder's as pretrained.

    They lie on the devices as those whose place they take.
    """
    if self.frozen:  # There is no encoder among them.
      return parts
    loaded = self.load()['bert']

    def fill(part):
      if 'encoder' not in part:
        return part
      bert = {
        name: jax.tree.map(
          lambda old, new: put(new, old.sharding),
          have,
          loaded[name],
        )
        for name, have in part['encoder']['bert'].items()
      }
      return part | {'encoder': {'bert': bert}}

    return tuple(fill(part) for part in parts)

  # ----------------------------------------------------------------- encoding
  @functools.cached_property
  def packed_items(self) -> PackedItems:
    """The catalog as a step reads it: packed tokens, or hidden states."""
    hidden = None if self.prefix_dtype is None else self.hidden
    return PackedItems(self.catalog, self.row_tokens, self.row_segments, hidden)

  @functools.cached_property
  def catalog_encoder(self) -> CatalogEncoder:
    """Encodes items by the part that a training step runs."""
    graphdef, _ = nnx.split(nnx.eval_shape(self.make_for_step))
    return CatalogEncoder(
      make_encode_step(graphdef), self.packed_items, self.mesh
    )

  def on_tokens(self, make_step) -> tuple[CatalogEncoder, dict]:
    """A step of the whole pretrained encoder, and its parameters.

    `make_step` is one of steps' that take an ItemEncoder's graphdef.
    """
    graphdef, _ = nnx.split(nnx.eval_shape(self.make))
    tokens = PackedItems(self.catalog, self.row_tokens, self.row_segments)
    params = jax.tree.map(jnp.asarray, self.load())
    return CatalogEncoder(make_step(graphdef), tokens, self.mesh), params

  @functools.cached_property
  def hidden(self) -> np.ndarray:
    """[T, D], the hidden states of all tokens where training begins."""
    make = functools.partial(self.on_tokens, make_prefix_step)
    assert self.prefix_dtype is not None  # Else nothing is kept.
    layers = self.sizes['num_layers'] - self.num_trained
    return self._encoded_once(
      make, 'hidden', f'{layers} {self.prefix_dtype}', self.prefix_dtype
    )

  @functools.cached_property
  def vectors(self) -> np.ndarray:
    """float32 [N, D], the pretrained encoder's pooled item vectors."""

    def make():
      bert = self.load()['bert']
      names = _shapes(self.make_for_step)['bert']
      params = {'bert': {name: bert[name] for name in names}}
      return self.catalog_encoder, jax.tree.map(jnp.asarray, params)

    return self._encoded_once(make, 'vectors', self._pooled_by, 'float32')

  @property
  def _pooled_by(self) -> str:
    """What vectors depend on beside the texts, the weights and the dtype."""
    if self.prefix_dtype in (None, self.dtype):
      return self.config.pooling
    return f'{self.config.pooling} {self.prefix_dtype}'  # Rounded on the way.

  @property
  def vectors_key(self) -> str:
    """Tells `vectors` from those of other texts, weights and choices."""
    return f'{self._use(self._pooled_by)} {self.catalog.fingerprint}'

  def _use(self, choices: str) -> str:
    return f'{self.fingerprint} {choices} {self.dtype}'

  def _encoded_once(self, make, kind: str, use: str, dtype: str):
    return encoded_once(
      make,
      catalog=self.catalog,
      kind=kind,
      use=self._use(use),
      width=self.sizes['width'],
      dtype=DTYPES[dtype],
      cache_dir=self.cache_dir,
      display=self.display,
    )


def _shapes(make) -> nnx.State:
  """Parameters' shapes of what `make` would make."""
  return nnx.state(nnx.eval_shape(make), nnx.Param)
