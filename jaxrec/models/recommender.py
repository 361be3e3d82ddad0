"""The whole recommender: item encoder, user encoder, scoring.

    tokens -> BERT -> pooled -> projection          item_vectors
    history of item_vectors -> mean + LSTM          user_vectors
    logits = scale * cosine(user, item) + bias

Options add to the logits, and their columns to the item vectors: `fields`, what
items have in common; `ids`, what is known of an item by who acted on it;
`appeal` of its text and `item_bias`, what everybody likes; `trend`, what
everybody acts on of late.

    item_vectors  [ text D | fields F | ids read A | ids scored A | likes 1 |
                    trend K ]
    user_vectors  [ scale * unit text | fields | 0 | ids | 1 | period ]

A logit is always the product of the two, plus the bias.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxrec.batch import Batch
from jaxrec.errors import UserError, choices
from jaxrec.models.heads.heads import (
  HEADS,
  ContextVectors,
  Ways,
  after_all,
  in_order,
)
from jaxrec.models.terms.fields import Fields
from jaxrec.models.terms.trend import Periods, Trend
from jaxrec.models.text.bert import Bert, segment_first, segment_mean

EPSILON = 1e-6  # Keeps the gradient of a zero vector's direction finite.


def unit(x):
  """`x` with its last axis at length 1; zeros stay zeros."""
  return x * jax.lax.rsqrt(jnp.sum(x * x, -1, keepdims=True) + EPSILON)


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


class Ids(nnx.Module):
  """Two vectors of every item, learned: as it is read, and as it is scored.

  What follows what has a direction, so that one vector would not do. Vectors
  are of channels, each with a gain of its own.

  Args:
    num_items: N.
    channels: sizes of the channels; A is their sum.
    drop: share of the batch's items whose vectors are 0 in a training step, so
      that the rest of the model learns to do without them, as it must for
      items that are new.
    rngs: for the initial parameters.
  """

  def __init__(
    self,
    *,
    num_items: int,
    channels: tuple[int, ...],
    drop: float,
    rngs: nnx.Rngs,
  ):
    width = sum(channels)
    normal = nnx.initializers.normal(0.1 * width**-0.5)
    self.read = nnx.Param(normal(rngs.params(), (num_items, width)))
    self.scored = nnx.Param(normal(rngs.params(), (num_items, width)))
    self.log_gains = nnx.Param(jnp.zeros(len(channels)))
    self.channels = channels
    self.drop = drop

  def __call__(self, items, *, key=None):
    """Vectors read and vectors scored, [M, A], of items [M].

    0 for items below 0. `key`: of what is dropped; None for nothing.
    """
    known = items >= 0
    if key is not None and self.drop:
      known &= jax.random.bernoulli(key, 1 - self.drop, items.shape)
    rows = jnp.maximum(items, 0)
    gains = jnp.repeat(
      jnp.exp(self.log_gains[...]),
      np.array(self.channels),
      total_repeat_length=sum(self.channels),
    )
    return [
      jnp.where(known[:, None], x, 0)
      for x in (self.read[rows], self.scored[rows] * gains[None])
    ]


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
    decays: see MeanHead; None for the plain mean.
    scoring: 'cosine' or 'dot'.
    scale: of the cosine, to start with.
    positive_rate: share of candidates that are clicked in training; the bias
      starts at its log-odds, since one that starts at 0 makes the first steps
      of sigmoid cross-entropy push all vectors apart.
    appeal: whether an item's text alone adds to its logits.
    item_bias: whether each item adds a number of its own.
    num_items: N, where there are biases or `ids`.
    ids: sizes of their channels; () for none.
    ids_drop: see Ids.
    fields: how many values each field has; () for none.
    fields_width, fields_gain: see Fields.
    behaviours, gaps: of histories: how many behaviours there are, 0 not to read
      them; whether the time between events is read.
    once: see `heads.Ways`.
    periods: of the trend; None for none.
    trend_gain: see Trend.
    rngs: for the initial parameters.
  """

  def __init__(
    self,
    *,
    encoder: ItemEncoder | None,
    width: int,
    head: str = 'lstm',
    hidden_width: int = 256,
    decays: tuple[float, ...] | None = None,
    scoring: str = 'cosine',
    scale: float = 5.0,
    positive_rate: float = 0.5,
    appeal: bool = False,
    item_bias: bool = False,
    num_items: int = 0,
    ids: tuple[int, ...] = (),
    ids_drop: float = 0.0,
    fields: tuple[int, ...] = (),
    fields_width: int = 64,
    fields_gain: float = 1.0,
    behaviours: int = 0,
    gaps: bool = False,
    once: bool = False,
    periods: Periods | None = None,
    trend_gain: float = 1.0,
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
    channels = (fields_width,) * bool(fields) + ids
    self.read_width = width + sum(channels)
    ways = Ways(behaviours, gaps, once)
    self.head = HEADS[head](
      width=self.read_width,
      channels=channels,
      decays=decays,
      ways=ways,
      hidden_width=hidden_width,
      rngs=rngs,
    )
    odds = positive_rate / (1 - positive_rate)
    self.scale = nnx.Param(jnp.float32(scale if scoring == 'cosine' else 1.0))
    self.bias = nnx.Param(jnp.log(jnp.array(odds, jnp.float32)))
    self.scoring = scoring
    self.width = width
    self.has_context = bool(behaviours or gaps)
    if self.has_context:
      self.context = ContextVectors(width=self.read_width, ways=ways)
    self.has_fields = bool(fields)
    if fields:
      self.fields = Fields(
        sizes=fields, width=fields_width, gain=fields_gain, rngs=rngs
      )
    self._ids = ids
    self.has_ids = bool(ids)
    if ids:
      self.ids = Ids(
        num_items=num_items, channels=ids, drop=ids_drop, rngs=rngs
      )
    self.has_trend = periods is not None
    if self.has_trend:
      self.trend = Trend(num_items=num_items, periods=periods, gain=trend_gain)
    self.has_biases = item_bias
    if item_bias:
      self.item_bias = nnx.Param(jnp.zeros(num_items))
    self.has_appeal = appeal
    if appeal:
      self.appeal = nnx.Linear(
        width,
        1,
        use_bias=False,
        kernel_init=nnx.initializers.zeros,
        rngs=rngs,
      )

  @property
  def has_likes(self) -> bool:
    """Whether there is a column of what everybody likes."""
    return self.has_appeal or self.has_biases or self.has_fields

  def project_items(self, pooled, items=None, fields=None, *, key=None):
    """Pooled vectors [M, D] of texts -> item vectors [M, W].

    Args:
      pooled: of the text.
      items: int32 [M], indices, below 0 for none; where there are `ids` or a
        `trend`.
      fields: int32 [M, F, V], below 0 for none; where there are `fields`.
      key: see Ids.
    """
    x = self.project(pooled)
    columns, likes = [unit(x) if self.scoring == 'cosine' else x], 0
    if self.has_fields:
      of_fields, likes = self.fields(fields)
      columns.append(of_fields)
    if self.has_ids:
      columns += self.ids(items, key=key)
    if self.has_likes:
      if self.has_appeal:
        likes += self.appeal(pooled)
      if self.has_biases:
        of_items = self.item_bias[jnp.maximum(items, 0)]
        likes += jnp.where(items >= 0, of_items, 0)[:, None]
      columns.append(likes)
    if self.has_trend:
      columns.append(self.trend(items))
    return jnp.concatenate(columns, -1)

  def item_vectors(self, batch: Batch, *, key=None):
    """The batch's table of item vectors, float32 [M, W]."""
    pooled, ids_key = batch.vectors, None
    if key is not None:
      key, ids_key = jax.random.split(key) if self.has_ids else (key, None)
    if pooled is None:
      inputs = batch.tokens if batch.hidden is None else batch.hidden
      pooled = self.encoder(inputs, batch.positions, batch.segments, key=key)
    return self.project_items(pooled, batch.items, batch.fields, key=ids_key)

  def read_of(self, vectors):
    """The columns of item vectors that histories are read by."""
    return vectors[..., : self.read_width]

  def user_vectors(self, history, mask, context=None, *, at=None, inputs=None):
    """User vectors, whose product with an item's, and the bias, is the logit.

    Args:
      history: item vectors [B, H, W].
      mask: bool [B, H].
      context: [B, H], see Context; None where each item is an event.
      at: int32 [B, H], the moments, which are those of the history's own
        events; None for the one after all.
      inputs: the head's, of these items, where they are at hand.

    Returns:
      [B, T, W], or [B, W] where `at` is None.
    """
    if context is None:
      context = in_order(mask)
    moments = after_all(mask, context.events) if at is None else at
    read = self.read_of(history)
    if self.has_context:
      read = read + self.context(mask, context)
    x = self.head(read, mask, context, moments, inputs)
    ends = self.width, self.read_width - sum(self._ids)
    text, of_fields, ids = jnp.split(x, ends, axis=-1)
    text = self.scale * (unit(text) if self.scoring == 'cosine' else text)
    columns = [text, of_fields]
    if self.has_ids:
      columns += [jnp.zeros_like(ids), ids]
    if self.has_likes:
      columns.append(jnp.ones_like(text[..., :1]))
    if self.has_trend:
      dates = context.today[:, None] if at is None else context.dates
      columns.append(self.trend.at(dates))
    users = jnp.concatenate(columns, -1)
    return users[:, 0] if at is None else users

  def score(self, users, items):
    """User vectors [B, W] and item vectors [B, C, W] -> logits [B, C]."""
    return jnp.einsum('bw,bcw->bc', users, items) + self.bias

  def logits(self, table, batch: Batch, *, shards: int = 1):
    """Logits float32 [B, C] from the table [M, W] and the batch's slots.

    `shards`: devices that share the batch; each has the whole table.
    """
    # One look-up: the table's gradient is one sum over devices, not two.
    length = batch.history.shape[1]
    slots = jnp.concatenate([batch.history, batch.candidates], axis=1)
    history, candidates = jnp.split(table[slots], [length], axis=1)
    users = self.user_vectors(
      history,
      batch.history_mask,
      batch.context,
      inputs=self.head_inputs(table, batch.history, shards),
    )
    return self.score(users, candidates)

  def next_logits(self, table, batch: Batch, *, shards: int = 1):
    """Logits float32 [B, H, M]: before each event, of all rows of the table.

    Those in place h of a history are of the user before that item's event.
    """
    users = self.user_vectors(
      table[batch.history],
      batch.history_mask,
      batch.context,
      at=batch.context.events,
      inputs=self.head_inputs(table, batch.history, shards),
    )
    return jnp.einsum('bhw,mw->bhm', users, table) + self.bias

  def head_inputs(self, table, slots, shards):
    """The head's inputs of slots [B, H], by rows of the table; or None.

    None where a device would compute more of them by rows than by slots, and
    where they depend on more than the item.
    """
    if self.has_context or len(table) >= slots.size // shards:
      return None
    return jax.tree.map(
      lambda rows: rows[slots.T], self.head.inputs(self.read_of(table))
    )

  def __call__(self, batch: Batch, *, key=None):
    """Logits, float32 [B, C]."""
    return self.logits(self.item_vectors(batch, key=key), batch)
