"""The whole recommender: item vectors, user vectors, and their product.

    texts -> language model -> pooled [M, D]
    items -> the terms' columns                     item_vectors [M, W]
    history of item_vectors -> head                 user_vectors [B, W]
    logits = item_vectors . user_vectors + bias

It knows no term and no head by name: it is made of those that are there, and
what a term adds to the logit is its own matter (`jaxrec.models.terms.term`).

    item_vectors  [ read columns of each term | scored columns of each | bias ]
    user_vectors  [ the head's, term by term  | the terms' own         | 1    ]
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from jaxrec.batch import Array, Batch
from jaxrec.models.heads.context import ContextVectors
from jaxrec.models.heads.head import Head, after_all, in_order
from jaxrec.models.terms.term import ItemInputs, Term
from jaxrec.models.text.item_encoder import ItemEncoder


class Recommender(nnx.Module):
  """A language model, a head and terms, composed.

  Two ways in for the items of a batch: packed tokens, or their hidden states,
  through the encoder; or pooled vectors computed before (`encoder=None`, a
  frozen encoder).

  Args:
    encoder: an ItemEncoder, or None where pooled vectors are given.
    head: reads histories.
    terms: by name; the first is that of the texts.
    context: adds to what is read by how and when it was acted on; None for
      nothing.
    positive_rate: share of candidates that are clicked in training; the bias
      starts at its log-odds, since one that starts at 0 makes the first steps
      of sigmoid cross-entropy push all vectors apart.
  """

  def __init__(
    self,
    encoder: ItemEncoder | None,
    head: Head,
    terms: Mapping[str, Term],
    context: ContextVectors | None = None,
    positive_rate: float = 0.5,
  ):
    if encoder is not None:
      self.encoder = encoder
    self.head = head
    self.terms = nnx.Dict(terms)
    # Once it is split and merged, an nnx.Dict has its keys in another order;
    # the columns have theirs.
    self.order = tuple(terms)
    self.read_width = sum(term.read_width for term in terms.values())
    self.context = context
    odds = positive_rate / (1 - positive_rate)
    self.bias = nnx.Param(jnp.log(jnp.array(odds, jnp.float32)))

  def named_terms(self) -> list[tuple[str, Term]]:
    """The terms and their names, in the order of their columns."""
    return [(name, self.terms[name]) for name in self.order]

  # -------------------------------------------------------------------- items
  def project_items(
    self,
    pooled,
    items=None,
    features: Mapping[str, Array] | None = None,
    *,
    key=None,
  ):
    """Pooled vectors [M, D] of texts -> item vectors [M, W].

    Args:
      pooled: of the text.
      items: int32 [M], indices, below 0 for none; where a term asks for them.
      features: by the name of a term, see `Term.features`.
      key: of the terms' dropout; None for none.
    """
    inputs = ItemInputs(pooled, items, features or {})
    keys = self._keys(key)
    by_term = [
      term.item_columns(inputs, key=keys.get(name))
      for name, term in self.named_terms()
    ]
    columns = [c.read for c in by_term if c.read is not None]
    columns += [c.scored for c in by_term if c.scored is not None]
    biases = [c.bias for c in by_term if c.bias is not None]
    if biases:
      columns.append(sum(biases[1:], biases[0]))
    return jnp.concatenate(columns, -1)

  def _keys(self, key) -> dict:
    """A key for each term that takes one."""
    names = [name for name, term in self.named_terms() if term.takes_key]
    if key is None or len(names) == 1:
      return dict.fromkeys(names, key)
    return dict(zip(names, jax.random.split(key, len(names)), strict=True))

  def item_vectors(self, batch: Batch, *, key=None):
    """The batch's table of item vectors, float32 [M, W]."""
    pooled, terms_key = batch.vectors, None
    if key is not None and any(t.takes_key for _, t in self.named_terms()):
      key, terms_key = jax.random.split(key)
    if pooled is None:
      inputs = batch.tokens if batch.hidden is None else batch.hidden
      pooled = self.encoder(inputs, batch.positions, batch.segments, key=key)
    return self.project_items(
      pooled, batch.items, batch.features, key=terms_key
    )

  def column_spans(self, inputs: ItemInputs) -> list[tuple[str, int, int]]:
    """Whose columns of item vectors are which: term, begin and end.

    What terms add to the column of biases is one number: it is theirs together,
    'fields+appeal'.

    Args:
      inputs: of any items.
    """
    by_term = {
      name: term.item_columns(inputs) for name, term in self.named_terms()
    }
    arrays = [(name, columns.read) for name, columns in by_term.items()]
    arrays += [(name, columns.scored) for name, columns in by_term.items()]
    widths = [(name, x.shape[-1]) for name, x in arrays if x is not None]
    biased = [name for name, c in by_term.items() if c.bias is not None]
    widths += [('+'.join(biased), 1)] * bool(biased)
    spans, begin = [], 0
    for name, width in widths:
      spans.append((name, begin, begin + width))
      begin += width
    return spans

  def read_of(self, vectors):
    """The columns of item vectors that histories are read by."""
    return vectors[..., : self.read_width]

  # -------------------------------------------------------------------- users
  def user_vectors(
    self, history, mask, context=None, *, at=None, inputs=None, key=None
  ):
    """User vectors, whose product with an item's, and the bias, is the logit.

    Args:
      history: item vectors [B, H, W].
      mask: bool [B, H].
      context: [B, H], see Context; None where each item is an event.
      at: int32 [B, H], the moments, which are those of the history's own
        events; None for the one after all.
      inputs: the head's, of these items, where they are at hand.
      key: of the head's dropout; None for none.

    Returns:
      [B, T, W], or [B, W] where `at` is None.
    """
    if context is None:
      context = in_order(mask)
    moments = after_all(mask, context.events) if at is None else at
    read = self.read_of(history)
    if self.context is not None:
      read = read + self.context(mask, context)
    options = {'key': key} if self.head.takes_key else {}
    x = self.head(read, mask, context, moments, inputs, **options)
    dates = context.today[:, None] if at is None else context.dates
    by_term, begin = [], 0
    for _, term in self.named_terms():
      end = begin + term.read_width
      by_term.append(term.user_columns(x[..., begin:end], dates))
      begin = end
    columns = [c.read for c in by_term if c.read is not None]
    columns += [c.scored for c in by_term if c.scored is not None]
    users = jnp.concatenate(columns, -1)
    if users.shape[-1] < history.shape[-1]:  # The column of biases.
      users = jnp.concatenate([users, jnp.ones_like(users[..., :1])], -1)
    return users[:, 0] if at is None else users

  def score(self, users, items):
    """User vectors [B, W] and item vectors [B, C, W] -> logits [B, C]."""
    return jnp.einsum('bw,bcw->bc', users, items) + self.bias

  # ------------------------------------------------------------------- batches
  def logits(self, table, batch: Batch, *, shards: int = 1, key=None):
    """Logits float32 [B, C] from the table [M, W] and the batch's slots.

    Args:
      table: of item vectors.
      batch: whose histories and candidates are rows of it.
      shards: devices that share the batch; each has the whole table.
      key: of the head's dropout; None for none.
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
      key=key,
    )
    return self.score(users, candidates)

  def next_users(self, table, batch: Batch, *, shards: int = 1, key=None):
    """User vectors [B, H, W] before each event of the batch's histories.

    That in place h is of the user before that item's event. Arguments as of
    `logits`.
    """
    context = batch.context
    if context is None:
      context = in_order(batch.history_mask)
    read = batch.history_mask
    if batch.read_mask is not None:
      read = read & batch.read_mask
    return self.user_vectors(
      table[batch.history],
      read,
      context,
      at=context.events,
      inputs=self.head_inputs(table, batch.history, shards),
      key=key,
    )

  def next_logits(self, table, batch: Batch, *, shards: int = 1, key=None):
    """Logits float32 [B, H, M] of `next_users`, of all rows of the table."""
    users = self.next_users(table, batch, shards=shards, key=key)
    return jnp.einsum('bhw,mw->bhm', users, table) + self.bias

  def head_inputs(self, table, slots, shards):
    """The head's inputs of slots [B, H], by rows of the table; or None.

    None where a device would compute more of them by rows than by slots, and
    where they depend on more than the item.
    """
    if self.context is not None or len(table) >= slots.size // shards:
      return None
    return jax.tree.map(
      lambda rows: rows[slots.T], self.head.inputs(self.read_of(table))
    )

  def __call__(self, batch: Batch, *, key=None):
    """Logits, float32 [B, C]."""
    return self.logits(self.item_vectors(batch, key=key), batch)
