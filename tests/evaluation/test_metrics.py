"""Metrics: equal to scikit-learn's and ir-measures', whatever the order."""

import dataclasses
import itertools
import tempfile

import ir_measures
import numpy as np
import pytest
from sklearn import metrics as sk

from jaxrec.data.datasets.mind import Mind
from jaxrec.evaluation import metrics

E = 1000
EXACT = {'rtol': 0, 'atol': 1e-9}


@pytest.fixture(scope='module', params=['random', 'mind'])
def cases(request):
  """Scores, labels and offsets: made up, or of MIND's dev set."""
  if request.param == 'random':
    return random_cases()
  mind_dir = request.getfixturevalue('mind_dir')
  with tempfile.TemporaryDirectory() as directory:
    builder = Mind(config='impressions', data_dir=directory)
    shown = list(builder.impressions(mind_dir, 'test'))
  labels = np.concatenate([one['labels'] for one in shown])
  offsets = np.cumsum([0, *(len(one['labels']) for one in shown)])
  # How often an item was shown: many ties.
  items = np.concatenate([one['candidates'] for one in shown])
  return np.bincount(items)[items].astype(np.float32), labels, offsets


def random_cases():
  """Ties, one-sided labels, few candidates, none."""
  rng = np.random.default_rng(0)
  sizes = rng.integers(2, 30, E)
  sizes[7::16], sizes[14::64] = 1, 0
  offsets = np.concatenate([[0], np.cumsum(sizes)])
  owners = np.repeat(np.arange(E), sizes)
  scores = rng.normal(size=offsets[-1]).astype(np.float32)
  scores = np.where(owners % 4 == 0, np.round(scores), scores)  # 0. and -0.
  scores[owners % 32 == 2] = 0.5  # Nothing but ties.
  low = (owners % 64 == 9) & (scores < 0)
  scores[low] = -np.inf  # A score too.
  labels = rng.random(offsets[-1]) < rng.uniform(0.05, 0.9, E)[owners]
  labels[owners % 16 == 3], labels[owners % 16 == 5] = True, False
  return scores, labels.astype(np.uint8), offsets


def split(scores, labels, offsets):
  """(scores, labels) of each example."""
  return [(scores[a:b], labels[a:b]) for a, b in itertools.pairwise(offsets)]


def against_us(scores, labels):
  """Labels in the order that is judged: of equal scores the clicked last."""
  return labels[np.lexsort((labels, -scores))].astype(int)


@pytest.fixture(scope='module')
def values(cases):
  return metrics.rank_metrics(metrics.place(*cases))


def value(values, name, i):
  """Example i's metric, None where it is not valid."""
  total, count = (part[i] for part in values[name])
  assert count in (0, 1) and (count or not total)
  return total if count else None


def test_the_cases_hold_what_can_go_wrong():
  each = split(*random_cases())
  assert sum(len(y) == 0 for _, y in each) >= 10
  assert sum(len(y) == 1 for _, y in each) >= 10
  several = [(x, y) for x, y in each if len(y) > 1]
  assert sum(y.all() for _, y in several) >= 10
  assert sum(not y.any() for _, y in several) >= 10
  assert (
    sum(
      against_us(x, y).tolist() != y[np.argsort(-x)].tolist()
      for x, y in several
    )
    >= 100
  )


def test_auc_equals_sklearn(cases, values):
  for i, (scores, labels) in enumerate(split(*cases)):
    auc = value(values, 'auc', i)
    assert (auc is not None) == (len(np.unique(labels)) == 2)
    if auc is not None:
      # sklearn takes no infinity; -1e9 is below all the others as well.
      expected = sk.roc_auc_score(labels, np.maximum(scores, -1e9))
      np.testing.assert_allclose(auc, expected, **EXACT)


@pytest.mark.parametrize('k', metrics.CUTS)
def test_ndcg_equals_sklearn(cases, values, k):
  for i, (scores, labels) in enumerate(split(*cases)):
    ndcg = value(values, f'ndcg@{k}', i)
    assert (ndcg is not None) == bool(labels.any())
    if ndcg is not None:
      # sklearn wants two candidates; an irrelevant last one changes nothing.
      ordered = [*against_us(scores, labels), 0]
      expected = sk.ndcg_score([ordered], [-np.arange(len(ordered))], k=k)
      np.testing.assert_allclose(ndcg, expected, **EXACT)


