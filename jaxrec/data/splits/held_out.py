"""What is held out of sequences to be predicted.

An event (see `columns.sequences`) is held out whole, and none of it may be seen
when another item of it is predicted.

Where users act in several ways, targets may be of one behaviour alone, say
purchases. Then only events that have such an item are held out. Items of other
behaviours in these are no targets, and are in no part of the cut: they happened
at once with what is predicted. Those of earlier events stay in the history.

What is held out comes as Impressions whose candidates are the targets alone,
all labelled 1: everything else in the catalog is a candidate too. `cold_items`
lists all its candidates.
"""

import dataclasses

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.ragged import ends, ragged_rows
from jaxrec.data.columns.sequences import Sequences, pairs
from jaxrec.errors import UserError, choices


@dataclasses.dataclass(frozen=True)
class HeldOut:
  """Sequences cut by a protocol.

  Attributes:
    train: what may be learned from.
    before_test: `train` and what was held out for validation.
    validation, test: histories and targets, see the module's docstring.
    counts: what one should know of the cut.
  """

  train: Sequences
  before_test: Sequences
  validation: Impressions
  test: Impressions
  counts: dict[str, int]


def leave_one_out(
  sequences: Sequences, is_target: np.ndarray | None = None
) -> HeldOut:
  """Each user's last event is the test, the one before it the validation.

  A user with two events has no validation; one with a single event is for
  training alone. Note that other users' later events may be in training: who
  wants none of the future there takes `time_split`.

  Args:
    sequences: of all users.
    is_target: bool, one per item; None: all. Events without a target are not
      held out; what a user did after the last target is in no part.
  """
  users, events = sequences.users, sequences.events()
  if is_target is None:
    is_target = np.ones(len(events), bool)
  # Of each event: can it be held out? Something must be before it.
  holds = np.zeros(events.max(initial=-1) + 1, bool)
  holds[events[is_target]] = True
  begins = sequences.offsets[:-1][np.diff(sequences.offsets) > 0]
  holds[events[begins]] = False
  up_to = np.cumsum(holds)[events]
  first, last = np.zeros((2, len(sequences)), np.int64)
  last[users] = up_to  # The last assignment holds.
  first[users[::-1]] = up_to[::-1]
  later = last[users] - up_to  # Events after this one that can be held out.
  events_held = np.minimum(last - first, 2)
  held = events_held[users]
  targets = holds[events] & is_target
  known = (later > 0) | (held == 0)
  test = holds[events] & (later == 0)
  counts = {
    'users': len(sequences),
    'users with a single event, for training alone': int(
      (events_held == 0).sum()
    ),
  }
  if not is_target.all():
    counts = {
      'users': len(sequences),
      'users without a target after another event, for training alone': int(
        (events_held == 0).sum()
      ),
      'interactions after the last target, in no part': int(
        (~known & ~test).sum()
      ),
    }
  return HeldOut(
    train=sequences.where(later >= held),
    before_test=sequences.where(known),
    validation=_held_out(
      sequences, targets & (later == 1) & (held == 2), later > 1
    ),
    test=_held_out(sequences, targets & test, later > 0),
    counts=counts,
  )


def time_split(
  sequences: Sequences, fraction: float, is_target: np.ndarray | None = None
) -> HeldOut:
  """Two moments cut all users at once: nothing learns from the future.

  Test targets are all that a user acts on in the latest `fraction` of all
  actions, validation targets in the `fraction` before; of those that
  `is_target` (bool, one per item; None: all) marks. A user who was not there
  before has an empty history.
  """
  times = np.sort(sequences.times)
  moment = lambda share: times[min(int(len(times) * share), len(times) - 1)]
  begin, end = moment(1 - 2 * fraction), moment(1 - fraction)
  before, after = sequences.times < begin, sequences.times >= end
  if not before.any() or not (~before & ~after).any():
    raise UserError(
      f'data.validation_fraction={fraction} leaves nothing to train on, or '
      'nothing to validate on, before the test: give e.g. 0.1'
    )
  if is_target is None:
    is_target = np.ones(len(sequences.times), bool)
  return HeldOut(
    train=sequences.where(before),
    before_test=sequences.where(~after),
    validation=_held_out(sequences, ~before & ~after & is_target, before),
    test=_held_out(sequences, after & is_target, ~after),
    counts={'users': len(sequences)},
  )


