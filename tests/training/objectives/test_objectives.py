"""Objectives: what each learns from a batch, and how they add up."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.config import from_mapping, to_mapping
from jaxrec.data.batches.assemble import VectorItems, make_batch
from jaxrec.data.batches.context import Ragged
from jaxrec.errors import UserError
from jaxrec.parallel import sharding
from jaxrec.training import losses
from jaxrec.training.objectives import OBJECTIVES
from jaxrec.training.objectives.impressions import ImpressionsObjective
from jaxrec.training.objectives.next_item import NextItemObjective
from jaxrec.training.steps import batch_loss
from tests.models.making import let_speak, make_recommender

N, D, H, C = 20, 6, 5, 4
KINDS = losses.KINDS
one_device = sharding.make_mesh(devices=jax.devices()[:1])


def batch_of(log_rates=None):
  rng = np.random.default_rng(0)
  vectors = rng.normal(size=(N, D)).astype(np.float32)
  histories = [rng.permutation(N)[:n] for n in (5, 3, 1)]
  shown = [rng.permutation(N)[:n] for n in (4, 2, 3)]
  labels = [np.arange(len(x)) == 0 for x in shown]
  batch, _ = make_batch(
    VectorItems(vectors),
    *map(Ragged.of, (histories, shown, labels)),
    history_length=H,
    num_candidates=C,
    ladder=[N],
    log_rates=log_rates,
  )
  return batch


@pytest.fixture(scope='module')
def model():
  model = make_recommender(width=D)
  let_speak(model.head)
  return model


def computed(function):
  """`function()` on one device, as a step would."""
  with jax.set_mesh(one_device):
    return jax.jit(function)()


def loss_of(objective, model, batch):
  return computed(
    lambda: objective.loss(model, model.item_vectors(batch), batch, shards=1)
  )


@pytest.mark.parametrize('kind', KINDS)
def test_impressions_are_of_candidates(model, kind):
  batch = batch_of()
  got = loss_of(
    ImpressionsObjective(ImpressionsObjective.Config(loss=kind)), model, batch
  )
  want = losses.LISTED[kind](model(batch), batch.labels, batch.candidate_mask)
  np.testing.assert_allclose(got, want, rtol=1e-5)
  # What is masked, and what was read, is no target.
  count = {'sigmoid': batch.candidate_mask.sum(), 'softmax': 3}[kind]
  assert got[1] == count


@pytest.mark.parametrize('kind', KINDS)
def test_next_items_are_of_histories(model, kind):
  """The logits before each item are those of a history that ends there."""
  rates = np.log(np.random.default_rng(1).uniform(0.1, 1, N))
  batch = batch_of(rates.astype(np.float32))
  got = loss_of(
    NextItemObjective(NextItemObjective.Config(loss=kind)), model, batch
  )
  table = model.item_vectors(batch)
  logits = np.zeros((3, H, len(table)), np.float32)
  for t in range(1, H):
    mask = batch.history_mask & (np.arange(H) < t)
    users = model.user_vectors(table[batch.history], mask)
    logits[:, t] = users @ table.T + model.bias[...]
  want = losses.next_item(
    jnp.asarray(logits),
    batch.history,
    batch.history_mask,
    batch.context.events,
    batch.items,
    batch.log_rates,
    kind=kind,
  )
  np.testing.assert_allclose(got, want, rtol=1e-4)
  # No candidate is a target.
  other = dataclasses.replace(batch, labels=1 - batch.labels)
  np.testing.assert_array_equal(
    loss_of(
      NextItemObjective(NextItemObjective.Config(loss=kind)), model, other
    ),
    got,
  )


def test_the_loss_of_several_is_the_weighted_sum_of_their_means(model):
  batch = batch_of()
  objectives = [
    ImpressionsObjective(ImpressionsObjective.Config(weight=0.5)),
    NextItemObjective(NextItemObjective.Config(loss='softmax', weight=3.0)),
  ]
  got = computed(lambda: batch_loss(model, batch, objectives))
  sums = [loss_of(objective, model, batch) for objective in objectives]
  want = 0.5 * sums[0][0] / sums[0][1] + 3.0 * sums[1][0] / sums[1][1]
  np.testing.assert_allclose(got, want, rtol=1e-5)


@pytest.mark.parametrize('name', OBJECTIVES)
def test_an_objectives_config_is_written_as_it_is_read(name):
  config = OBJECTIVES[name].Config(loss='softmax', weight=0.25)
  assert from_mapping(OBJECTIVES[name].Config, to_mapping(config)) == config


def test_settings_that_cannot_be():
  with pytest.raises(UserError, match="loss: 'sofmax' is unknown"):
    ImpressionsObjective.Config(loss='sofmax')
  with pytest.raises(UserError, match=r'weight=-1\.0: must be 0 or more'):
    NextItemObjective.Config(weight=-1.0)
