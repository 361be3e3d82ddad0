import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.data.batches.assemble import PackedItems, make_batch
from jaxrec.data.batches.context import Ragged
from jaxrec.data.items.catalog import Catalog
from jaxrec.errors import UserError
from jaxrec.models.build import build_recommender
from jaxrec.models.facts import Facts
from jaxrec.models.heads.lstm import LstmConfig
from jaxrec.models.heads.mean import MeanConfig
from jaxrec.models.terms.appeal import AppealConfig
from jaxrec.models.terms.ids import IdsConfig
from jaxrec.models.terms.text import TextConfig, unit
from jaxrec.models.text.bert import Bert
from jaxrec.models.text.item_encoder import ItemEncoder
from jaxrec.training.settings import Config
from tests.conftest import TINY
from tests.models.making import let_speak, make_recommender

H, C, S, N = 7, 4, 4, 60

# One compilation instead of one per operation.
forward = nnx.jit(lambda module, *args: module(*args))


@pytest.fixture(scope='module')
def catalog():
  rng = np.random.default_rng(0)
  lengths = rng.integers(2, 13, N)
  offsets = np.concatenate([[0], np.cumsum(lengths)])
  tokens = rng.integers(1000, 20000, offsets[-1]).astype(np.int32)
  ids = np.array([str(i) for i in range(N)])
  return Catalog(ids, ids, tokens, offsets, 'fingerprint')


def make_model(**options):
  encoder = ItemEncoder(Bert(**TINY, rngs=nnx.Rngs(1)), num_segments=S)
  model = make_recommender(
    encoder, width=TINY['width'], positive_rate=0.2, **options
  )
  let_speak(model.head)
  return model


@pytest.fixture(scope='module')
def call():
  graphdef, params = nnx.split(make_model(), nnx.Param)
  return jax.jit(lambda batch: nnx.merge(graphdef, params)(batch))


def examples(seed, count=6):
  rng = np.random.default_rng(seed)
  histories = [rng.integers(0, N, rng.integers(1, H + 1)) for _ in range(count)]
  candidates = [rng.permutation(N)[:C] for _ in range(count)]
  labels = [np.arange(C) == 0 for _ in range(count)]
  return histories, candidates, labels


def batch_of(catalog, lists, *, rows=64, row_tokens=16, history_length=H):
  batch, _ = make_batch(
    PackedItems(catalog, row_tokens, S),
    *map(Ragged.of, lists),
    history_length=history_length,
    num_candidates=C,
    ladder=[rows],
  )
  return batch


def test_one_user_never_changes_anothers_logits(catalog, call):
  """To the bit, when only what the other refers to changes."""
  batch = batch_of(catalog, examples(0))
  base = call(batch)
  rng = np.random.default_rng(1)
  slots = np.unique(batch.history[batch.history_mask])
  for user in range(6):
    history, candidates = batch.history.copy(), batch.candidates.copy()
    history[user] = rng.choice(slots, H)
    candidates[user] = rng.choice(slots, C)
    mask = batch.history_mask.copy()
    mask[user] = rng.random(H) < 0.5
    changed = call(
      dataclasses.replace(
        batch, history=history, candidates=candidates, history_mask=mask
      )
    )
    others = np.arange(6) != user
    np.testing.assert_array_equal(changed[others], base[others])
    assert (np.asarray(changed[user]) != np.asarray(base[user])).all()


def test_company_does_not_matter(catalog, call):
  """An example scores the same in any batch: others bring other items."""
  first = [x[:1] for x in examples(0)]
  alone = call(batch_of(catalog, first))[0]
  for seed in range(1, 5):
    lists = [a + b for a, b in zip(first, examples(seed), strict=True)]
    together = call(batch_of(catalog, lists))[0]
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
  'options',
  [{'rows': 96}, {'row_tokens': 24}, {'history_length': H + 5}],
  ids=str,
)
def test_padding_and_packing_do_not_matter(catalog, call, options):
  lists = examples(0)
  base = call(batch_of(catalog, lists))
  other = call(batch_of(catalog, lists, **options))
  np.testing.assert_allclose(other, base, atol=1e-5)


def test_an_items_vector_is_the_same_alone_and_packed(catalog):
  model = make_model()
  packed = PackedItems(catalog, 16, S)
  table = lambda items, rows: packed.table(np.array(items), [rows])
  arrays, slots = table(range(N), 64)
  together = forward(model.encoder, *arrays)[slots]
  for item in range(0, N, 7):
    arrays, slots = table([item], 1)
    alone = forward(model.encoder, *arrays)[slots]
    np.testing.assert_allclose(alone[0], together[item], atol=1e-5)


def test_order_matters_to_the_lstm_and_not_to_the_mean(catalog):
  histories, candidates, labels = examples(0)
  turned = [h[::-1] for h in histories], candidates, labels
  for head, matters in ((LstmConfig(width=8), True), (MeanConfig(), False)):
    model = make_model(head=head)
    a = forward(model, batch_of(catalog, (histories, candidates, labels)))
    b = forward(model, batch_of(catalog, turned))
    assert (np.abs(a - b).max() > 1e-4) == matters


