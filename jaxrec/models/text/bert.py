"""BERT (Devlin et al., 2018, arXiv:1810.04805) on packed rows, in Flax NNX.

Rows hold several texts; attention stays inside a text's segment and positions
restart with each, so a text's hidden states do not depend on its neighbours.
Layers are stacked and scanned. The stack is cut in two: the prefix, embeddings
and `frozen_layers`, and above it `layers`, so that what does not train has no
gradient and no optimizer state, and its output can be computed once.
"""

import functools

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import PartitionSpec as P

from jaxrec.errors import UserError, choices
from jaxrec.models.text.attention import IMPLEMENTATIONS, attend

# The embeddings have unused rows up to a multiple of this, so that they split
# over any number of devices up to it.
VOCAB_MULTIPLE = 256
# How parameters are stored, by the suffix of their path.
SHARDING = (
  ('tokens/embedding', P(('fsdp', 'tensor'), None)),
  ('qkv/kernel', P('fsdp', None, 'tensor')),
  ('qkv/bias', P(None, 'tensor')),
  ('up/bias', P('tensor')),
  ('out/kernel', P('tensor', 'fsdp')),
  ('up/kernel', P('fsdp', 'tensor')),
  ('down/kernel', P('tensor', 'fsdp')),
)
FEW_LAYERS = 4  # Unrolling more costs more compilation than it saves.
# What a layer keeps for its backward pass; the rest is computed again.
REMAT = {
  'none': jax.checkpoint_policies.everything_saveable,
  'dots': jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
  'full': jax.checkpoint_policies.nothing_saveable,
}


@jax.custom_vjp
def gelu(x):
  """x times the normal distribution's CDF (Hendrycks & Gimpel, 2016).

  The derivative is written out: differentiating JAX's own takes a third of a
  training step on a CPU. Computed in float32.
  """
  return jax.nn.gelu(x.astype(jnp.float32), approximate=False).astype(x.dtype)


def _gelu_backward(x, dy):
  wide = x.astype(jnp.float32)
  cdf = 0.5 * (1 + jax.lax.erf(wide * 2**-0.5))
  density = jnp.exp(-0.5 * wide * wide) * (2 * jnp.pi) ** -0.5
  return ((dy * (cdf + wide * density)).astype(x.dtype),)


gelu.defvjp(lambda x: (gelu(x), x), _gelu_backward)


