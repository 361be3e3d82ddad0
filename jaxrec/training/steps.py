"""The step: pure functions, to be jitted by their callers."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from jaxrec.batch import Batch, EvalBatch
from jaxrec.parallel.sharding import num_batch_shards, replicate
from jaxrec.training import losses
from jaxrec.training.state import TrainState, merge_params


class Objective(NamedTuple):
  """What is trained for.

  Attributes:
    weight: of its loss.
    kind: one of `losses.KINDS`.
  """

  weight: float = 1.0
  kind: str = 'sigmoid'


def batch_loss(
  model, batch: Batch, objectives: dict[str, Objective], *, key=None
):
  """The loss of a batch: of each objective the mean, weighted.

  The table of item vectors is made whole on every device: it is small and
  every example may need any row of it: one gather here is cheaper than what
  the partitioner finds for scattered look-ups.

  Args:
    model: a Recommender.
    batch: on the mesh.
    objectives: by name, of 'impressions' and 'next_item'.
    key: of dropout.
  """
  table = replicate(model.item_vectors(batch, key=key))
  shards = num_batch_shards(jax.sharding.get_abstract_mesh())
  found = {}
  if 'impressions' in objectives:
    listed = losses.LISTED[objectives['impressions'].kind]
    found['impressions'] = listed(
      model.logits(table, batch, shards=shards),
      batch.labels,
      batch.candidate_mask,
    )
  if 'next_item' in objectives:
    found['next_item'] = losses.next_item(
      model.next_logits(table, batch, shards=shards),
      batch.history,
      batch.history_mask,
      batch.context.events,
      replicate(batch.items),
      replicate(batch.log_rates),
      kind=objectives['next_item'].kind,
    )
  return sum(
    objectives[name].weight * total / jnp.maximum(count, 1)
    for name, (total, count) in found.items()
  )


def make_train_step(
  graphdef,
  tx,
  *,
  objectives: dict[str, Objective] | None = None,
  gather=lambda params: params,
  seed: int,
):
  """(TrainState, frozen, Batch) -> (TrainState, metrics).

  Args:
    graphdef: of the model.
    tx: optax transformation.
    objectives: see `batch_loss`; by default impressions alone.
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
      return batch_loss(
        model,
        batch,
        objectives or {'impressions': Objective()},
        key=key,
      )

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
  """(params, frozen, pooled [M, D], items [M], fields) -> table [M, W]."""

  def table_step(params: dict, frozen: dict, pooled, items, fields):
    model = nnx.merge(graphdef, merge_params(*gather((params, frozen))))
    return replicate(model.project_items(pooled, items, fields))

  return table_step


def make_encode_step(graphdef):
  """(params, inputs, positions, segments) -> pooled float32 [R * S, D].

  `graphdef` and `params` are an ItemEncoder's, and so are the arguments.
  """

  def encode_step(params: dict, inputs, positions, segments):
    encoder = nnx.merge(graphdef, params)
    return replicate(encoder(inputs, positions, segments))

  return encode_step


def make_prefix_step(graphdef):
  """(params, tokens, positions, segments) -> hidden states [R, L, D].

  Of the layers that do not train; arguments as in `make_encode_step`.
  """

  def prefix_step(params: dict, tokens, positions, segments):
    encoder = nnx.merge(graphdef, params)
    return replicate(encoder.bert.prefix(tokens, positions, segments))

  return prefix_step
