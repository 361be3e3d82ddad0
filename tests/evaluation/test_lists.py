import numpy as np
import pytest

from jaxrec.evaluation import lists, metrics


def catalog(popularity, vectors=None):
  popularity = np.asarray(popularity)
  if vectors is None:
    vectors = np.eye(len(popularity), dtype=np.float32)
  return lists.CatalogFacts(popularity, num_users=16, vectors=vectors)


def padded(rows):
  top = np.full((len(rows), 12), -1, np.int32)
  for i, row in enumerate(rows):
    top[i, : len(row)] = row
  return top


def test_against_slow_counts():
  rng = np.random.default_rng(0)
  items = catalog(rng.integers(0, 17, 50), rng.normal(size=(50, 6)))
  rows = [rng.permutation(50)[: rng.integers(0, 13)] for _ in range(30)]
  measured = lists.list_metrics(padded(rows), items)
  for i, row in enumerate(rows):
    row = row[: lists.K]  # What lies behind is not looked at.
    novelty = [-np.log2(max(items.popularity[j], 1) / 16) for j in row]
    novelty = np.maximum(novelty, 0)
    below = [
      np.mean(items.popularity < items.popularity[j])
      + np.mean(items.popularity == items.popularity[j]) / 2
      for j in row
    ]
    x = items.vectors[row] / np.linalg.norm(
      items.vectors[row], axis=1, keepdims=True
    )
    unlike = [1 - x[a] @ x[b] for a in range(len(x)) for b in range(a)]
    for name, values in (
      ('novelty@10', novelty),
      ('popularity@10', below),
      ('diversity@10', unlike),
    ):
      total, count = (part[i] for part in measured[name])
      assert count == (len(values) > 0)
      expected = np.mean(values) if len(values) else 0
      assert total == pytest.approx(expected, abs=1e-5)


def test_a_list_drawn_at_random_is_of_middling_popularity():
  rng = np.random.default_rng(0)
  items = catalog(rng.integers(0, 5, 400), np.ones((400, 1)))
  rows = padded([rng.permutation(400)[:10] for _ in range(500)])
  measured = metrics.finalize(lists.list_metrics(rows, items))
  assert measured['popularity@10'] == pytest.approx(0.5, abs=0.02)
  assert measured['diversity@10'] == pytest.approx(0, abs=1e-6)


def test_coverage_counts_items_once():
  items = catalog(np.zeros(20, int))
  assert lists.coverage(padded([[1, 2], [2, 3], []]), items) == 3 / 20
  assert lists.coverage(padded([]), items) == 0


def test_popularity_bias_shares_sum_to_one():
  items = catalog([0, 0, 1, 2, 3, 9, 50])
  shares_of = lists.popularity_bias(
    {'all': padded([range(7)]), 'head': padded([[6], [6]])},
    np.array([5, 6]),
    items,
  )
  names = shares_of.pop('bins')
  assert names[0] == '0 users' and names[-1] == '31+ users'
  for shares in shares_of.values():
    assert len(shares) == len(names) and sum(shares) == pytest.approx(1)
  assert shares_of['all'] == pytest.approx(shares_of['catalog'])
  assert shares_of['head'][-1] == 1 and shares_of['clicked'][-1] == 0.5
