"""The step: pure functions, to be jitted by their callers."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from jaxrec.batch import Batch, EvalBatch
from jaxrec.parallel.sharding import num_batch_shards, replicate
from jaxrec.training.objectives.objective import Objective
from jaxrec.training.state import TrainState, merge_params


def batch_loss(
  model, batch: Batch, objectives: Sequence[Objective], *, key=None
):
  """The loss of a batch: of each objective the mean, weighted.

  The table of a batch's item vectors is made whole on every device: it is
  small and every example may need any row of it: one gather here is cheaper
  than what the partitioner finds for scattered look-ups. That of a whole
  catalog stays split.

  Args:
    model: a Recommender.
    batch: on the mesh.
    objectives: what is trained for.
    key: of dropout.
  """
  table = model.item_vectors(batch, key=key)
  if not any(objective.reads_catalog for objective in objectives):
    table = replicate(table)
  of_heads = None if key is None else jax.random.fold_in(key, 1)
  shards = num_batch_shards(jax.sharding.get_abstract_mesh())
  total: float | jax.Array = 0.0
  for objective in objectives:
    loss_sum, count = objective.loss(
      model, table, batch, shards=shards, key=of_heads
    )
    total += objective.config.weight * loss_sum / jnp.maximum(count, 1)
  return total


def make_train_step(
  graphdef,
  tx,
  *,
  objectives: Sequence[Objective],
  gather=lambda params: params,
  seed: int,
):
  """(TrainState, frozen, Batch) -> (TrainState, metrics).

  Args:
    graphdef: of the model.
    tx: optax transformation.
    objectives: see `batch_loss`.
    gather: from stored (trained, frozen) parameters to those to compute with.
    seed: of dropout; the key of a step is folded from it, so that resuming
      needs no saved generator.

  Returns:
    The step. Metrics are float32 scalars 'loss' and 'grad_norm'.
  """

  def train_step(state: TrainState, frozen: dict, batch: Batch):
    key = jax.random.fold_in(jax.random.key(seed), state.step)

    def loss_fn(params):
      model = nnx.merge(graphdef, merge_params(*gather((params, frozen))))
      return batch_loss(model, batch, objectives, key=key)

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    updates, opt_state = tx.update(grads, state.opt_state, state.params)
    new_state = dataclasses.replace(
      state,
      step=state.step + 1,
      params=optax.apply_updates(state.params, updates),
      opt_state=opt_state,
    )
    return new_state, {'loss': loss, 'grad_norm': optax.tree.norm(grads)}

  return train_step


def make_eval_step(graphdef, *, gather=lambda params: params):
  """(params, frozen, table [M, W], EvalBatch) -> logits float32 [P].

  `table` holds item vectors, whole on every device.
  """

  def eval_step(params: dict, frozen: dict, table, batch: EvalBatch):
    model = nnx.merge(graphdef, merge_params(*gather((params, frozen))))
    # A pair's example may lie on any device; user vectors are few.
    users = replicate(
      model.user_vectors(
        table[batch.history], batch.history_mask, batch.context
      )
    )
    logits = model.score(
      users[batch.examples], table[batch.candidates][:, None]
    )
    return replicate(logits[:, 0])

  return eval_step


def make_user_step(graphdef, *, gather=lambda params: params):
  """(params, frozen, table [M, W], history, mask, context [B, H]) -> [B, W].

  A user's dot product with an item vector is their logit, but for the bias.
  """

  def user_step(params: dict, frozen: dict, table, history, mask, context):
    model = nnx.merge(graphdef, merge_params(*gather((params, frozen))))
    return replicate(model.user_vectors(table[history], mask, context))

  return user_step


def make_table_step(graphdef, *, gather=lambda params: params):
  """(params, frozen, pooled [M, D], items [M], features) -> table [M, W]."""

  def table_step(params: dict, frozen: dict, pooled, items, features):
    model = nnx.merge(graphdef, merge_params(*gather((params, frozen))))
    return replicate(model.project_items(pooled, items, features))

  return table_step
