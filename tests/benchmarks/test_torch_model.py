"""The PyTorch program computes what jaxrec computes."""

import jax
import numpy as np
import pytest
from flax import nnx

from jaxrec.batch import Batch
from jaxrec.data.batches.packing import fill_rows
from jaxrec.data.items.fields import Field
from jaxrec.errors import UserError
from jaxrec.models.heads.lstm import LstmConfig
from jaxrec.models.terms.appeal import AppealConfig
from jaxrec.models.terms.fields import FieldsConfig
from jaxrec.models.terms.ids import IdsConfig
from jaxrec.models.terms.item_bias import ItemBiasConfig
from jaxrec.models.terms.text import TextConfig
from jaxrec.models.text import weights
from jaxrec.models.text.bert import Bert
from jaxrec.models.text.item_encoder import ItemEncoder
from jaxrec.parallel import sharding
from jaxrec.training.objectives.impressions import ImpressionsObjective
from jaxrec.training.optimizer import OptimizerConfig, make_tx
from jaxrec.training.state import TrainState, split_params
from jaxrec.training.steps import make_train_step
from tests.conftest import TINY
from tests.models.making import make_recommender

torch = pytest.importorskip('torch')

from benchmarks import torch_model  # noqa: E402

H, C, T, N, W = 7, 4, 12, 30, 8
# Large enough for one step to move the loss by far more than the tolerance.
ENCODER_LEARNING_RATE = 3e-3
CLIP_NORM = 0.05
OPTIMIZER = OptimizerConfig(
  learning_rate=1e-2,
  warmup_steps=0,
  weight_decay=0.5,
  clip_norm=CLIP_NORM,
  b1=0.9,
  b2=0.99,
)
# The cosine decay has hardly begun, as the program here has none.
STEPS = 1_000_000


@pytest.fixture(scope='module')
def catalog():
  """tokens and offsets of N items of 2..T tokens."""
  rng = np.random.default_rng(0)
  offsets = np.cumsum([0, T, *rng.integers(2, T + 1, N - 1)])
  return rng.integers(1000, 20000, offsets[-1]).astype(np.int32), offsets


@pytest.fixture(scope='module')
def examples():
  """No history, a full one, lengths between; one candidate to C of them."""
  rng = np.random.default_rng(1)
  histories = [rng.integers(0, N, n).tolist() for n in (3, 0, H, 1, 5)]
  candidates = [rng.permutation(N)[:n].tolist() for n in (C, 2, C, 1, 3)]
  labels = [(np.arange(len(x)) == 0).tolist() for x in candidates]
  return histories, candidates, labels


def feed(way, examples, catalog, **options):
  return getattr(torch_model, way)(
    *examples, *catalog, history_length=H, num_candidates=C, **options
  )


FEEDS = [('padded', {'max_tokens': T + 3}), ('dedup', {'chunk': 4})]


def jax_batch(examples, catalog):
  """One row for each item of the catalog, so that slots are item indices."""
  tokens, offsets = catalog
  items, zeros = np.arange(N), np.zeros(N, np.int32)
  rows = fill_rows(tokens, offsets, items, (items, zeros, zeros), N, T)

  def pad(lists, width, dtype):
    padded, mask = np.zeros((len(lists), width), dtype), []
    for i, row in enumerate(lists):
      padded[i, : len(row)] = row
      mask.append(np.arange(width) < len(row))
    return padded, np.array(mask)

  history, history_mask = pad(examples[0], H, np.int32)
  candidates, candidate_mask = pad(examples[1], C, np.int32)
  return Batch(
    history=history,
    history_mask=history_mask,
    candidates=candidates,
    candidate_mask=candidate_mask,
    labels=pad(examples[2], C, np.float32)[0],
    example_mask=candidate_mask.any(1),
    **dict(zip(('tokens', 'positions', 'segments'), rows, strict=True)),
  )


def jax_model(directory, trainable_layers, scoring):
  """graphdef and params: the directory's BERT, no head parameter at 0."""
  bert = Bert(**TINY, trainable_layers=trainable_layers, rngs=nnx.Rngs(0))
  model = make_recommender(
    ItemEncoder(bert, num_segments=1),
    width=TINY['width'],
    head=LstmConfig(width=W),
    terms={'text': TextConfig(scoring=scoring)},
    seed=1,
  )
  graphdef, state = nnx.split(model, nnx.Param)
  params = jax.tree.map(np.asarray, nnx.to_pure_dict(state))
  rng = np.random.default_rng(2)
  noisy = lambda x: np.asarray(x + 0.3 * rng.standard_normal(x.shape), x.dtype)
  encoder = {'bert': weights.load_params(directory, params['encoder']['bert'])}
  return graphdef, jax.tree.map(noisy, params) | {'encoder': encoder}


