"""BERT (Devlin et al., 2018, arXiv:1810.04805) on packed rows, in Flax NNX.

Rows hold several texts; attention stays inside a text's segment and positions
restart with each, so a text's hidden states do not depend on its neighbours.
Layers are stacked and scanned. The stack is cut in two: `frozen_layers` below,
`layers` above, so that what does not train has no gradient and no optimizer
state.
"""

import functools

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.errors import UserError

BIAS_OFF = -1e9  # Added to attention logits between segments.


def dropout(x, rate: float, key):
  """Inverted dropout of `x`; no key or no rate leaves it unchanged."""
  if key is None or not rate:
    return x
  keep = jax.random.bernoulli(key, 1 - rate, x.shape)
  return jnp.where(keep, x / (1 - rate), jnp.zeros((), x.dtype))


def layer_norm(width: int, epsilon: float, dtype, rngs: nnx.Rngs):
  """BERT's norm; the variance in two passes, as the reference has it."""
  return nnx.LayerNorm(
    width, epsilon=epsilon, use_fast_variance=False, dtype=dtype, rngs=rngs
  )


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
    dtype,
    rngs: nnx.Rngs,
  ):
    linear = functools.partial(nnx.Linear, dtype=dtype, rngs=rngs)
    self.qkv = linear(width, 3 * width)
    self.out = linear(width, width)
    self.up = linear(width, mlp_width)
    self.down = linear(mlp_width, width)
    self.norm1 = layer_norm(width, norm_epsilon, dtype, rngs)
    self.norm2 = layer_norm(width, norm_epsilon, dtype, rngs)
    self.num_heads = num_heads
    self.dropout_rate = dropout_rate

  def attend(self, x, bias):
    """Self-attention; bias float32 [R, 1, L, L]."""
    *lead, width = x.shape
    head_width = width // self.num_heads
    q, k, v = jnp.split(self.qkv(x), 3, axis=-1)
    q, k, v = (a.reshape(*lead, self.num_heads, head_width) for a in (q, k, v))
    weights = jnp.einsum('rqkd,rtkd->rkqt', q * head_width**-0.5, k)
    weights = jax.nn.softmax(weights.astype(jnp.float32) + bias)
    y = jnp.einsum('rkqt,rtkd->rqkd', weights.astype(v.dtype), v)
    return self.out(y.reshape(*lead, width))

  def __call__(self, x, bias, key=None):
    keys = (None, None) if key is None else jax.random.split(key)
    y = self.attend(x, bias)
    x = self.norm1(x + dropout(y, self.dropout_rate, keys[0]))
    y = self.down(jax.nn.gelu(self.up(x), approximate=False))
    return self.norm2(x + dropout(y, self.dropout_rate, keys[1]))


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
    self.tokens = nnx.Embed(vocab_size, width, dtype=dtype, rngs=rngs)
    self.positions = nnx.Embed(max_positions, width, dtype=dtype, rngs=rngs)
    self.types = nnx.Embed(num_types, width, dtype=dtype, rngs=rngs)
    self.norm = layer_norm(width, norm_epsilon, dtype, rngs)

  def __call__(self, tokens, positions):
    types = self.types(jnp.zeros_like(tokens))
    return self.norm(self.tokens(tokens) + self.positions(positions) + types)


def scan_layers(layers, x, bias, key, num_layers: int):
  """Runs `x` through stacked layers, each with its own dropout key."""
  keys = None if key is None else jax.random.split(key, num_layers)

  def step(x, layer_and_key):
    layer, layer_key = layer_and_key
    return layer(x, bias, layer_key), None

  return jax.lax.scan(step, x, (layers, keys))[0]


class Bert(nnx.Module):
  """tokens, positions, segments: int32 [R, L] -> hidden states [R, L, D].

  Args:
    vocab_size, max_positions, num_types, width, mlp_width, num_heads,
      num_layers, norm_epsilon: as in a Hugging Face config.json.
    trainable_layers: how many layers train, from the top; -1 for all of them
      and the embeddings.
    dropout_rate: on the layers that train; the frozen part has none, so that
      its outputs can be computed once.
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
    self.embeddings = Embeddings(
      vocab_size=vocab_size,
      max_positions=max_positions,
      num_types=num_types,
      width=width,
      norm_epsilon=norm_epsilon,
      dtype=dtype,
      rngs=rngs,
    )

    def make(key):
      return BertLayer(
        width=width,
        mlp_width=mlp_width,
        num_heads=num_heads,
        dropout_rate=dropout_rate,
        norm_epsilon=norm_epsilon,
        dtype=dtype,
        rngs=nnx.Rngs(key),
      )

    self.trains_embeddings = trainable_layers == -1
    self.num_frozen = (
      0 if trainable_layers == -1 else num_layers - trainable_layers
    )
    self.num_trained = num_layers - self.num_frozen
    keys = jax.random.split(rngs.params(), num_layers)
    stack = jax.vmap(make)
    if self.num_frozen:
      self.frozen_layers = stack(keys[: self.num_frozen])
    if self.num_trained:
      self.layers = stack(keys[self.num_frozen :])

  def __call__(self, tokens, positions, segments, *, key=None):
    x = self.embeddings(tokens, positions)
    same = segments[:, :, None] == segments[:, None, :]
    bias = jnp.where(same, 0.0, BIAS_OFF)[:, None]
    if self.num_frozen:
      x = scan_layers(self.frozen_layers, x, bias, None, self.num_frozen)
    if not self.trains_embeddings:
      x = jax.lax.stop_gradient(x)
    if self.num_trained:
      x = scan_layers(self.layers, x, bias, key, self.num_trained)
    return x


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