def test_it_starts_as_the_mean_of_the_history(catalog):
  encoder = ItemEncoder(Bert(**TINY, rngs=nnx.Rngs(1)), num_segments=S)
  model = make_recommender(encoder, width=TINY['width'], positive_rate=0.2)
  batch = batch_of(catalog, examples(0))
  table = forward(model.encoder, batch.tokens, batch.positions, batch.segments)
  table, logits = unit(table), forward(model, batch)
  for b in range(6):
    user = table[batch.history[b][batch.history_mask[b]]].mean(0)
    want = 5 * table[batch.candidates[b]] @ unit(user) + np.log(0.2 / 0.8)
    np.testing.assert_allclose(logits[b], want, atol=1e-4)


def test_without_history_the_gradient_is_finite_and_moderate(catalog):
  histories, candidates, labels = examples(0)
  histories[0] = histories[0][:0]
  batch = batch_of(catalog, (histories, candidates, labels))
  graphdef, params = nnx.split(make_model(), nnx.Param)
  loss = lambda params: jnp.sum(nnx.merge(graphdef, params)(batch) ** 2)
  grads = jax.jit(jax.grad(loss))(params)
  norms = [float(jnp.linalg.norm(g)) for g in jax.tree.leaves(grads)]
  assert np.isfinite(norms).all() and max(norms) < 1e4


def test_the_dot_is_no_cosine(catalog):
  model = make_model(terms={'text': TextConfig(scoring='dot')})
  batch = batch_of(catalog, examples(0))
  table = nnx.jit(lambda model: model.item_vectors(batch))(model)
  users = model.user_vectors(table[batch.history], batch.history_mask)
  want = jnp.einsum('bd,bcd->bc', users, table[batch.candidates])
  np.testing.assert_allclose(
    forward(model, batch), want + np.log(0.2 / 0.8), rtol=1e-4, atol=1e-4
  )


def test_the_heads_inputs_by_rows_of_the_table_or_by_slots(catalog):
  """The same logits and gradients; by rows is fewer matmuls."""
  batch = batch_of(catalog, examples(0), rows=64)
  table = np.random.default_rng(0).normal(size=(20, TINY['width']))
  batch = dataclasses.replace(
    batch, history=batch.history % 20, candidates=batch.candidates % 20
  )
  graphdef, params = nnx.split(make_model(), nnx.Param)

  def loss(shards, params, table):
    model = nnx.merge(graphdef, params)
    return jnp.sum(jnp.sin(model.logits(table, batch, shards=shards)))

  def flops_and_results(shards):
    run = jax.jit(jax.value_and_grad(functools.partial(loss, shards), (0, 1)))
    run = run.lower(params, table.astype(np.float32)).compile()
    return run.cost_analysis()['flops'], run(params, table.astype(np.float32))

  (few, by_rows), (many, by_slots) = map(flops_and_results, (1, 6))
  assert few < many
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), by_rows, by_slots
  )


@pytest.mark.parametrize(
  ('model', 'message'),
  [
    (
      {'head': {'type': 'lstn'}},
      r"head\.type: 'lstn' is unknown: did you mean 'lstm'",
    ),
    (
      {'terms': {'text': {'scoring': 'cosin'}}},
      "scoring: 'cosin' is unknown",
    ),
  ],
)
def test_unknown_choices(model, message):
  with pytest.raises(UserError, match=message):
    Config.from_dict({'model': model})


def test_the_term_of_texts_is_always_there():
  with pytest.raises(UserError, match='name text or item'):
    build_recommender(
      MeanConfig(), {'appeal': AppealConfig()}, Facts(4), rngs=nnx.Rngs(0)
    )


def test_pooling(catalog):
  make = functools.partial(ItemEncoder, Bert(**TINY, rngs=nnx.Rngs(1)))
  arrays, slots = PackedItems(catalog, 16, S).table(np.arange(5), [8])
  hidden = forward(make(num_segments=S).bert, *arrays)
  row, segment = slots // S, slots % S + 1
  mean = forward(make(num_segments=S), *arrays)[slots]
  first = forward(make(num_segments=S, pooling='cls'), *arrays)[slots]
  for i in range(5):
    states = hidden[row[i]][arrays[2][row[i]] == segment[i]]
    np.testing.assert_allclose(mean[i], states.mean(0), atol=1e-6)
    np.testing.assert_allclose(first[i], states[0], atol=1e-6)
  with pytest.raises(UserError, match=r'model\.text\.pooling'):
    make(num_segments=S, pooling='max')


def test_columns_keep_their_order_when_the_model_is_split_and_merged():
  """As every step does; 'ids' comes before 'text' but in the columns."""
  ids = IdsConfig(width=3, channels='together')
  model = make_recommender(width=4, terms={'ids': ids}, num_items=5)
  merged = nnx.merge(*nnx.split(model))
  pooled = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
  for recommender in (model, merged):
    vectors = recommender.project_items(pooled, np.arange(5))
    np.testing.assert_allclose(vectors[:, :4], unit(pooled), atol=1e-6)
    np.testing.assert_array_equal(vectors[:, 4:7], model.terms['ids'].read[...])
  history, mask = vectors[None, :3], np.ones((1, 3), bool)
  np.testing.assert_allclose(
    merged.user_vectors(history, mask), model.user_vectors(history, mask)
  )
