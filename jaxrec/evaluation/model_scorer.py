"""Our model as a Scorer: see `evaluation.scorers`."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxrec.data.batches.evaluate import eval_batches, history_batches
from jaxrec.data.columns.impressions import Impressions
from jaxrec.ensemble.ensemble import Ensemble
from jaxrec.errors import UserError
from jaxrec.evaluation.scorers import CatalogRanks
from jaxrec.parallel.sharding import put_batch
from jaxrec.retrieval.sharded_index import ItemIndex


def items_in_use(*splits: Impressions) -> np.ndarray:
  """Distinct item indices in the splits' histories and candidates, sorted."""
  return np.unique(
    np.concatenate([x for s in splits for x in (s.history, s.candidates)])
  )


@dataclasses.dataclass(frozen=True)
class ModelScorer:
  """Scores by user and item vectors.

  Attributes:
    table_of: item indices -> table of their item vectors, on the mesh.
    eval_step: table, EvalBatch on the mesh -> logits [P].
    user_step: table, history, mask, context on the mesh -> user vectors [B, W].
    num_items: N.
    batch_size, history_length: B and H of the batches.
    mesh: see `sharding`.
    ensemble: what adds to the logits; None for nothing.
    approximate: recall that `ItemIndex.rank` aims at in its lists; 0: exact.
  """

  table_of: Callable
  eval_step: Callable
  user_step: Callable
  num_items: int
  batch_size: int
  history_length: int
  mesh: Mesh
  approximate: float = 0.0
  ensemble: Ensemble | None = None

  def pairs(self, examples: Impressions) -> np.ndarray:
    """See `Scorer.pairs`; every item is encoded once."""
    items = items_in_use(examples)
    rows = np.zeros(self.num_items, np.int32)
    rows[items] = np.arange(len(items))
    table = self.table_of(items)
    logits = flat_logits(
      lambda batch: self.eval_step(table, batch),
      examples,
      rows,
      batch_size=self.batch_size,
      history_length=self.history_length,
      mesh=self.mesh,
    )
    _check_finite('logits of candidates', logits[:, None])
    if self.ensemble is not None:
      logits += self.ensemble.pairs(examples, self.history_length)
    return logits

  def rank(
    self,
    examples: Impressions,
    masked: bool,
    k: int,
    sharpness: np.ndarray | None = None,
  ) -> CatalogRanks:
    """See `Scorer.rank`; the whole catalog is encoded once."""
    users, table = self.encoded(examples)
    index = ItemIndex(table, self.mesh)
    return self._ranked(index, users, examples, masked, k, sharpness)

  def rank_ways(
    self, ways: Sequence[tuple[Impressions, bool]], k: int
  ) -> list[CatalogRanks]:
    """See `Scorer.rank_ways`; users are encoded once, too.

    What takes long is the users' vectors: the products with the items are
    made again for each way, so that none of them is ever kept.
    """
    users, table = self.encoded(ways[0][0])
    index = ItemIndex(table, self.mesh)
    return [self._ranked(index, users, *way, k) for way in ways]

  def encoded(self, examples: Impressions) -> tuple[np.ndarray, jax.Array]:
    """Users [E, W], on the host, and the catalog's items [N, W], on the mesh.

    Their product, and the model's bias, is the logit.
    """
    rows = np.arange(self.num_items, dtype=np.int32)
    table = self.table_of(rows)
    users = np.zeros((len(examples), table.shape[1]), np.float32)
    for which, histories in history_batches(
      examples,
      rows,
      batch_size=self.batch_size,
      history_length=self.history_length,
    ):
      vectors = self.user_step(table, *put_batch(histories, self.mesh))
      users[which] = np.asarray(vectors)[: len(which)]
    _check_finite('vectors of users', users)
    _check_finite('vectors of items', table)
    return users, table

  def _ranked(
    self,
    index: ItemIndex,
    users: np.ndarray,
    examples: Impressions,
    masked: bool,
    k: int,
    sharpness: np.ndarray | None = None,
  ) -> CatalogRanks:
    added = None
    if self.ensemble is not None:
      added = self.ensemble.of_examples(examples, self.history_length)
    best, counts = index.rank(
      users,
      k,
      targets=(examples.candidates, examples.candidate_offsets),
      seen=(examples.history, examples.history_offsets) if masked else None,
      approximate=self.approximate or None,
      sharpness=sharpness,
      added=added,
    )
    tails = best.tails
    if tails is None:
      tails = np.zeros((len(users), 0), np.float32)
    return CatalogRanks(
      items=best.items,
      scores=best.scores,
      above=counts.above,
      equal=counts.equal,
      target_scores=counts.scores,
      others=counts.num_others,
      tails=tails,
    )


def _check_finite(what: str, rows: np.ndarray | jax.Array) -> None:
  """UserError unless all of the rows [M, D] are finite."""
  count = int((~jnp.isfinite(rows)).any(1).sum())
  if count:
    raise UserError(
      f'{count:,} of {len(rows):,} {what} are not finite: the parameters, or '
      'what they were started from, are damaged: train again, with lower '
      'learning rates if the loss grew'
    )


def flat_logits(
  eval_step: Callable,
  impressions: Impressions,
  table_rows: np.ndarray,
  *,
  batch_size: int,
  history_length: int,
  mesh: Mesh,
) -> np.ndarray:
  """Logits of every candidate of a split, float32, in the split's order.

  Args:
    eval_step: EvalBatch on the mesh -> logits [P].
    impressions: the split.
    table_rows: int32 [N], each item's row in the step's table.
    batch_size, history_length: B and H of the batches.
    mesh: see `sharding`.
  """
  flat = np.zeros(len(impressions.candidates), np.float32)
  for shown, batch in eval_batches(
    impressions,
    table_rows,
    batch_size=batch_size,
    history_length=history_length,
  ):
    logits = eval_step(put_batch(batch, mesh))
    flat[shown] = np.asarray(logits)[: shown.stop - shown.start]
  return flat