@pytest.mark.parametrize('k', metrics.CUTS)
def test_cut_metrics_equal_ir_measures(cases, values, k):
  names = {
    f'nDCG@{k}': f'ndcg@{k}',
    f'P@{k}': f'precision@{k}',
    f'R@{k}': f'recall@{k}',
    f'Success@{k}': f'hr@{k}',
  }
  reference = ir([against_us(x, y) for x, y in split(*cases)], names)
  compared = 0
  for (query, measure), expected in reference.items():
    ours = value(values, names[measure], query)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)
    compared += 1
  assert compared == 4 * sum(y.any() for _, y in split(*cases))


def test_f1_is_the_harmonic_mean(values):
  for k in metrics.CUTS:
    p, r, f1 = (values[f'{n}@{k}'][0] for n in ('precision', 'recall', 'f1'))
    expected = np.where(p + r > 0, 2 * p * r / np.where(p + r > 0, p + r, 1), 0)
    np.testing.assert_allclose(f1, expected, **EXACT)


def test_mrr_is_the_mean_over_clicks_of_ir_measures_rr(cases, values):
  ordered = [against_us(x, y) for x, y in split(*cases)]
  alone, owners = [], []  # Each click as the only one, the others left in.
  for i, labels in enumerate(ordered):
    for place in np.flatnonzero(labels):
      # What follows the only click changes nothing.
      alone.append((np.arange(place + 1) == place).astype(int))
      owners.append(i)
  reference = ir(alone, {'RR': None})
  for i, labels in enumerate(ordered):
    if labels.any():
      reciprocals = [
        reference[j, 'RR'] for j, owner in enumerate(owners) if owner == i
      ]
      np.testing.assert_allclose(
        value(values, 'mrr', i), np.mean(reciprocals), **EXACT
      )


def ir(ordered, names):
  """(query, measure) -> value by ir-measures, of labels best first."""
  qrels = [
    ir_measures.Qrel(str(q), f'd{d:03}', int(label))
    for q, labels in enumerate(ordered)
    for d, label in enumerate(labels)
  ]
  run = [
    ir_measures.ScoredDoc(str(q), f'd{d:03}', float(-d))
    for q, labels in enumerate(ordered)
    for d in range(len(labels))
  ]
  measures = [ir_measures.parse_measure(name) for name in names]
  clicked = {str(q) for q, labels in enumerate(ordered) if np.any(labels)}
  return {
    (int(m.query_id), str(m.measure)): m.value
    for m in ir_measures.iter_calc(measures, qrels, run)
    if m.query_id in clicked
  }


@pytest.mark.parametrize('threshold', [0.25, -9.0, 9.0])
def test_click_metrics_equal_sklearn(cases, threshold):
  scores, labels, _ = cases
  called = scores >= threshold
  measured = metrics.finalize(metrics.click_metrics(*cases, threshold))
  assert measured == pytest.approx(
    {
      'accuracy': sk.accuracy_score(labels, called),
      'precision': sk.precision_score(labels, called, zero_division=0),
      'recall': sk.recall_score(labels, called),
      'f1': sk.f1_score(labels, called),
    },
    abs=1e-9,
  )


def test_the_order_of_candidates_never_matters(cases, values):
  scores, labels, offsets = cases
  owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
  order = np.lexsort((np.random.default_rng(1).random(len(owners)), owners))
  other = metrics.rank_metrics(
    metrics.place(scores[order], labels[order], offsets)
  )
  for name, (total, count) in values.items():
    np.testing.assert_array_equal(count, other[name][1])
    np.testing.assert_allclose(total, other[name][0], **EXACT)


def test_only_the_order_of_scores_matters(cases, values):
  scores, labels, offsets = cases
  _, ranks = np.unique(scores, return_inverse=True)
  other = metrics.rank_metrics(metrics.place(ranks, labels, offsets))
  for name in values:
    np.testing.assert_array_equal(values[name], other[name])


