"""Transformer head: causal self-attention over the events of a history.

Pre-norm blocks (Xiong et al., 2020, arXiv:2002.04745), as in SASRec (Kang &
McAuley, 2018, arXiv:1808.09781). An item attends to those of its own event and
of earlier ones, of its own user; the user at a moment is read off the state of
the event before it. So no state holds anything of a later event, and the order
of items within an event makes no difference.
"""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.errors import UserError, at_least, one_of_known
from jaxrec.models.heads.sequence import (
  EPSILON,
  SequenceConfig,
  SequenceHead,
  dropped,
)

POSITIONS = ('learned', 'rotary')
EXACT = 16  # Distances below have a number each; then four for each doubling.
FARTHEST = 4096  # In events; what is farther away counts as this.
ROTARY_BASE = 10_000.0


@dataclasses.dataclass(frozen=True)
class TransformerConfig(SequenceConfig):
  """The transformer head.

  Attributes:
    layers: blocks of attention and MLP.
    attention_heads: of each block; the width divides by them.
    positions: how attention knows how many events lie between two items:
      'learned', a number for each distance and attention head, shared by those
      of far distances that are alike (Raffel et al., 2020); 'rotary', rotated
      queries and keys (Su et al., 2021). Either reads histories of any length.
    mlp_factor: width of a block's MLP, in widths of the state.
  """

  type: ClassVar[str] = 'transformer'
  layers: int = 1
  attention_heads: int = 2
  positions: str = 'learned'
  mlp_factor: int = 2

  def __post_init__(self):
    super().__post_init__()
    at_least(self, layers=1, attention_heads=1, mlp_factor=1)
    one_of_known(self, positions=POSITIONS)
    each = 2 if self.positions == 'rotary' else 1
    if self.width % (each * self.attention_heads):
      parts = f'attention_heads={self.attention_heads}'
      if each == 2:
        parts += ' of an even width, as positions=rotary needs'
      raise UserError(
        f'width={self.width}: does not split into {parts}: make it a multiple '
        f'of {each * self.attention_heads}'
      )


def _buckets() -> np.ndarray:
  """Which number a distance has, int32 [FARTHEST + 1]."""
  distances = np.arange(FARTHEST + 1)
  far = np.log2(np.maximum(distances, EXACT) / EXACT)
  numbers = np.where(distances < EXACT, distances, EXACT + 4 * far + 1e-9)
  return numbers.astype(np.int32)


BUCKETS = _buckets()


def rotated(x, events):
  """Queries or keys [B, H, K, d] turned by their events [B, H]."""
  half = x.shape[-1] // 2
  rates = ROTARY_BASE ** (-np.arange(half, dtype=np.float32) / half)
  angles = (events[:, :, None] * rates[None, None])[:, :, None]
  cos, sin = jnp.cos(angles), jnp.sin(angles)
  a, b = jnp.split(x, 2, axis=-1)
  return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], -1)


class Block(nnx.Module):
  """Attention, then an MLP, each added to what it reads the norm of."""

  def __init__(self, config: TransformerConfig, *, rngs: nnx.Rngs):
    width, heads = config.width, config.attention_heads
    self.heads, self.dropout = heads, config.dropout
    self.rotary = config.positions == 'rotary'
    self.norm_attention = nnx.LayerNorm(width, epsilon=EPSILON, rngs=rngs)
    self.qkv = nnx.Linear(width, 3 * width, rngs=rngs)
    self.out = nnx.Linear(width, width, rngs=rngs)
    self.norm_mlp = nnx.LayerNorm(width, epsilon=EPSILON, rngs=rngs)
    self.up = nnx.Linear(width, config.mlp_factor * width, rngs=rngs)
    self.down = nnx.Linear(config.mlp_factor * width, width, rngs=rngs)
    if not self.rotary:
      self.by_distance = nnx.Param(jnp.zeros((int(BUCKETS[-1]) + 1, heads)))

  def __call__(self, x, visible, events, key):
    """States [B, H, W] -> the same; see `TransformerHead.states`.

    Args:
      x: [B, H, W].
      visible: bool [B, H, H], of each item whom it attends to; one at least.
      events: int32 [B, H].
      key: of dropout; None for none.
    """
    keys = (None, None) if key is None else jax.random.split(key)
    attended = self.attention(self.norm_attention(x), visible, events)
    x += dropped(attended, self.dropout, keys[0])
    hidden = jax.nn.gelu(self.up(self.norm_mlp(x)))
    return x + dropped(self.down(hidden), self.dropout, keys[1])

  def attention(self, x, visible, events):
    """See `__call__`; [B, H, W]."""
    batch, length, width = x.shape
    each = (batch, length, self.heads, width // self.heads)
    q, k, v = (part.reshape(each) for part in jnp.split(self.qkv(x), 3, -1))
    bias = None
    if self.rotary:
      q, k = rotated(q, events), rotated(k, events)
    else:
      apart = jnp.clip(events[:, :, None] - events[:, None], 0, FARTHEST)
      bias = self.by_distance[...][BUCKETS][apart].transpose(0, 3, 1, 2)
    y = jax.nn.dot_product_attention(q, k, v, bias, visible[:, None])
    return self.out(y.reshape(x.shape))


class TransformerHead(SequenceHead):
  """Mean of the history plus a transformer's correction."""

  Config: ClassVar[type] = TransformerConfig

  def make_learner(self, config: TransformerConfig, width: int, rngs: nnx.Rngs):
    self.layers = config.layers
    self.projects = width != config.width
    if self.projects:
      self.read = nnx.Linear(width, config.width, rngs=rngs)
    for i in range(config.layers):
      setattr(self, f'block_{i}', Block(config, rngs=rngs))
    self.norm_state = nnx.LayerNorm(config.width, epsilon=EPSILON, rngs=rngs)

  def item_inputs(self, x):
    return self.read(x) if self.projects else x

  def states(self, inputs, mask, context, key):
    """See SequenceHead; items of one event have one state."""
    x, events = jnp.swapaxes(inputs, 0, 1), context.events
    later = events[:, None] - events[:, :, None]
    read = mask[:, None]
    if context.segments is not None:
      segments = context.segments
      read = read & (segments[:, :, None] == segments[:, None])
    # What is not read attends to itself: a softmax over nothing is NaN.
    places = jnp.arange(mask.shape[1])
    itself = (places[:, None] == places[None])[None]
    visible = (read & (later <= 0)) | itself
    keys = [None] * self.layers
    if key is not None:
      keys = list(jax.random.split(key, self.layers))
    for i in range(self.layers):
      x = getattr(self, f'block_{i}')(x, visible, events, keys[i])
    together = (read & (later == 0)).astype(x.dtype)
    share = together / jnp.maximum(together.sum(-1, keepdims=True), 1)
    return jnp.einsum('bij,bjw->biw', share, self.norm_state(x))
