"""Two views of a history: numpy's loss, whose views they are, any devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.batch import Batch
from jaxrec.errors import UserError
from jaxrec.models.heads.gru import GruConfig
from jaxrec.models.heads.head import in_order
from jaxrec.models.heads.transformer import TransformerConfig
from jaxrec.parallel import sharding
from jaxrec.training.objectives.contrast import (
  ContrastConfig,
  ContrastObjective,
  info_nce,
)
from jaxrec.training.objectives.next_item import (
  NextItemConfig,
  NextItemObjective,
)
from jaxrec.training.settings import Config
from jaxrec.training.steps import batch_loss
from tests.models.making import let_speak, make_recommender

N, D, B, H = 16, 6, 8, 7
KEY = jax.random.key(3)
# Of each row: lengths of its users' histories; the last row has one item.
LENGTHS = [[3, 4], [7], [2, 2, 3], [4], [5, 2], [3, 3], [6], [1]]
one_device = sharding.make_mesh(devices=jax.devices()[:1])


def packed_batch() -> Batch:
  rng = np.random.default_rng(0)
  history = rng.integers(0, N, (B, H)).astype(np.int32)
  events, segments = np.zeros((2, B, H), np.int32)
  for row, lengths in enumerate(LENGTHS):
    begins = np.cumsum([0, *lengths])
    for i, (begin, length) in enumerate(zip(begins[:-1], lengths, strict=True)):
      events[row, begin : begin + length] = np.arange(length)
      segments[row, begin : begin + length] = i
  events[1, 1] = 0  # Two items of one event.
  mask = np.arange(H) < np.array([[sum(x)] for x in LENGTHS])
  history[mask & (segments == 1)] = 5  # Some have their last in common.
  none = np.zeros((B, 0), np.float32)
  context = in_order(jnp.asarray(mask))
  return Batch(
    history=history,
    history_mask=mask,
    candidates=none.astype(np.int32),
    candidate_mask=none.astype(bool),
    labels=none,
    example_mask=mask.any(1),
    vectors=rng.normal(size=(N, D)).astype(np.float32),
    items=np.arange(N, dtype=np.int32),
    context=jax.tree.map(
      np.asarray, context._replace(events=events, segments=segments)
    ),
  )


BATCH = packed_batch()


def make_model(dropout=0.3, head=GruConfig):
  model = make_recommender(width=D, head=head(width=6, dropout=dropout))
  let_speak(model.head)
  return model


def loss_on(mesh, objectives, model):
  """The loss and its gradients on a mesh."""
  graphdef, params = nnx.split(model, nnx.Param)
  with jax.set_mesh(mesh):
    batch = sharding.put_batch(BATCH, mesh)
    params = jax.device_put(params, sharding.whole(mesh))
    return jax.jit(
      jax.value_and_grad(
        lambda params: batch_loss(
          nnx.merge(graphdef, params), batch, objectives, key=KEY
        )
      )
    )(params)


def numpy_loss(first, second, targets, temperature, supervised):
  """Summed over users, both ways; one loop a user."""
  unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
  cosines = unit(first) @ unit(second).T
  total = 0.0
  for logits in (cosines / temperature, cosines.T / temperature):
    for i in range(len(targets)):
      same = np.flatnonzero(targets == targets[i])
      right = same if supervised else [i]
      others = np.flatnonzero(targets != targets[i])
      among = np.exp(logits[i][[*right, *others]]).sum()
      total -= np.mean([logits[i, j] - np.log(among) for j in right])
  return total


@pytest.mark.parametrize('supervised', [True, False])
def test_it_is_numpys(supervised):
  rng = np.random.default_rng(1)
  first, second = rng.normal(size=(2, 7, D)).astype(np.float32)
  targets = np.array([4, 2, 4, 9, 2, 4, 4])
  counted = np.array([1, 1, 1, 1, 1, 0, 1], bool)
  settings = {'temperature': 0.5, 'supervised': supervised}
  got = jax.jit(lambda *x: info_nce(*x, **settings))(
    first, second, targets, counted
  )
  some = np.flatnonzero(counted)
  want = numpy_loss(first[some], second[some], targets[some], **settings)
  np.testing.assert_allclose(got, (want, 2 * len(some)), rtol=1e-5)


def test_it_is_of_users_before_their_last_event():
  """Each as if alone, without a key; those of one event are left out."""
  model = make_model(dropout=0.0)
  table = np.asarray(model.item_vectors(BATCH))
  config = ContrastConfig(temperature=0.5)
  with jax.set_mesh(one_device):
    got = jax.jit(
      lambda: ContrastObjective(config).loss(model, table, BATCH, shards=1)
    )()
  rows, mask = np.zeros((2, 13, H), np.int32)
  events, targets = np.zeros((13, H), np.int32), []
  for row, lengths in enumerate(LENGTHS):
    for begin, length in zip(np.cumsum([0, *lengths]), lengths, strict=False):
      if length > 1:
        user, last = len(targets), begin + length - 1
        rows[user, : length - 1] = BATCH.history[row, begin:last]
        events[user, : length - 1] = BATCH.context.events[row, begin:last]
        mask[user, : length - 1] = 1
        targets.append(BATCH.history[row, last])
  mask = jnp.asarray(mask[: len(targets)], bool)
  context = in_order(mask)._replace(events=events[: len(targets)])
  users = model.user_vectors(table[rows[: len(targets)]], mask, context)
  want = numpy_loss(
    *(np.asarray(model.read_of(users)),) * 2, np.array(targets), 0.5, True
  )
  np.testing.assert_allclose(got, (want, 2 * len(targets)), rtol=1e-4)


class Watched:
  """A model that keeps what it was asked to read."""

  def __init__(self):
    self.views, self.keys = [], []

  def next_users(self, table, batch, *, shards, key):
    self.views.append(np.asarray(batch.read_mask))
    self.keys.append(key)
    read = jnp.cumsum(batch.read_mask, 1, dtype=jnp.float32)[..., None]
    return jnp.concatenate([read, jnp.ones_like(read)], -1)

  def read_of(self, users):
    return users


def test_each_view_hides_other_items_and_a_user_of_none_is_left_out():
  read_mask = np.arange(H) != np.array([[2]] * B)
  batch = dataclasses.replace(BATCH, read_mask=read_mask)
  objective = ContrastObjective(ContrastConfig(mask=0.5))
  models = [Watched(), Watched(), Watched()]
  keys = (KEY, KEY, jax.random.key(4))
  with jax.set_mesh(one_device):
    losses = [
      objective.loss(model, None, batch, shards=1, key=key)
      for model, key in zip(models, keys, strict=True)
    ]
  first, again, other = (model.views for model in models)
  np.testing.assert_array_equal(first, again)
  assert losses[0] == losses[1]
  assert (first[0] != first[1]).any() and (first[0] != other[0]).any()
  assert not any(view[~read_mask].any() for view in (*first, *other))
  assert 0.3 < np.mean(first) / np.mean(read_mask) < 0.7
  assert models[0].keys[0] != models[0].keys[1]
  # The users counted have an item in both views, before the last event.
  count, events = 0, BATCH.context.events
  for row, lengths in enumerate(LENGTHS):
    for begin, length in zip(np.cumsum([0, *lengths]), lengths, strict=False):
      run = slice(begin, begin + length)
      before = events[row, run] < events[row, begin + length - 1]
      count += all((view[row, run] & before).any() for view in first)
  assert losses[0][1] == 2 * count and 0 < count < 13


@pytest.mark.parametrize(
  'head',
  [GruConfig, pytest.param(TransformerConfig, marks=pytest.mark.slow)],
  ids=lambda head: head.type,
)
def test_one_device_equals_eight_and_gradients_are_finite(head):
  """Beside the objective it is mixed with, and with dropout."""
  next_item = NextItemObjective(
    NextItemConfig(loss='softmax', among='catalog', weight=2.0)
  )
  contrast = ContrastObjective(ContrastConfig(weight=0.5))
  objectives = [next_item, contrast]
  model = make_model(head=head)
  on_one = loss_on(one_device, objectives, model)
  on_eight = loss_on(sharding.make_mesh(2, 4), objectives, model)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), on_one, on_eight
  )
  for gradient in jax.tree.leaves(on_one[1]):
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'temperature': 0.0}, r'temperature=0\.0: must be above 0'),
    ({'mask': 1.0}, r'mask=1\.0: must be 0 or more, < 1'),
    ({'loss': 'sigmoid'}, 'loss=sigmoid: contrast is a softmax'),
  ],
)
def test_settings_that_cannot_be(values, message):
  with pytest.raises(UserError, match=message):
    ContrastConfig(**values)


@pytest.mark.parametrize(
  ('objectives', 'message'),
  [
    ({'contrast': {}}, 'add objectives.next_item.among=catalog'),
    ({'contrast': {}, 'next_item': {}}, 'add objectives.next_item.among'),
    (
      {
        'contrast': {'mask': 0.0},
        'next_item': {'among': 'catalog', 'loss': 'softmax'},
      },
      r'contrast\.mask=0\.0: without model\.head\.dropout',
    ),
  ],
)
def test_what_it_cannot_be_without(objectives, message):
  with pytest.raises(UserError, match=message):
    Config.from_dict(
      {'objectives': objectives, 'data': {'protocol': 'leave_one_out'}}
    )
