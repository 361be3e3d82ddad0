"""Impressions cut by time, and put together again."""

import pathlib

import numpy as np

from jaxrec.data.columns.files import ColumnWriter
from jaxrec.data.columns.impressions import (
  Impressions,
  append_impressions,
  read_impressions,
  write_taken,
)
from jaxrec.errors import UserError


def split_by_time(
  impressions: Impressions, fraction: float, directory: pathlib.Path
) -> list[Impressions]:
  """The earliest and, to be held out, the latest `fraction` of examples.

  Both are sorted by time, ties in the order they came, and kept in
  `directory`; only the order itself, once, is held in memory.
  """
  sides = [directory / name for name in ('train', 'validation')]
  if all(side.is_dir() for side in sides):
    return [read_impressions(side) for side in sides]
  order = np.argsort(impressions.times, kind='stable')
  cut = round(len(order) * (1 - fraction))
  if not 0 < cut < len(order):
    raise UserError(
      f'data.validation_fraction={fraction} leaves one side of '
      f'{len(order)} impressions empty: give e.g. 0.1'
    )
  for side, rows in zip(sides, (order[:cut], order[cut:]), strict=True):
    write_taken(impressions, rows, side)
  return [read_impressions(side) for side in sides]


def joined(splits: list[Impressions], directory: pathlib.Path) -> Impressions:
  """Impressions one after the other, as columns kept in `directory`."""
  if not directory.is_dir():
    with ColumnWriter(directory) as writer:
      for split in splits:
        append_impressions(writer, split)
  return read_impressions(directory)
