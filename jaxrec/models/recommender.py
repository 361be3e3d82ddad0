"""The whole recommender: item encoder, user encoder, scoring.

    tokens -> BERT -> pooled -> projection          item_vectors
    history of item_vectors -> mean + LSTM          user_vectors
    logits = scale * cosine(user, item) + bias

The user encoder is residual: it starts as the mean of the history, which is a
strong recommender untrained, and learns a correction. A head that starts at
random needs far more clicks to get there.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.errors import UserError, choices
from jaxrec.models.bert import Bert, segment_first, segment_mean
from jaxrec.models.lstm import Lstm
from jaxrec.types import Batch

EPSILON = 1e-6  # Keeps the gradient of a zero vector's direction finite.


def unit(x):
  """`x` with its last axis at length 1; zeros stay zeros."""
  return x * jax.lax.rsqrt(jnp.sum(x * x, -1, keepdims=True) + EPSILON)


def masked_mean(history, mask):
  """Mean over the history: [B, H, D] and [B, H] -> [B, D]."""
  count = jnp.maximum(mask.sum(-1, keepdims=True), 1)
  return jnp.einsum('bh,bhd->bd', mask.astype(history.dtype), history) / count


class MeanHead(nnx.Module):
  """User vector = mean of the history; the LSTM's point of departure."""

  def __init__(self, *, width: int, hidden_width: int, rngs: nnx.Rngs):
    del hidden_width
    self.empty = nnx.Param(
      nnx.initializers.normal(width**-0.5)(rngs.params(), (width,))
    )

  def inputs(self, table):
    """Nothing is worth computing of an item before histories are known."""
    del table

  def __call__(self, history, mask, inputs=None):
    """History [B, H, D] and mask [B, H] -> [B, D]."""
    del inputs
    none = ~mask.any(-1, keepdims=True)
    empty = jnp.broadcast_to(
      self.empty[None], (*mask.shape[:1], *self.empty.shape)
    )
    return jnp.where(none, empty, masked_mean(history, mask))


class LstmHead(nnx.Module):
  """Mean of the history plus an LSTM's correction, which starts at zero.

  A user without history gets a learned vector in place of the mean.
  """

  def __init__(self, *, width: int, hidden_width: int, rngs: nnx.Rngs):
    self.mean = MeanHead(width=width, hidden_width=hidden_width, rngs=rngs)
    self.lstm = Lstm(width=width, hidden_width=hidden_width, rngs=rngs)
    self.correct = nnx.Linear(
      hidden_width,
      width,
      use_bias=False,
      kernel_init=nnx.initializers.zeros,
      rngs=rngs,
    )

  def inputs(self, table):
    """What the LSTM reads of items [M, D]: [M, 4W]."""
    return self.lstm.inputs(table)

  def __call__(self, history, mask, inputs=None):
    """History [B, H, D] and mask [B, H] -> [B, D].

    `inputs`, of the history's items [H, B, 4W], saves computing them.
    """
    if inputs is None:
      state = self.lstm(history, mask)
    else:
      state = self.lstm.read(inputs, mask)
    return self.mean(history, mask) + self.correct(state)


HEADS = {'lstm': LstmHead, 'mean': MeanHead}
SCORINGS = ('cosine', 'dot')
POOLINGS = ('mean', 'cls')


class ItemEncoder(nnx.Module):
  """A BERT and a pooling: packed tokens -> one vector per item.

  Args:
    bert: the Bert.
    num_segments: S, items in a packed row.
    pooling: 'mean' over an item's tokens, or 'cls', its first.
  """

  def __init__(self, bert: Bert, *, num_segments: int, pooling: str = 'mean'):
    if pooling not in POOLINGS:
      raise UserError(f'encoder.pooling: {choices(pooling, POOLINGS)}')
    self.bert = bert
    self.num_segments = num_segments
    self.pooling = pooling

  def __call__(self, inputs, positions, segments, *, key=None):
    """Pooled vectors of packed items, float32 [R * S, D].

    Args:
      inputs: tokens int32 [R, L], or, where the BERT has no prefix, the hidden
        states [R, L, D] where that ends.
      positions, segments: int32 [R, L].
      key: of dropout; None for none.
    """
    x = self.bert(inputs, positions, segments, key=key)
    if self.pooling == 'mean':
      x = segment_mean(x, segments, self.num_segments)
    else:
      x = segment_first(x, segments, positions, self.num_segments)
    return x.reshape(-1, x.shape[-1])


