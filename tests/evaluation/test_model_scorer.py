import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.data.columns.impressions import Impressions
from jaxrec.errors import UserError
from jaxrec.evaluation.model_scorer import ModelScorer, flat_logits
from jaxrec.parallel import sharding
from jaxrec.training.steps import make_eval_step, make_user_step
from tests.models.making import let_speak, make_recommender

N, D, H = 90, 12, 7
THRESHOLD = 0.1


@pytest.fixture(scope='module')
def impressions():
  """Some users are new; one list is longer than a small batch's pairs."""
  rng = np.random.default_rng(0)
  history = [rng.integers(0, N, n) for n in rng.integers(0, 2 * H, 40)]
  history[3] = history[3][:0]
  counts = rng.choice([1, 2, 9, 29], 40)  # Few sizes: few compilations.
  counts[[5, 39]] = 700
  shown = [rng.integers(0, N, n) for n in counts]
  ends = lambda rows: np.cumsum([0, *map(len, rows)], dtype=np.int64)
  candidates = np.concatenate(shown).astype(np.int32)
  return Impressions(
    impression_ids=np.arange(40).astype(str),
    user_ids=np.arange(40).astype(str),
    times=np.arange(40),
    history=np.concatenate(history).astype(np.int32),
    history_offsets=ends(history),
    candidates=candidates,
    candidate_offsets=ends(shown),
    labels=(rng.random(len(candidates)) < 0.2).astype(np.uint8),
  )


@pytest.fixture(scope='module')
def model():
  model = make_recommender(width=D, seed=0)
  let_speak(model.head)  # At its start the LSTM has no say.
  return model


@pytest.fixture(scope='module')
def table():
  x = np.random.default_rng(1).normal(size=(N, D)).astype(np.float32)
  return x / np.linalg.norm(x, axis=1, keepdims=True)


TABLE_ROWS = np.random.default_rng(2).permutation(N).astype(np.int32)


def score(model, table, impressions, *, batch_size, devices=1, fsdp=1):
  """Flat logits on a mesh, and how often the step was compiled."""
  graphdef, params = nnx.split(model, nnx.Param)
  step = jax.jit(make_eval_step(graphdef))
  mesh = sharding.make_mesh(fsdp=fsdp, devices=jax.devices()[:devices])
  with jax.set_mesh(mesh):
    place = lambda tree: sharding.put_replicated(tree, mesh)
    params, table = place(nnx.to_pure_dict(params)), place(table)
    flat = flat_logits(
      lambda batch: step(params, {}, table, batch),
      impressions,
      TABLE_ROWS,
      batch_size=batch_size,
      history_length=H,
      mesh=mesh,
    )
  return flat, step._cache_size()


@pytest.fixture(scope='module')
def one_by_one(model, table, impressions):
  """Flat logits of each impression by itself, nothing padded."""
  graphdef, params = nnx.split(model, nnx.Param)

  @jax.jit
  def score(history, mask, shown):
    model = nnx.merge(graphdef, params)
    return model.score(model.user_vectors(history, mask), shown)[0]

  flat = []
  for i in range(len(impressions)):
    history = table[TABLE_ROWS[impressions.history_of(i, H)]][None]
    mask = jnp.ones(history.shape[:2], bool)
    shown = TABLE_ROWS[impressions.candidates[impressions.shown(i)]]
    flat.append(score(history, mask, table[shown][None]))
  return np.concatenate(flat)


@pytest.mark.parametrize(
  ('batch_size', 'devices', 'fsdp'),
  [(1, 1, 1), (4, 1, 1), (64, 1, 1), (8, 8, 1), (16, 8, 4)],
)
def test_batches_and_devices_do_not_change_the_logits(
  model, table, impressions, one_by_one, batch_size, devices, fsdp
):
  flat, compiled = score(
    model,
    table,
    impressions,
    batch_size=batch_size,
    devices=devices,
    fsdp=fsdp,
  )
  assert flat.dtype == np.float32
  np.testing.assert_allclose(flat, one_by_one, rtol=1e-6, atol=1e-6)
  assert compiled == 1


def test_nothing_to_score(model, table, impressions):
  flat, _ = score(
    model, table, impressions.take(np.zeros(0, int)), batch_size=4
  )
  assert flat.shape == (0,)


@pytest.mark.parametrize('spoilt', ['items', 'users', 'candidates'])
def test_what_is_not_finite_is_refused(impressions, spoilt):
  table = jnp.ones((N, D)).at[3, 2].set(jnp.nan if spoilt == 'items' else 1)
  users = jnp.ones((8, D)) * (jnp.inf if spoilt == 'users' else 1)
  logit = np.nan if spoilt == 'candidates' else 0.0
  scorer = ModelScorer(
    table_of=lambda wanted: table[wanted],
    eval_step=lambda _, batch: np.full(batch.candidates.size, logit),
    user_step=lambda *_: users,
    num_items=N,
    batch_size=8,
    history_length=H,
    mesh=sharding.make_mesh(devices=jax.devices()[:1]),
  )
  what = {'items': '1 of 90 vectors of items', 'users': '6 of 6 vectors'}
  with pytest.raises(UserError, match=what.get(spoilt, 'logits of candid')):
    scorer.encoded(impressions.take(np.arange(6)))
    scorer.pairs(impressions)


@pytest.mark.parametrize('devices', [1, 8])
def test_a_catalogs_ranks_are_those_of_its_logits(
  model, table, impressions, devices
):
  """Every item scored as a candidate, and ranked: the same places."""
  graphdef, params = nnx.split(model, nnx.Param)
  mesh = sharding.make_mesh(devices=jax.devices()[:devices])
  steps = [jax.jit(make(graphdef)) for make in (make_eval_step, make_user_step)]
  rows = np.arange(6)
  examples = impressions.take(rows)
  with jax.set_mesh(mesh):
    place = lambda tree: sharding.put_replicated(tree, mesh)
    params = place(nnx.to_pure_dict(params))
    scorer = ModelScorer(
      table_of=lambda wanted: place(table[TABLE_ROWS[wanted]]),
      eval_step=functools.partial(steps[0], params, {}),
      user_step=functools.partial(steps[1], params, {}),
      num_items=N,
      batch_size=8,
      history_length=H,
      mesh=mesh,
    )
    ranked = scorer.rank(examples, masked=False, k=N)
    ways = scorer.rank_ways([(examples, True), (examples, False)], N)
    masked = scorer.rank(examples, masked=True, k=N)
    everything = dataclasses.replace(
      examples,
      candidates=np.tile(np.arange(N, dtype=np.int32), len(rows)),
      candidate_offsets=N * np.arange(len(rows) + 1),
      labels=np.zeros(N * len(rows), np.uint8),
    )
    logits = scorer.pairs(everything).reshape(len(rows), N)
  jax.tree.map(
    np.testing.assert_array_equal,
    [dataclasses.asdict(way) for way in ways],
    [dataclasses.asdict(way) for way in (masked, ranked)],
  )
  assert (masked.items == -1).any()
  for i in rows:
    assert sorted(ranked.items[i]) == list(range(N))
    ordered = logits[i][ranked.items[i]]
    assert (np.diff(ordered) <= 1e-6).all()
    np.testing.assert_allclose(
      ranked.scores[i] + model.bias[...], ordered, atol=1e-5
    )
