"""Texts of many lengths into rows of one length, with little left empty."""

import math
from collections.abc import Sequence

import numpy as np


def pack(lengths: np.ndarray, row_tokens: int, row_segments: int):
  """First-fit decreasing (Johnson, 1973), by free space.

  Args:
    lengths: int [M], tokens of each text, 1..row_tokens.
    row_tokens: L, tokens a row holds.
    row_segments: S, texts a row holds.

  Returns:
    row, start, segment: int32 [M], where each text lies (segment from 0), and
    the number of rows used.
  """
  row, start, segment = (np.zeros(len(lengths), np.int32) for _ in range(3))
  if len(lengths) and not 1 <= lengths.min() <= lengths.max() <= row_tokens:
    raise ValueError(
      f'texts of {lengths.min()}..{lengths.max()} tokens do not fit rows of '
      f'{row_tokens}'
    )
  order = np.argsort(-lengths, kind='stable')
  # By space left: rows, and how many texts each of them has; last in, first
  # out. Texts of one length are placed together, a row taking all it can.
  free: list[list[tuple[np.ndarray, int]]]
  free = [[] for _ in range(row_tokens + 1)]
  num_rows = 0
  for length in np.unique(lengths)[::-1].tolist():
    left, order = np.split(order, [np.count_nonzero(lengths == length)])
    while len(left):
      spaces = range(length, row_tokens + 1)
      space = next((n for n in spaces if free[n]), row_tokens)
      rows, used = free[space].pop() if free[space] else (None, 0)
      each = min(space // length, row_segments - used)
      count = math.ceil(len(left) / each)
      if rows is None:
        rows = num_rows + np.arange(count)[::-1]
        num_rows += count
      count = min(count, len(rows))
      rows, taken = rows[:-count], rows[-count:][::-1]
      if len(rows):
        free[space].append((rows, used))
      placed, left = left[: count * each], left[count * each :]
      nth = np.arange(len(placed)) % each
      row[placed] = np.repeat(taken, each)[: len(placed)]
      start[placed] = row_tokens - space + nth * length
      segment[placed] = used + nth
      full, rest = divmod(len(placed), each)
      for rows, more in ((taken[:full], each), (taken[full:], rest)):
        if len(rows) and used + more < row_segments:
          free[space - more * length].append((rows, used + more))
  return row, start, segment, num_rows


def fill_rows(
  values: np.ndarray,
  offsets: np.ndarray,
  items: np.ndarray,
  placed: tuple[np.ndarray, np.ndarray, np.ndarray],
  num_rows: int,
  row_tokens: int,
):
  """Rows of the items, as placed.

  Args:
    values: [T, ...], one for each of the catalog's tokens: the tokens
      themselves, or their hidden states.
    offsets: int64 [N + 1]; item i has values offsets[i]..offsets[i + 1].
    items: int [M].
    placed: row, start, segment: int32 [M], by `pack`.
    num_rows, row_tokens: R and L.

  Returns:
    values [R, L, ...], 0 in padding; positions and segments, int32 [R, L].
  """
  row, start, segment = placed
  begin = offsets[items]
  lengths = offsets[items + 1] - begin
  within = np.arange(lengths.sum()) - np.repeat(
    np.cumsum(lengths) - lengths, lengths
  )
  place = np.repeat(row.astype(np.int64) * row_tokens + start, lengths) + within
  source = np.zeros(num_rows * row_tokens, np.int64)
  positions, segments = np.zeros((2, num_rows * row_tokens), np.int32)
  source[place] = np.repeat(begin, lengths) + within
  positions[place] = within
  segments[place] = np.repeat(segment + 1, lengths)
  filled = values[source]
  filled[segments == 0] = 0
  shape = (num_rows, row_tokens)
  return (
    filled.reshape(*shape, *values.shape[1:]),
    positions.reshape(shape),
    segments.reshape(shape),
  )


def unfill_rows(
  filled: np.ndarray, segments: np.ndarray, rows: np.ndarray, row_segments: int
) -> np.ndarray:
  """The inverse of `fill_rows`: items' values end to end.

  Args:
    filled: [R, L, ...].
    segments: int32 [R, L].
    rows: int32 [M], each item's row of the table, its row * S + its segment.
    row_segments: S.

  Returns:
    [T, ...], the values of the M items, in their order.
  """
  used, at = np.nonzero(segments)
  rank = np.empty(len(segments) * row_segments, np.int64)
  rank[rows] = np.arange(len(rows))
  owner = rank[used * row_segments + segments[used, at] - 1]
  order = np.argsort(owner, kind='stable')
  return filled[used[order], at[order]]


def size_ladder(
  base: int, multiple: int, most: int, growth: float = 1.125
) -> list[int]:
  """Sizes a batch may be padded to: few, multiples, sorted.

  Args:
    base: what nearly every batch needs.
    multiple: every size is a multiple of this (the devices the axis is split
      over).
    most: what no batch exceeds.
    growth: from one size to the next.

  Returns:
    Sizes from about half of `base` up to at least `most`.
  """
  return ladder(max(base / 2, 1), most, growth, multiple)


def ladder(
  least: float, most: int, growth: float, multiple: int = 1
) -> list[int]:
  """Sizes that arrays are padded to, ascending: each is a compilation.

  Args:
    least: the first, but for `multiple`.
    most: the last is the smallest that holds this.
    growth: from one size to the next.
    multiple: every size is a multiple of this.
  """
  up = lambda n: math.ceil(n / multiple) * multiple
  sizes, size = set(), least
  while size < most:
    sizes.add(up(size))
    size *= growth
  return sorted(sizes | {up(most)})


def fit(needed: int, sizes: Sequence[int]) -> int:
  """The first of the sizes, which ascend, that holds `needed`."""
  return next(size for size in sizes if size >= needed)


def fit_growing(needed: int, least: int, growth: int) -> int:
  """The first of least, least * growth, ... that holds `needed`."""
  size = least
  while size < needed:
    size *= growth
  return size