class Recommender(nnx.Module):
  """Item encoder, user encoder and scoring.

  Two ways in for the items of a batch: packed tokens, or their hidden states,
  through the encoder; or pooled vectors computed before (`encoder=None`, a
  frozen encoder).

  Args:
    encoder: an ItemEncoder, or None where pooled vectors are given.
    width: D, of the pooled vectors.
    head: one of HEADS.
    hidden_width: of the head's own state.
    scoring: 'cosine' or 'dot'.
    positive_rate: share of candidates that are clicked in training; the bias
      starts at its log-odds, since one that starts at 0 makes the first steps
      of sigmoid cross-entropy push all vectors apart.
    rngs: for the initial parameters.
  """

  def __init__(
    self,
    *,
    encoder: ItemEncoder | None,
    width: int,
    head: str = 'lstm',
    hidden_width: int = 256,
    scoring: str = 'cosine',
    positive_rate: float = 0.5,
    rngs: nnx.Rngs,
  ):
    for key, value, known in (
      ('head.type', head, HEADS),
      ('scoring', scoring, SCORINGS),
    ):
      if value not in known:
        raise UserError(f'{key}: {choices(value, known)}')
    if encoder is not None:
      self.encoder = encoder
    self.project = nnx.Linear(
      width,
      width,
      kernel_init=lambda key, shape, dtype=jnp.float32: jnp.eye(
        *shape, dtype=dtype
      ),
      rngs=rngs,
    )
    self.head = HEADS[head](width=width, hidden_width=hidden_width, rngs=rngs)
    odds = positive_rate / (1 - positive_rate)
    self.scale = nnx.Param(jnp.float32(5.0 if scoring == 'cosine' else 1.0))
    self.bias = nnx.Param(jnp.log(jnp.array(odds, jnp.float32)))
    self.scoring = scoring

  def project_items(self, pooled):
    """Pooled vectors [M, D] -> item vectors [M, D]."""
    x = self.project(pooled)
    return unit(x) if self.scoring == 'cosine' else x

  def item_vectors(self, batch: Batch, *, key=None):
    """The batch's table of item vectors, float32 [M, D]."""
    pooled = batch.vectors
    if pooled is None:
      inputs = batch.tokens if batch.hidden is None else batch.hidden
      pooled = self.encoder(inputs, batch.positions, batch.segments, key=key)
    return self.project_items(pooled)

  def user_vectors(self, history, mask, inputs=None):
    """Item vectors [B, H, D] and mask [B, H] -> user vectors [B, D].

    `inputs`: the head's, of these items, where they are at hand.
    """
    x = self.head(history, mask, inputs)
    return unit(x) if self.scoring == 'cosine' else x

  def score(self, users, items):
    """User vectors [B, D] and item vectors [B, C, D] -> logits [B, C]."""
    return self.scale * jnp.einsum('bd,bcd->bc', users, items) + self.bias

  def logits(self, table, batch: Batch, *, shards: int = 1):
    """Logits float32 [B, C] from the table [M, D] and the batch's slots.

    `shards`: devices that share the batch; each has the whole table.
    """
    # One look-up: the table's gradient is one sum over devices, not two.
    length = batch.history.shape[1]
    slots = jnp.concatenate([batch.history, batch.candidates], axis=1)
    history, candidates = jnp.split(table[slots], [length], axis=1)
    inputs = self.head_inputs(table, batch.history, shards)
    users = self.user_vectors(history, batch.history_mask, inputs)
    return self.score(users, candidates)

  def head_inputs(self, table, slots, shards):
    """The head's inputs of slots [B, H], by rows of the table; or None.

    None where a device would compute more of them by rows than by slots.
    """
    if len(table) >= slots.size // shards:
      return None
    return jax.tree.map(lambda rows: rows[slots.T], self.head.inputs(table))

  def __call__(self, batch: Batch, *, key=None):
    """Logits, float32 [B, C]."""
    return self.logits(self.item_vectors(batch, key=key), batch)
