"""The metrics: equal to scikit-learn's, and the same under any batching."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as sk

from jaxrec import metrics

B, C = 320, 24  # cases, one a row; the most candidates of a case
TOLERANCE = {'rtol': 0, 'atol': 1e-6}
THRESHOLD = 0.25

# Each is compiled once per shape, so the tests keep to [B, C].
jitted = jax.jit(metrics.per_impression)
impression_metrics = jax.jit(metrics.impression_metrics)
per_impression = lambda *batch: jax.device_get(jitted(*batch))


def padded(logits, labels, mask, seed=0):
  """The same batch with garbage where masked."""
  rng = np.random.default_rng(seed)
  garbage = np.array([np.nan, np.inf, -np.inf, 3e38, 0.5], np.float32)
  logits = np.where(mask, logits, rng.choice(garbage, mask.shape))
  labels = np.where(mask, labels, rng.choice([0, 1, 7, np.nan], mask.shape))
  return logits, labels.astype(np.float32), mask


@pytest.fixture(scope='module')
def batch():
  """Logits, labels and mask [B, C]: ties, one-sided labels, few candidates."""
  rng = np.random.default_rng(0)
  logits = rng.normal(size=(B, C)).astype(np.float32)
  logits[::4] = np.round(logits[::4])  # many ties, 0. and -0. among them
  logits[1::8] = np.round(4 * logits[1::8]) / 4  # some ties
  logits[2::32] = 0.5  # nothing but ties
  labels = rng.random((B, C)) < rng.uniform(0.05, 0.9, (B, 1))
  labels[3::16], labels[5::16] = True, False
  sizes = rng.integers(2, C + 1, B)
  sizes[7::16], sizes[14::16] = 1, 0
  mask = rng.permuted(np.arange(C)[None] < sizes[:, None], axis=1)
  # A logit of -inf is a score too: the last, but before padding.
  logits[9::64] = np.where(logits[9::64] < 0, -np.inf, logits[9::64])
  return padded(logits, labels, mask)


def cases(batch):
  """(logits, labels) of each row's unmasked candidates."""
  return [(x[m], y[m].astype(int)) for x, y, m in zip(*batch, strict=True)]


def mind_mrr(logits, labels):
  """The definition, counted; equals share the mean of their ranks' values."""
  total = 0.0
  for logit in logits[labels > 0]:
    better, equal = (logits > logit).sum(), (logits == logit).sum()
    total += np.mean([1 / (better + i) for i in range(1, equal + 1)])
  return total / labels.sum()


def sklearn_ndcg(scores, labels, k):
  scores = scores.astype(np.float64)  # So that 1 below -1e9 is below it.
  # scikit-learn wants two candidates; an irrelevant last one changes nothing.
  scores = np.append(scores, scores.min() - 1)
  return sk.ndcg_score([np.append(labels, 0)], [scores], k=k)


def test_the_cases_hold_what_can_go_wrong(batch):
  sizes = [len(y) for _, y in cases(batch)]
  assert min(sizes.count(n) for n in (0, 1)) >= 10
  several = [(x, y) for x, y in cases(batch) if len(y) > 1]
  assert sum(y.all() for _, y in several) >= 10
  assert sum(not y.any() for _, y in several) >= 10
  tied = [len(np.unique(x)) < len(x) for x, _ in several]
  assert 50 <= sum(tied) <= len(tied) - 50


def test_auc_equals_sklearn(batch):
  values, valid = per_impression(*batch)['auc']
  for (logits, labels), value, ok in zip(
    cases(batch), values, valid, strict=True
  ):
    assert ok == (len(np.unique(labels)) == 2)
    if ok:
      # sklearn takes no infinity; -1e9 is below all the others as well.
      expected = sk.roc_auc_score(labels, np.maximum(logits, -1e9))
      np.testing.assert_allclose(value, expected, **TOLERANCE)


def test_mrr_equals_a_slow_count(batch):
  values, valid = per_impression(*batch)['mrr']
  for (logits, labels), value, ok in zip(
    cases(batch), values, valid, strict=True
  ):
    assert ok == labels.any()
    if ok:
      expected = mind_mrr(logits, labels)
      np.testing.assert_allclose(value, expected, **TOLERANCE)


@pytest.mark.parametrize('k', [5, 10])
def test_ndcg_equals_sklearn_ties_included(batch, k):
  values, valid = per_impression(*batch)[f'ndcg@{k}']
  for (logits, labels), value, ok in zip(
    cases(batch), values, valid, strict=True
  ):
    assert ok == labels.any()
    if ok:
      # sklearn takes no infinity; -1e9 is below all the others as well.
      expected = sklearn_ndcg(np.maximum(logits, -1e9), labels, k)
      np.testing.assert_allclose(value, expected, **TOLERANCE)


