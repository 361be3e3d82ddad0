"""Users and items of whom too little is known, left out."""

import dataclasses

import numpy as np

from jaxrec.data.columns.ragged import ends
from jaxrec.data.columns.sequences import Sequences
from jaxrec.errors import UserError


def filtered(
  sequences: Sequences, *, k_core: int, min_history: int
) -> tuple[Sequences, dict[str, int]]:
  """Without those who, and that which, too little is known of.

  Users with fewer than `k_core` or `min_history` interactions go, and so do
  items with fewer than `k_core`, again and again until none is left to go. The
  catalog keeps such items and their indices.

  Args:
    sequences: of all users.
    k_core, min_history: 0: off.

  Returns:
    What is left, and counts of what is not.

  Raises:
    UserError: nothing is left, or a number below 0.
  """
  for name, value in (('k_core', k_core), ('min_history', min_history)):
    if value < 0:
      raise UserError(f'data.{name}={value}: must be 0 or more')
  if not k_core and not min_history:
    return sequences, {}
  users, kept = sequences.users, np.ones(len(sequences.items), bool)
  before = -1
  while before != kept.sum():
    before = kept.sum()
    for column, least in (
      (users, max(k_core, min_history)),
      (sequences.items, k_core),
    ):
      kept &= (
        np.bincount(column[kept], minlength=column.max() + 1)[column] >= least
      )
  if not kept.any():
    raise UserError(
      f'data.k_core={k_core}, data.min_history={min_history} leave nobody: '
      'give less'
    )
  left = sequences.where(kept)
  lengths = np.diff(left.offsets)
  rows = np.flatnonzero(lengths)
  items = len(np.unique(sequences.items)) - len(np.unique(left.items))
  return (
    dataclasses.replace(
      left, user_ids=left.user_ids[rows], offsets=ends(lengths[rows])
    ),
    {
      'users dropped': len(sequences) - len(rows),
      'items dropped': items,
      'interactions dropped': int((~kept).sum()),
    },
  )
