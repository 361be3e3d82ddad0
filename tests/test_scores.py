import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec import metrics, sharding
from jaxrec.data.batching import pad_ragged
from jaxrec.data.columns import Impressions
from jaxrec.models.recommender import Recommender
from jaxrec.scores import flat_logits, metrics_of
from jaxrec.steps import make_eval_step

N, D, H = 90, 12, 7
THRESHOLD = 0.1


@pytest.fixture(scope='module')
def impressions():
  """Some users are new; one list is longer than a small batch's pairs."""
  rng = np.random.default_rng(0)
  history = [rng.integers(0, N, n) for n in rng.integers(0, 2 * H, 40)]
  history[3] = history[3][:0]
  counts = rng.integers(1, 30, 40)
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
  model = Recommender(encoder=None, width=D, hidden_width=8, rngs=nnx.Rngs(0))
  # At its start the LSTM has no say.
  kernel = model.head.correct.kernel
  kernel[...] = jax.random.normal(jax.random.key(1), kernel.shape)
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
  flat = []
  for i in range(len(impressions)):
    history = table[TABLE_ROWS[impressions.history_of(i, H)]][None]
    mask = jnp.ones(history.shape[:2], bool)
    shown = TABLE_ROWS[impressions.candidates[impressions.shown(i)]]
    users = model.user_vectors(jnp.asarray(history), mask)
    flat.append(model.score(users, jnp.asarray(table[shown])[None])[0])
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


@pytest.mark.parametrize('batch_size', [1, 8, 64])
def test_batches_do_not_change_the_metrics(impressions, batch_size):
  flat = np.random.default_rng(4).normal(size=len(impressions.labels))
  flat = flat.astype(np.float32)
  total = metrics.empty()
  alone = jax.jit(  # One shape: each would be compiled.
    lambda logits, labels, mask: metrics.impression_metrics(
      logits,
      labels,
      mask,
      threshold=THRESHOLD,
      example_mask=jnp.ones(1, bool),
    )
  )
  width = int(np.diff(impressions.candidate_offsets).max())
  for i in range(len(impressions)):
    shown = impressions.shown(i)
    logits, mask = pad_ragged([flat[shown]], width, np.float32)
    labels, _ = pad_ragged([impressions.labels[shown]], width, np.float32)
    sums = alone(logits, labels, mask)
    total = metrics.merge(total, metrics.to_host(sums))
  mesh = sharding.make_mesh(devices=jax.devices()[:1])
  with jax.set_mesh(mesh):
    found = metrics_of(
      impressions, flat, THRESHOLD, batch_size=batch_size, mesh=mesh
    )
  expected = metrics.finalize(total)
  assert found.keys() == expected.keys()
  for name, value in expected.items():
    assert found[name] == pytest.approx(value, abs=1e-6), name