def test_ties_are_worth_the_mean_over_their_orders():
  rng = np.random.default_rng(5)
  logits = np.round(rng.normal(size=(1, C))).astype(np.float32)
  labels = (rng.random((1, C)) < 0.3).astype(np.float32)
  mask = np.ones((1, C), bool)
  tied = per_impression(logits, labels, mask)
  noise = rng.uniform(-0.1, 0.1, (B * 10, C)).astype(np.float32)
  orders = [
    per_impression(
      logits + part, np.repeat(labels, B, 0), np.repeat(mask, B, 0)
    )
    for part in np.split(noise, 10)
  ]
  for name in ('mrr', 'ndcg@5', 'ndcg@10'):
    drawn = np.concatenate([order[name][0] for order in orders])
    error = 5 * drawn.std() / len(drawn) ** 0.5
    assert abs(tied[name][0][0] - drawn.mean()) <= error + 1e-6


def test_pointwise_metrics_equal_sklearn(batch):
  each = jax.jit(
    jax.vmap(
      lambda *row: metrics.impression_metrics(
        *(x[None] for x in row),
        threshold=THRESHOLD,
        example_mask=np.ones(1, bool),
      )
    )
  )
  sums = metrics.to_host(each(*batch))
  for i, (logits, labels) in enumerate(cases(batch)):
    got = metrics.finalize(jax.tree.map(lambda x, i=i: x[i], sums))
    called = logits >= THRESHOLD
    if len(labels):
      expected = pointwise_reference(labels, called)
      for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, **TOLERANCE)
    else:
      assert np.isnan(got['accuracy'])
      assert got['precision'] == got['recall'] == got['f1'] == 0


def pointwise_reference(labels, called):
  precision, recall, f1, _ = sk.precision_recall_fscore_support(
    labels, called, average='binary', zero_division=0
  )
  accuracy = sk.accuracy_score(labels, called)
  return {
    'accuracy': accuracy,
    'precision': precision,
    'recall': recall,
    'f1': f1,
  }


def sums_of(batch, example_mask=None, threshold=THRESHOLD):
  if example_mask is None:
    example_mask = np.ones(len(batch[0]), bool)
  return impression_metrics(
    *batch, threshold=threshold, example_mask=example_mask
  )


def test_a_batch_averages_impressions_and_pools_candidates(batch):
  got = metrics.finalize(sums_of(batch))
  assert tuple(got) == metrics.NAMES
  for name, (values, valid) in per_impression(*batch).items():
    expected = np.asarray(values, np.float64)[np.asarray(valid)].mean()
    np.testing.assert_allclose(got[name], expected, **TOLERANCE)
  logits, labels, mask = batch
  expected = pointwise_reference(labels[mask], logits[mask] >= THRESHOLD)
  for name, value in expected.items():
    np.testing.assert_allclose(got[name], value, **TOLERANCE)


def assert_same(a, b):
  """Equal to 1e-6 when finalised; equal counts and pointwise sums."""
  a, b = metrics.to_host(a), metrics.to_host(b)
  for name in metrics.NAMES:
    assert a[name][1] == b[name][1]
    if name in metrics.POINTWISE:
      assert a[name][0] == b[name][0]
  a, b = metrics.finalize(a), metrics.finalize(b)
  np.testing.assert_allclose(
    [a[name] for name in metrics.NAMES],
    [b[name] for name in metrics.NAMES],
    **TOLERANCE,
  )


@pytest.mark.parametrize('parts', [1, 2, 7, B])
@pytest.mark.parametrize('on_host', [True, False])
def test_any_split_of_a_batch_gives_the_same(batch, parts, on_host):
  owner = np.random.default_rng(parts).integers(0, parts, B)
  sums = [sums_of(batch, owner == part) for part in range(parts)]
  if on_host:
    sums = [metrics.empty(), *map(metrics.to_host, sums)]
  assert_same(functools.reduce(metrics.merge, sums), sums_of(batch))


def test_host_sums_count_beyond_float32():
  many, one = (
    {name: (jnp.float32(n), jnp.float32(n)) for name in metrics.NAMES}
    for n in (2**24, 1)
  )
  total = metrics.merge(metrics.to_host(many), metrics.to_host(one))
  assert [float(x) for x in total['accuracy']] == 2 * [2**24 + 1]


@pytest.mark.parametrize(('more_b', 'more_c'), [(13, 0), (8, 40)])
def test_padding_changes_nothing(batch, more_b, more_c):
  pads = [(0, more_b), (0, more_c)]
  logits, labels, mask = (np.pad(x, pads) for x in batch)
  padding = padded(logits, labels, mask)
  assert_same(sums_of(padding), sums_of(batch))
  # Padded examples are out even where their candidates are not masked.
  mask[B:] = True
  garbage = padded(logits, labels, mask & (np.arange(B + more_b) < B)[:, None])
  example_mask = np.arange(B + more_b) < B
  assert_same(sums_of((*garbage[:2], mask), example_mask), sums_of(batch))


def test_fewer_candidates_than_the_cut():
  logits = np.array([[0.3, 0.1, 0.2]], np.float32)
  labels = np.array([[0, 1, 1]], np.float32)
  values = per_impression(logits, labels, np.ones((1, 3), bool))
  for k in (5, 10):
    expected = sk.ndcg_score(labels, logits, k=k)
    np.testing.assert_allclose(values[f'ndcg@{k}'][0], [expected], **TOLERANCE)


