import numpy as np
import pytest

from jaxrec.data.batches.packing import (
  fill_rows,
  fit,
  fit_growing,
  ladder,
  pack,
  size_ladder,
)


def check_packing(lengths, row_tokens, row_segments):
  row, start, segment, used = pack(lengths, row_tokens, row_segments)
  taken = np.zeros((used, row_tokens), int)
  for r, s, n in zip(row, start, lengths, strict=True):
    taken[r, s : s + n] += 1
    assert s + n <= row_tokens
  assert taken.max(initial=0) <= 1  # Nothing overlaps ...
  assert taken.sum() == lengths.sum()  # ... and nothing is lost.
  slots = row * row_segments + segment
  assert len(np.unique(slots)) == len(lengths)
  assert segment.max(initial=0) < row_segments
  return used


@pytest.mark.parametrize('seed', range(20))
def test_every_text_has_a_place_of_its_own(seed):
  rng = np.random.default_rng(seed)
  row_tokens = int(rng.integers(4, 64))
  lengths = rng.integers(1, row_tokens + 1, rng.integers(0, 200))
  used = check_packing(lengths, row_tokens, int(rng.integers(1, 9)))
  assert used <= len(lengths)


def first_fit(lengths, row_tokens, row_segments):
  """What `pack` promises, text by text: the fullest row that has room."""
  rows, found = [], {}  # Of each row: free tokens, when last used, texts.
  for now, i in enumerate(np.argsort(-lengths, kind='stable')):
    open_rows = [
      (row[0], -row[1], r)
      for r, row in enumerate(rows)
      if row[0] >= lengths[i] and row[2] < row_segments
    ]
    if open_rows:
      r = min(open_rows)[-1]
    else:
      r = len(rows)
      rows.append([row_tokens, 0, 0])
    found[i] = r, row_tokens - rows[r][0], rows[r][2]
    rows[r] = [rows[r][0] - lengths[i], now, rows[r][2] + 1]
  return np.array([found[i] for i in range(len(lengths))]), len(rows)


@pytest.mark.parametrize('seed', range(10))
def test_all_texts_of_a_length_at_once_is_one_by_one(seed):
  rng = np.random.default_rng(seed)
  row_tokens, row_segments = rng.integers(1, 40), rng.integers(1, 9)
  lengths = rng.integers(1, row_tokens + 1, rng.integers(1, 150))
  want, num_rows = first_fit(lengths, row_tokens, row_segments)
  *placed, used = pack(lengths, int(row_tokens), int(row_segments))
  np.testing.assert_array_equal(np.stack(placed, 1), want)
  assert used == num_rows


def test_packing_is_close_to_the_least_number_of_rows():
  rng = np.random.default_rng(0)
  lengths = rng.integers(4, 30, 2000)
  used = check_packing(lengths, 32, 8)
  assert used * 32 < lengths.sum() * 1.1


def test_texts_longer_than_a_row_are_refused():
  with pytest.raises(ValueError, match=r'1\.\.9 tokens do not fit rows of 8'):
    pack(np.array([1, 9]), 8, 4)


def test_rows_hold_the_items_tokens():
  rng = np.random.default_rng(1)
  lengths = rng.integers(1, 17, 50)
  offsets = np.concatenate([[0], np.cumsum(lengths)])
  catalog = rng.integers(1, 1000, offsets[-1]).astype(np.int32)
  items = rng.permutation(50)[:20]
  *placed, used = pack(lengths[items], 16, 4)
  tokens, positions, segments = fill_rows(
    catalog, offsets, items, placed, used + 3, 16
  )
  assert tokens.shape == positions.shape == segments.shape == (used + 3, 16)
  for item, row, segment in zip(items, placed[0], placed[2], strict=True):
    here = segments[row] == segment + 1
    want = catalog[offsets[item] : offsets[item + 1]]
    np.testing.assert_array_equal(tokens[row][here], want)
    np.testing.assert_array_equal(positions[row][here], np.arange(len(want)))
  assert (segments > 0).sum() == lengths[items].sum()
  assert not tokens[segments == 0].any()


@pytest.mark.parametrize('multiple', [1, 8])
def test_the_ladder_is_short_and_holds_everything(multiple):
  sizes = size_ladder(300, multiple, 3500)
  assert sizes == sorted(set(sizes))
  assert all(size % multiple == 0 for size in sizes)
  assert len(sizes) < 30
  for needed in (1, 299, 300, 301, 2999, 3500):
    size = fit(needed, sizes)
    assert size >= needed
    if needed >= 300:
      assert size <= needed * 1.125 + multiple + 1


def test_ladders_from_the_least_to_the_most():
  assert ladder(16, 100, 4) == [16, 64, 100]
  assert ladder(16, 16, 2) == [16] and ladder(16, 5, 2) == [5]
  assert [fit(n, (1, 8, 64)) for n in (1, 2, 8, 9)] == [1, 8, 8, 64]
  assert [fit_growing(n, 8, 4) for n in (0, 8, 9, 33)] == [8, 8, 32, 128]