def test_ranks_are_of_the_candidates_in_their_order(cases):
  scores, labels, offsets = cases
  places = metrics.place(*cases)
  ranks, at = places.ranks(), 0
  for x, y in split(scores, labels, offsets):
    own = ranks[at : at + int(y.sum())]
    at += len(own)
    for score, rank in zip(x[y > 0], own, strict=True):
      better = (x > score).sum() + ((x == score) & (y == 0)).sum()
      assert better < rank <= better + ((x == score) & (y > 0)).sum()
    assert len(set(own.tolist())) == len(own)
  assert at == len(ranks)


def test_a_constant_scorer_is_the_worst_but_for_auc():
  labels, offsets = np.array([1, 0, 0, 0, 0, 0]), np.array([0, 6])
  measured = metrics.finalize(
    metrics.rank_metrics(metrics.place(np.zeros(6), labels, offsets))
  )
  assert measured['auc'] == 0.5 and measured['mrr'] == pytest.approx(1 / 6)
  assert measured['hr@5'] == measured['ndcg@5'] == 0


def test_parts_add_up_to_the_whole(cases, values):
  mask = np.random.default_rng(2).random(len(cases[2]) - 1) < 0.3
  whole = metrics.finalize(values)
  parts = [metrics.rows(values, m) for m in (mask, ~mask)]
  for name in metrics.RANKING:
    total = sum(p[name][0].sum() for p in parts)
    count = sum(p[name][1].sum() for p in parts)
    assert whole[name] == pytest.approx(total / count, abs=1e-12)


def test_nothing_gives_nan_or_zero():
  nothing = np.zeros(0), np.zeros(0), np.zeros(1, np.int64)
  values = metrics.rank_metrics(metrics.place(*nothing))
  measured = metrics.finalize(values | metrics.click_metrics(*nothing, 0.0))
  zeros = {name for name, x in measured.items() if x == 0}
  assert zeros == {'precision', 'recall', 'f1'}
  assert all(np.isnan(x) for name, x in measured.items() if name not in zeros)


def test_best_threshold_is_the_best_there_is(cases):
  scores, labels, _ = cases
  threshold = metrics.best_threshold(scores, labels)
  f1 = {t: sk.f1_score(labels, scores >= t) for t in np.unique(scores)[::200]}
  assert sk.f1_score(labels, scores >= threshold) >= max(f1.values())
  assert threshold in scores
  assert metrics.best_threshold(scores, np.zeros_like(labels)) == 0.0


def test_places_from_counts_equal_places_from_scores(cases, values):
  """What a whole catalog's ranking gives is judged as a list is."""
  scores, labels, offsets = cases
  above, equal, owners, own, others = [], [], [], [], []
  for i, (x, y) in enumerate(split(scores, labels, offsets)):
    others.append((y == 0).sum())
    for score in x[y > 0]:
      above.append((x[y == 0] > score).sum())
      equal.append((x[y == 0] == score).sum())
      own.append(score)
      owners.append(i)
  counted = metrics.Places(*map(np.array, (owners, above, equal, own, others)))
  placed = metrics.place(*cases)
  for field in dataclasses.fields(metrics.Places):
    np.testing.assert_array_equal(
      getattr(counted, field.name), getattr(placed, field.name)
    )
  again = metrics.rank_metrics(counted)
  for name in values:
    np.testing.assert_array_equal(values[name], again[name])


@pytest.mark.parametrize('clicked', [0, 1, 2])
def test_no_number_is_below_all_numbers(clicked):
  """A score that is none ties with its like, and is never a perfect rank."""
  labels, offsets = np.zeros(3, np.uint8), np.array([0, 3])
  labels[clicked] = 1
  scores = np.array([np.nan, -1e30, np.nan], np.float32)
  values = metrics.rank_metrics(metrics.place(scores, labels, offsets))
  reached = metrics.finalize(values)
  assert reached['auc'] == (1.0 if clicked == 1 else 0.25)
  assert reached['mrr'] == (1.0 if clicked == 1 else pytest.approx(1 / 3))


def test_numbers_are_left_as_they_are():
  scores = np.array([1.0, -np.inf, np.inf], np.float32)
  assert metrics.lowest_for_nan(scores) is scores