def assert_identical(a, b):
  jax.tree.map(np.testing.assert_array_equal, a, b)


def test_what_is_masked_changes_nothing(batch):
  other = padded(*batch, seed=1)
  assert not np.array_equal(other[0], batch[0], equal_nan=True)
  assert_identical(per_impression(*other), per_impression(*batch))
  assert_identical(sums_of(other), sums_of(batch))


def test_the_order_of_candidates_changes_nothing(batch):
  rng = np.random.default_rng(0)
  order = rng.permuted(np.tile(np.arange(C), (B, 1)), axis=1)
  shuffled = [np.take_along_axis(x, order, axis=1) for x in batch]
  assert_identical(per_impression(*shuffled), per_impression(*batch))
  assert_identical(sums_of(shuffled), sums_of(batch))


def test_only_the_order_of_logits_matters_for_ranking(batch):
  logits, labels, mask = batch
  # Squares of the dense ranks: exact, increasing, far from linear.
  _, dense = np.unique(logits, return_inverse=True)
  other = (dense.reshape(B, C) ** 2 - 1e4).astype(np.float32)
  assert_identical(
    per_impression(*padded(other, labels, mask)), per_impression(*batch)
  )


def test_auc_of_the_opposite_is_the_rest(batch):
  logits, labels, mask = batch
  auc, valid = per_impression(*batch)['auc']
  opposite, _ = per_impression(-logits, labels, mask)['auc']
  np.testing.assert_allclose((auc + opposite)[valid], 1, **TOLERANCE)


def test_a_constant_model_is_worth_a_random_order(batch):
  _, labels, mask = batch
  constant = per_impression(np.zeros((B, C), np.float32), labels, mask)
  values, valid = constant['auc']
  np.testing.assert_array_equal(values[valid], 0.5)
  values, valid = constant['mrr']
  for (_, labels), value, ok in zip(cases(batch), values, valid, strict=True):
    if ok:
      expected = np.mean(1 / np.arange(1, len(labels) + 1))
      np.testing.assert_allclose(value, expected, **TOLERANCE)


def test_the_best_order_scores_1(batch):
  _, labels, mask = batch
  best = per_impression(labels, labels, mask)
  for name in ('auc', 'ndcg@5', 'ndcg@10'):
    values, valid = best[name]
    np.testing.assert_allclose(values[valid], 1, **TOLERANCE)


def test_all_masked_is_undefined_and_does_not_count(batch):
  nothing = sums_of(batch, np.zeros(B, bool))
  assert not any(jax.tree.leaves(nothing))
  got = metrics.finalize(nothing)
  zero_division = ('precision', 'recall', 'f1')
  assert all(got[name] == 0 for name in zero_division)
  assert all(np.isnan(got[n]) for n in metrics.NAMES if n not in zero_division)
  assert_same(metrics.merge(sums_of(batch), nothing), sums_of(batch))


def test_jit_equals_eager(batch):
  eager = metrics.impression_metrics(
    *batch, threshold=THRESHOLD, example_mask=np.ones(B, bool)
  )
  assert {x.dtype for x in jax.tree.leaves(eager)} == {np.dtype('float32')}
  assert_same(eager, sums_of(batch))


def test_sharded_equals_unsharded(batch):
  mesh = jax.make_mesh(
    (len(jax.devices()),),
    ('data',),
    axis_types=(jax.sharding.AxisType.Auto,),
  )
  spec = jax.sharding.PartitionSpec('data')
  sharded = jax.device_put(batch, jax.sharding.NamedSharding(mesh, spec))
  assert_same(sums_of(sharded), sums_of(batch))


def test_best_threshold_equals_brute_force(batch):
  f1_of = lambda labels, called: (
    2 * np.sum(labels & called) / (labels.sum() + called.sum())
  )
  compared = 0
  for row in zip(*batch, strict=True):
    logits, labels = row[0][row[2]], row[1][row[2]] > 0
    got = metrics.best_threshold(*row)
    if not labels.any():
      assert got == 0
      continue
    f1 = {x: f1_of(labels, logits >= x) for x in logits}
    best = max(f1.values())
    assert got == max(x for x in f1 if f1[x] == best)
    assert np.isclose(sk.f1_score(labels, logits >= got), best)
    compared += 1
  assert compared >= 200


def test_best_threshold_is_best_for_the_metrics_too(batch):
  logits, labels, mask = batch
  best = metrics.best_threshold(*batch)
  f1 = metrics.finalize(sums_of(batch, threshold=best))['f1']
  for x in np.random.default_rng(0).choice(logits[mask], 50):
    assert metrics.finalize(sums_of(batch, threshold=x))['f1'] <= f1
  called = logits[mask] >= best
  assert np.isclose(f1, sk.f1_score(labels[mask], called), **TOLERANCE)