def dropout(x, rate: float, keys):
  """Inverted dropout of `x`; no keys or no rate leaves it unchanged.

  Random bits are a tenth of a training step on a CPU, so 16 of them decide,
  half of what JAX's own takes; the rate is rounded to that.

  Args:
    x: [R, ...].
    rate: share that becomes 0.
    keys: one for each row, so that a row is the same whatever is beside it.
  """
  if keys is None or not rate:
    return x
  words = (*x.shape[1:-1], -(-x.shape[-1] // 2))
  bits = jax.vmap(lambda key: jax.random.bits(key, words))(keys)
  bits = jax.lax.bitcast_convert_type(bits, jnp.uint16)
  bits = bits.reshape(*x.shape[:-1], -1)[..., : x.shape[-1]]
  dropped = round(rate * 2**16)
  scale = jnp.asarray(1 / (1 - dropped / 2**16), x.dtype)
  return jnp.where(bits >= dropped, x * scale, jnp.zeros((), x.dtype))


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def layer_norm(x, scale, bias, epsilon: float):
  """Layer normalisation (Ba et al., 2016, arXiv:1607.06450) of the last axis.

  Computed in float32, the variance in two passes; its derivative is written
  out, since JAX's own costs a tenth of a training step on a CPU.
  """
  return _layer_norm_forward(x, scale, bias, epsilon)[0]


def _layer_norm_forward(x, scale, bias, epsilon):
  wide = x.astype(jnp.float32)
  mean = wide.mean(-1, keepdims=True)
  variance = jnp.square(wide - mean).mean(-1, keepdims=True)
  inverse = jax.lax.rsqrt(variance + epsilon)
  y = (wide - mean) * inverse * spread(scale, x) + spread(bias, x)
  return y.astype(x.dtype), (x, scale, mean, inverse)


def _layer_norm_backward(epsilon, kept, dy):
  x, scale, mean, inverse = kept
  dy = dy.astype(jnp.float32)
  unit = (x.astype(jnp.float32) - mean) * inverse
  rows = tuple(range(x.ndim - 1))
  dunit = dy * spread(scale, x)
  along = (dunit * unit).mean(-1, keepdims=True)
  dx = inverse * (dunit - dunit.mean(-1, keepdims=True) - unit * along)
  return dx.astype(x.dtype), (dy * unit).sum(rows), dy.sum(rows)


layer_norm.defvjp(_layer_norm_forward, _layer_norm_backward)


def spread(vector, like):
  """A vector [D] with leading axes of 1, as `like` has."""
  return vector.reshape((1,) * (like.ndim - 1) + vector.shape)


class LayerNorm(nnx.Module):
  """`layer_norm` and its parameters: [..., D] -> [..., D]."""

  def __init__(self, width: int, epsilon: float):
    self.scale = nnx.Param(jnp.ones(width))
    self.bias = nnx.Param(jnp.zeros(width))
    self.epsilon = epsilon

  def __call__(self, x):
    return layer_norm(x, self.scale[...], self.bias[...], self.epsilon)


class BertLayer(nnx.Module):
  """Post-norm transformer layer: [R, L, D] -> [R, L, D]."""

  def __init__(
    self,
    *,
    width: int,
    mlp_width: int,
    num_heads: int,
    dropout_rate: float,
    norm_epsilon: float,
    attention: str,
    dtype,
    rngs: nnx.Rngs,
  ):
    linear = functools.partial(nnx.Linear, dtype=dtype, rngs=rngs)
    # Queries, keys and values on an axis of their own: split over devices by
    # heads, none of them crosses.
    self.qkv = nnx.LinearGeneral(width, (3, width), dtype=dtype, rngs=rngs)
    self.out = linear(width, width)
    self.up = linear(width, mlp_width)
    self.down = linear(mlp_width, width)
    self.norm1 = LayerNorm(width, norm_epsilon)
    self.norm2 = LayerNorm(width, norm_epsilon)
    self.num_heads = num_heads
    self.dropout_rate = dropout_rate
    self.attention = attention

  def attend(self, x, segments):
    """Self-attention inside `segments`, int32 [R, L]."""
    heads = (*x.shape[:2], self.num_heads, -1)
    qkv = self.qkv(x)  # [R, L, 3, D]
    q, k, v = (qkv[:, :, i].reshape(heads) for i in range(3))
    y = attend(q, k, v, segments, self.attention)
    return self.out(y.reshape(x.shape))

  def __call__(self, x, segments, keys=None):
    """Of rows x [R, L, D], segments [R, L] and keys [R]."""
    sites: list = [None, None]
    if keys is not None:
      sites = [jax.vmap(jax.random.fold_in, (0, None))(keys, i) for i in (0, 1)]
    y = self.attend(x, segments)
    x = self.norm1(x + dropout(y, self.dropout_rate, sites[0]))
    y = self.down(gelu(self.up(x)))
    return self.norm2(x + dropout(y, self.dropout_rate, sites[1]))


class Embeddings(nnx.Module):
  """Sum of token, position and type-0 embeddings, normalised."""

  def __init__(
    self,
    *,
    vocab_size: int,
    max_positions: int,
    num_types: int,
    width: int,
    norm_epsilon: float,
    dtype,
    rngs: nnx.Rngs,
  ):
    padded = -(-vocab_size // VOCAB_MULTIPLE) * VOCAB_MULTIPLE
    self.tokens = nnx.Embed(padded, width, dtype=dtype, rngs=rngs)
    self.positions = nnx.Embed(max_positions, width, dtype=dtype, rngs=rngs)
    self.types = nnx.Embed(num_types, width, dtype=dtype, rngs=rngs)
    self.norm = LayerNorm(width, norm_epsilon)

  def __call__(self, tokens, positions):
    x = self.tokens(tokens) + self.positions(positions)
    # A slice, not a look-up: its gradient is a sum, not a scatter.
    return self.norm(x + self.types.embedding[:1].astype(x.dtype)[None])


def scan_layers(layers, x, segments, key, num_layers: int, *, remat, unroll):
  """Runs `x` through stacked layers, each with its own dropout keys."""
  keys = None if key is None else jax.random.split(key, num_layers)

  @functools.partial(jax.checkpoint, policy=REMAT[remat], prevent_cse=False)
  def step(x, layer_and_key):
    layer, layer_key = layer_and_key
    each_row = jax.vmap(jax.random.fold_in, (None, 0))
    row_keys = None if layer_key is None else each_row(layer_key, rows)
    return layer(x, segments, row_keys), None

  rows = jnp.arange(x.shape[0])  # Which may be symbolic.
  return jax.lax.scan(step, x, (layers, keys), unroll=unroll)[0]


class Bert(nnx.Module):
  """tokens, positions, segments: int32 [R, L] -> hidden states [R, L, D].

  `prefix` is the part that does not train, `suffix` the rest.

  Args:
    vocab_size, max_positions, num_types, width, mlp_width, num_heads,
      num_layers, norm_epsilon: as in a Hugging Face config.json.
    trainable_layers: how many layers train, from the top; -1 for all of them
      and the embeddings.
    dropout_rate: on the layers that train; the frozen part has none, so that
      its outputs can be computed once.
    has_prefix: False where the prefix's output is given in place of tokens:
      its parameters are not made.
    attention: one of attention.IMPLEMENTATIONS.
    remat: one of REMAT, what layers that train keep for the backward pass.
    unroll: layers in one iteration of the scan; 0 for all that train where
      they are few and on top of frozen ones, else 1.
    dtype: of the computation; parameters are float32, softmax and norms are
      computed in float32.
    rngs: for the initial parameters.
  """

  def __init__(
    self,
    *,
    vocab_size: int,
    max_positions: int,
    num_types: int,
    width: int,
    mlp_width: int,
    num_heads: int,
    num_layers: int,
    norm_epsilon: float = 1e-12,
    trainable_layers: int = -1,
    dropout_rate: float = 0.0,
    has_prefix: bool = True,
    attention: str = 'auto',
    remat: str = 'dots',
    unroll: int = 0,
    dtype=jnp.float32,
    rngs: nnx.Rngs,
  ):
    if width % num_heads:
      raise UserError(f'width {width} is no multiple of {num_heads} heads')
    if not -1 <= trainable_layers <= num_layers:
      raise UserError(
        f'trainable_layers is {trainable_layers}; this BERT has {num_layers} '
        f'layers: give 0..{num_layers}, or -1 for all'
      )
    for key, value, known in (
      ('model.text.attention', attention, IMPLEMENTATIONS),
      ('model.text.remat', remat, REMAT),
    ):
      if value not in known:
        raise UserError(f'{key}: {choices(value, known)}')
    if unroll < 0:
      raise UserError(f'model.text.unroll={unroll}: must be 0 or more')

    def make(key):
      return BertLayer(
        width=width,
        mlp_width=mlp_width,
        num_heads=num_heads,
        dropout_rate=dropout_rate,
        norm_epsilon=norm_epsilon,
        attention=attention,
        dtype=dtype,
        rngs=nnx.Rngs(key),
      )

    self.trains_embeddings = trainable_layers == -1
    self.num_frozen = (
      0 if trainable_layers == -1 else num_layers - trainable_layers
    )
    self.num_trained = num_layers - self.num_frozen
    # Unrolled, the gradient of the lowest layer's input, which nobody asks for
    # above a frozen layer, is not computed.
    few = self.num_frozen and self.num_trained <= FEW_LAYERS
    self.unroll = unroll or (max(self.num_trained, 1) if few else 1)
    self.remat, self.dtype = remat, dtype
    self.has_prefix = has_prefix
    keys = jax.random.split(rngs.params(), num_layers)
    stack = jax.vmap(make)
    if has_prefix:
      self.embeddings = Embeddings(
        vocab_size=vocab_size,
        max_positions=max_positions,
        num_types=num_types,
        width=width,
        norm_epsilon=norm_epsilon,
        dtype=dtype,
        rngs=rngs,
      )
      if self.num_frozen:
        self.frozen_layers = stack(keys[: self.num_frozen])
    if self.num_trained:
      self.layers = stack(keys[self.num_frozen :])

  def prefix(self, tokens, positions, segments):
    """Hidden states [R, L, D] where the layers that train begin."""
    x = self.embeddings(tokens, positions)
    if self.num_frozen:
      x = scan_layers(
        self.frozen_layers,
        x,
        segments,
        None,
        self.num_frozen,
        remat='none',
        unroll=1,
      )
    return x if self.trains_embeddings else jax.lax.stop_gradient(x)

  def suffix(self, x, segments, *, key=None):
    """The layers that train, on the prefix's hidden states."""
    if not self.num_trained:
      return x
    return scan_layers(
      self.layers,
      x,
      segments,
      key,
      self.num_trained,
      remat=self.remat,
      unroll=self.unroll,
    )

  def __call__(self, inputs, positions, segments, *, key=None):
    """`inputs` are tokens, or hidden states where there is no prefix."""
    if self.has_prefix:
      inputs = self.prefix(inputs, positions, segments)
    return self.suffix(inputs.astype(self.dtype), segments, key=key)


def segment_mean(x, segments, num_segments: int):
  """Mean of each segment's tokens.

  Args:
    x: [R, L, D] hidden states.
    segments: int32 [R, L], 1..num_segments, 0 for padding.
    num_segments: S.

  Returns:
    float32 [R, S, D]; zeros where a segment is absent.
  """
  one_hot = jax.nn.one_hot(segments - 1, num_segments, dtype=x.dtype)
  counts = jnp.maximum(one_hot.astype(jnp.float32).sum(1), 1.0)
  sums = jnp.einsum(
    'rls,rld->rsd', one_hot, x, preferred_element_type=jnp.float32
  )
  return sums / counts[..., None]


def segment_first(x, segments, positions, num_segments: int):
  """Each segment's first token, [CLS]; arguments as in `segment_mean`."""
  return segment_mean(x, jnp.where(positions == 0, segments, 0), num_segments)
