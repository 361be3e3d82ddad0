import numpy as np

from jaxrec.data.batches.draws import draw


def rows(flat, counts):
  return np.split(flat, np.cumsum(counts)[:-1])


def test_each_is_drawn_once_and_alone():
  rng = np.random.default_rng(0)
  epochs, clicks = rng.integers(0, 3, 200), rng.integers(0, 2**40, 200)
  sizes = rng.integers(0, 40, 200)
  counts = np.minimum(sizes, rng.integers(0, 9, 200))
  draws = rows(draw(7, epochs, clicks, sizes=sizes, counts=counts), counts)
  for i, drawn in enumerate(draws):
    assert len(set(drawn.tolist())) == counts[i]
    assert ((drawn >= 0) & (drawn < sizes[i])).all()
    one = slice(i, i + 1)
    alone = draw(
      7, epochs[one], clicks[one], sizes=sizes[one], counts=counts[one]
    )
    np.testing.assert_array_equal(alone, drawn)


def test_seed_and_every_key_matter():
  ones = np.ones(50, int)
  options = {'sizes': 30 * ones, 'counts': 4 * ones}
  keys = ones, np.arange(50)
  first = draw(0, *keys, **options)
  others = [
    draw(1, *keys, **options),
    draw(0, 2 * ones, keys[1], **options),
    draw(0, ones, keys[1] + 50, **options),
    draw(0, keys[1], ones, **options),
  ]
  for other in others:  # By chance one in thirty is the same.
    assert np.mean(first == other) < 0.15


def test_all_sets_are_equally_likely():
  """Of 6 numbers 3: each of the 20 sets as often as chance has it."""
  size = 60_000
  ones = np.ones(size, int)
  draws = draw(3, ones, np.arange(size), sizes=6 * ones, counts=3 * ones)
  codes = np.sort(draws.reshape(-1, 3)) @ [36, 6, 1]
  _, counts = np.unique(codes, return_counts=True)
  assert len(counts) == 20
  chi_squared = ((counts - size / 20) ** 2 / (size / 20)).sum()
  assert 4 < chi_squared < 50  # 19 +- 6 of chance.