def cold_items(
  sequences: Sequences, fraction: float, is_target: np.ndarray | None = None
) -> HeldOut:
  """The newest items are unknown to training, and ranked among themselves.

  Items that anybody acted on are ordered by the first time somebody did, ties
  by index. The newest `fraction` of them are cold for the test, the `fraction`
  before for the validation; the others are warm. Training has warm items alone;
  what may be known before the test has validation's cold items too. An example
  is a user's first event, after some on warm items, that has a cold item of its
  split to predict: the history is what was warm and strictly earlier, the
  targets are the event's cold items. All cold items of the split are listed as
  its candidates, those that are no targets labelled 0.

  Other users' later actions on warm items may be in training. As many numbers
  as examples times cold items are held in memory: a catalog of a million items
  is better evaluated on a sample of its users.

  Args:
    sequences: of all users.
    fraction: of the items.
    is_target: bool, one per item of the sequences, what may be predicted; None:
      all.

  Raises:
    UserError: nothing is left to learn from, or nobody acts on new items.
  """
  known, item_of = np.unique(sequences.items, return_inverse=True)
  first = np.full(len(known), np.iinfo(np.int64).max)
  np.minimum.at(first, item_of, sequences.times)
  newest = np.lexsort((-known, -first))  # Of one time the highest index.
  count = max(int(len(known) * fraction), 1)
  if fraction <= 0 or len(known) <= 2 * count:
    raise UserError(
      f'data.validation_fraction={fraction} of {len(known)} items twice leaves '
      'none to train on, or none to hold out: give e.g. 0.1'
    )
  age = np.empty(len(known), np.int64)
  age[newest] = np.arange(len(known))
  kind = np.minimum(age // count, 2)[item_of]  # 0: of the test, 2: warm.
  users, events, warm = sequences.users, sequences.events(), kind == 2
  if is_target is None:
    is_target = np.ones(len(kind), bool)
  # Of each item: how many warm ones its user had in earlier events.
  before = np.concatenate([[0], np.cumsum(warm)])
  begins = np.flatnonzero(np.diff(events, prepend=-1))
  past = before[begins][events] - before[sequences.offsets[users]]
  splits, counts = [], {'users': len(sequences), 'warm items': 0}
  for cold, name in ((1, 'validation'), (0, 'test')):
    can_be_target = (kind == cold) & is_target & (past > 0)
    chosen = np.full(len(sequences), -1)
    places = np.flatnonzero(can_be_target)[::-1]
    # The last assignment holds, which is of the first event.
    chosen[users[places]] = events[places]
    if not len(places):
      raise UserError(
        f'data.protocol=cold_items: nobody acts on one of the {count} '
        f'new items of the {name} after anything else: give another protocol'
      )
    split = _held_out(
      sequences,
      can_be_target & (events == chosen[users]),
      warm & (events < chosen[users]),
    )
    items = known[newest[cold * count : (cold + 1) * count]]
    splits.append(_among(split, np.sort(items).astype(np.int32)))
    counts[f'cold items of the {name}'] = count
    counts[f'{name} users'] = len(split)
  counts['warm items'] = len(known) - 2 * count
  return HeldOut(
    train=sequences.where(warm),
    before_test=sequences.where(kind > 0),
    validation=splits[0],
    test=splits[1],
    counts=counts,
  )


# How sequences are cut, by name.
PROTOCOLS = {
  'cold_items': cold_items,
  'leave_one_out': lambda sequences, fraction, is_target: leave_one_out(
    sequences, is_target
  ),
  'time_split': time_split,
}


def cut(
  sequences: Sequences,
  protocol: str,
  fraction: float,
  is_target: np.ndarray | None = None,
) -> HeldOut:
  """Sequences cut by one of PROTOCOLS.

  Args:
    sequences: of all users.
    protocol: a key of PROTOCOLS.
    fraction: of `time_split` and `cold_items`.
    is_target: bool, one per item, what may be held out; None: everything.
  """
  if protocol not in PROTOCOLS:
    raise UserError(f'data.protocol: {choices(protocol, PROTOCOLS)}')
  return PROTOCOLS[protocol](sequences, fraction, is_target)


def targets_of(
  sequences: Sequences, behaviours: tuple[str, ...], wanted: str
) -> np.ndarray | None:
  """bool, one per item: is it of the behaviour `wanted`? None: '', all are.

  Raises:
    UserError: nobody behaves so.
  """
  if not wanted:
    return None
  if wanted not in behaviours:
    raise UserError(f'data.target_behaviour: {choices(wanted, behaviours)}')
  assert sequences.behaviours is not None  # Whoever names them has them.
  return sequences.behaviours == behaviours.index(wanted)


def _held_out(
  sequences: Sequences, targets: np.ndarray, history: np.ndarray
) -> Impressions:
  """One example for each user with targets; masks are bool, one per item."""
  users = sequences.users
  # A target once, however often it was bought.
  _, firsts = np.unique(
    pairs(users[targets], sequences.items[targets]), return_index=True
  )
  firsts = np.flatnonzero(targets)[np.sort(firsts)]
  counts = np.bincount(users[firsts], minlength=len(sequences))
  rows = np.flatnonzero(counts)
  seen = sequences.where(history)
  flat, offsets = ragged_rows(seen.offsets, rows)
  shown = ends(counts[rows])
  ids = sequences.user_ids[rows]
  return Impressions(
    impression_ids=ids,
    user_ids=ids,
    times=sequences.times[firsts][shown[:-1]],
    history=seen.items[flat],
    history_offsets=offsets,
    history_times=seen.times[flat],
    history_behaviours=None
    if seen.behaviours is None
    else seen.behaviours[flat],
    candidates=sequences.items[firsts],
    candidate_offsets=shown,
    labels=np.ones(len(firsts), np.uint8),
  )


def _among(split: Impressions, items: np.ndarray) -> Impressions:
  """Examples whose candidates are `items` (sorted), all of them."""
  labels = np.zeros((len(split), len(items)), np.uint8)
  owners = np.repeat(np.arange(len(split)), np.diff(split.candidate_offsets))
  labels[owners, np.searchsorted(items, split.candidates)] = 1
  return dataclasses.replace(
    split,
    candidates=np.tile(items, len(split)),
    candidate_offsets=np.arange(len(split) + 1) * len(items),
    labels=labels.ravel(),
  )