def jax_losses(graphdef, params, batch, trainable_layers, num_steps):
  """Losses before each of `num_steps` steps, and the first gradient's norm."""
  lower = ('encoder/bert/embeddings', 'encoder/bert/frozen_layers')
  trained, frozen = split_params(
    params, lambda path: trainable_layers >= 0 and path.startswith(lower)
  )
  tx = make_tx(OPTIMIZER, STEPS, {'encoder': ENCODER_LEARNING_RATE})
  objectives = [ImpressionsObjective(ImpressionsObjective.Config())]
  step = jax.jit(make_train_step(graphdef, tx, objectives=objectives, seed=0))
  with jax.set_mesh(sharding.make_mesh(devices=jax.devices()[:1])):
    state = TrainState(np.int32(0), trained, tx.init(trained))
    found = []
    for _ in range(num_steps):
      state, metrics = step(state, frozen, batch)
      found.append(metrics)
  return [float(x['loss']) for x in found], float(found[0]['grad_norm'])


def torch_recommender(directory, params, **options):
  model = torch_model.TorchRecommender(directory, hidden_width=W, **options)
  torch_model.load_jax_params(model, params)
  return model


@pytest.mark.parametrize(
  ('trainable_layers', 'scoring'), [(-1, 'cosine'), (1, 'cosine'), (-1, 'dot')]
)
def test_losses_are_jaxrecs_from_step_to_step(
  trainable_layers, scoring, tiny_bert, catalog, examples
):
  graphdef, params = jax_model(tiny_bert, trainable_layers, scoring)
  batch = jax_batch(examples, catalog)
  expected, norm = jax_losses(graphdef, params, batch, trainable_layers, 3)
  assert norm > 2 * CLIP_NORM  # Or clipping would go untested.
  assert min(-np.diff(expected)) > 1e-3  # Likewise the optimizer.
  for way, options in FEEDS:
    model = torch_recommender(
      tiny_bert, params, trainable_layers=trainable_layers, scoring=scoring
    )
    optimizer = torch_model.make_optimizer(
      model, OPTIMIZER, ENCODER_LEARNING_RATE
    )
    inputs = feed(way, examples, catalog, **options)
    found = [
      float(
        torch_model.train_step(model, optimizer, inputs, clip_norm=CLIP_NORM)
      )
      for _ in expected
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=way)


@pytest.mark.parametrize(
  'extra',
  [
    {'appeal': AppealConfig()},
    {'fields': FieldsConfig()},
    {'item_bias': ItemBiasConfig()},
    {'ids': IdsConfig(width=4)},
  ],
  ids=lambda extra: next(iter(extra)),
)
def test_what_this_model_lacks_is_refused(extra, tiny_bert):
  model = nnx.eval_shape(
    lambda: make_recommender(
      width=16,
      head=LstmConfig(width=W),
      terms=extra,
      num_items=N,
      prepared={'fields': (Field('category', ('a', 'b')),)},
    )
  )
  params = nnx.to_pure_dict(nnx.state(model, nnx.Param))
  with pytest.raises(UserError, match=f'has no .*{next(iter(extra))}'):
    torch_recommender(tiny_bert, params)


@pytest.mark.parametrize('trainable_layers', [0, 1])
def test_nothing_is_recorded_below_what_trains(
  trainable_layers, tiny_bert, catalog, examples
):
  model = torch_model.TorchRecommender(
    tiny_bert, hidden_width=W, trainable_layers=trainable_layers, dropout=0.5
  )
  layers = model.bert.encoder.layer
  recorded = []
  for layer in layers:
    layer.register_forward_hook(
      lambda _, inputs, output: recorded.append(
        (output[0] if isinstance(output, tuple) else output).requires_grad
      )
    )
  inputs = feed('dedup', examples, catalog, chunk=N)
  torch_model.loss_of(model, inputs).backward()
  trains = np.arange(len(layers)) >= len(layers) - trainable_layers
  assert recorded == trains.tolist()
  parts = [model.bert.embeddings, *layers]
  for part, wanted in zip(parts, [False, *trains], strict=True):
    assert {x.grad is not None for x in part.parameters()} == {bool(wanted)}


def test_dropout_is_in_the_layers_that_train_alone(
  tiny_bert, catalog, examples
):
  inputs = feed('dedup', examples, catalog)

  def differs(trainable_layers):
    model = torch_model.TorchRecommender(
      tiny_bert, trainable_layers=trainable_layers, dropout=0.5
    )
    a, b = (model(inputs) for _ in range(2))
    return not torch.equal(a, b)

  assert not differs(0) and differs(1)


def test_texts_too_long_are_refused(catalog):
  longest = ([[0]], [[0]], [[1]])  # Item 0 has T tokens.
  with pytest.raises(UserError, match=f'max_tokens={T - 1} is too few'):
    feed('padded', longest, catalog, max_tokens=T - 1)


def test_unknown_layers_are_refused(tiny_bert):
  with pytest.raises(UserError, match='has 2 layers'):
    torch_model.TorchRecommender(tiny_bert, trainable_layers=3)
