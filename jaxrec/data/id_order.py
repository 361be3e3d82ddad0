"""Whether the order of actions is that of the items' ids.

Times are often days. Who then sorts a file by user, day and item, and numbers
the lines, has made up an order: models learn it, and are measured by it, though
it says nothing of the users. What tells of it is that steps go up in the ids
more often than down, or less often. Where nothing but the users decides, they
go either way alike. Ids given out in time look the same, if users follow what
is new; so a person has to judge.
"""

import numpy as np

from jaxrec.data.columns.ragged import event_numbers, ragged_rows
from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.columns.texts import Texts

READ = 1 << 19  # Actions that are looked at, of users all over the set.
FEWEST = 1000  # Steps that allow a judgement.
MARGIN = 0.1  # Of the share of steps up, beyond which it is not chance.


def steps_up(sequences: Sequences, ids: Texts) -> tuple[int, int]:
  """How many steps from one event to the next there are, and go up in the ids.

  An event with several items stands where its items do on average, so that
  neither its size nor how it is sorted makes a difference. Steps that end where
  they began are none.

  Args:
    sequences: who acted on what.
    ids: N, of the items. If all that occur are whole numbers, they are compared
      as such, else as strings.
  """
  stride = max(-(-len(sequences.items) // READ), 1)
  flat, offsets = ragged_rows(
    sequences.offsets, np.arange(0, len(sequences), stride)
  )
  users = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
  events = event_numbers(offsets, sequences.times[flat])
  items, item_of = np.unique(sequences.items[flat], return_inverse=True)
  ranks = _ranks([ids[i] for i in items.tolist()])[item_of]
  sizes = np.bincount(events)
  places = np.bincount(events, ranks) / sizes
  user_of = users[np.cumsum(sizes) - 1]
  moves = np.diff(places)[user_of[1:] == user_of[:-1]]
  return int((moves != 0).sum()), int((moves > 0).sum())


def warning(steps: int, up: int) -> str:
  """What to say where steps follow the ids; '' where there is nothing to say.

  Args:
    steps, up: see `steps_up`.
  """
  if steps < FEWEST or abs(up / steps - 0.5) <= MARGIN:
    return ''
  return (
    f'{up / steps:.0%} of {steps:,} steps from one event of a user to the next '
    'go to a higher item_id, where chance has 50%: if actions were sorted by '
    'it, part of what is learned and measured is that order; if ids are given '
    'out in time, users follow what is new'
  )


def _ranks(ids: list[str]) -> np.ndarray:
  """int64, the place of each id among all, from 0."""
  numbers = all(text.isascii() and text.isdigit() for text in ids)
  key = (lambda i: int(ids[i])) if numbers else ids.__getitem__
  ranks = np.empty(len(ids), np.int64)
  ranks[sorted(range(len(ids)), key=key)] = np.arange(len(ids))
  return ranks
