"""What is known of pairs of items, as two vectors of each.

An item-item matrix B, of which row i is what an item i in a history says for
every item, is cut to `width` columns: B ~ read @ scored.T. A model can start
from these vectors, and learn on.

together: who acted on this acted on that. EASE (Steck 2019), its columns
  scaled by popularity, its actions fading with their age, and items' texts
  beside what users did, where asked for.
follows: what comes after what. A ridge regression of the events to come on
  those that were, both fading; after SLIT (Choi et al. 2021).

Where there is nothing to learn a channel from, all of its vectors are zeros.
"""

import dataclasses
import pathlib

import numpy as np
from scipy import linalg, sparse

from jaxrec.baselines.ease import MOST
from jaxrec.baselines.matrices import binary_rows
from jaxrec.data.columns.files import read_columns, write_columns
from jaxrec.data.columns.moments import newest
from jaxrec.data.columns.sequences import Sequences
from jaxrec.ensemble.texts import centered_units

FORMAT = 4  # To be counted up when what is found changes.
DAY = 86400.0
LARGEST = 8.0  # A channel's largest logit of a user, on average, to start with.
PAST, FUTURE, FADE = 8, 5, 0.6  # Events that `follows` looks at, and decay.
SEEN_OFTEN = 3  # Actions without which an item has no part in `follows`.
ROUNDS = 4  # Of subspace iteration.


@dataclasses.dataclass(frozen=True)
class Settings:
  """How item-item matrices are made.

  Attributes:
    penalty: of EASE's squared weights.
    damping: an item's column is divided by its popularity to this power.
    fade_days: after how long an action weighs 1/e of the last; 0: no fading.
    texts: weight of items' texts in EASE: each column of theirs is as a user
      who acted on so much of every item; 0: none.
  """

  penalty: float = 150.0
  damping: float = 0.0
  fade_days: float = 0.0
  texts: float = 0.0


def factors(
  sequences: Sequences,
  num_items: int,
  *,
  names: tuple[str, ...],
  width: int,
  settings: Settings,
  seed: int,
  directory: pathlib.Path,
  vectors: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
  """Vectors of every item, kept in `directory`.

  Of more than MOST items the most popular have vectors, the others zeros.

  Args:
    sequences: what may be learned from.
    num_items: N.
    names: keys of CHANNELS.
    width: of each channel.
    settings: see Settings.
    seed: of the search for the columns that tell most.
    directory: to be named after all of this.
    vectors: float32 [N, D], of items' texts; where `settings.texts` asks for
      them.

  Returns:
    'read' and 'scored', float32 [N, channels * width].
  """
  if not directory.is_dir():
    channels = [
      CHANNELS[name](sequences, num_items, settings, width, seed, vectors)
      for name in names
    ]
    read, scored = (np.concatenate(x, 1) for x in zip(*channels, strict=True))
    write_columns(directory, {'read': read, 'scored': scored})
  return read_columns(directory)


def together(sequences, num_items, settings, width, seed, vectors=None):
  """See the module; read and scored, float32 [N, width]."""
  if not len(sequences.items):
    return _zeros(num_items, width)
  users = sequences.users
  keys = users * num_items + sequences.items
  order = np.lexsort((sequences.times, keys))
  last = np.append(keys[order][1:] != keys[order][:-1], True)
  last = order[last]  # Of each pair, the last time.
  values = np.ones(len(last), np.float32)
  if settings.fade_days:
    # What is dated after the newest time that can be trusted is as new.
    times = sequences.times[last]
    ages = (newest(sequences.times) - times).clip(0) / DAY
    # Its square weighs in the Gram matrix.
    values = np.exp(-ages / settings.fade_days / 2).astype(np.float32)
  actions = sparse.csr_array(
    (values, (users[last], sequences.items[last])),
    shape=(len(sequences), num_items),
  )
  popularity = np.bincount(sequences.items[last], minlength=num_items)
  items = _most_popular(popularity, 1)
  actions = actions[:, items]
  scales = popularity[items].astype(np.float32) ** -settings.damping
  scaled = actions.toarray()
  if settings.texts:
    texts = settings.texts * centered_units(vectors)[items].T
    scaled = np.concatenate([scaled, texts.astype(np.float32)])
  scaled *= scales
  if len(scaled) < len(items):  # By users x users: EASE's dual.
    inverse = linalg.inv(
      scaled @ scaled.T + settings.penalty * np.eye(len(scaled)),
      overwrite_a=True,
    )
    weights = scaled.T @ (inverse.astype(np.float32) @ scaled)
    weights /= 1 - np.diag(weights)
  else:
    gram = (scaled.T @ scaled).astype(np.float64)
    weights = _inverse(gram, settings.penalty)
    weights = (weights / -np.diag(weights)).astype(np.float32)
  np.fill_diagonal(weights, 0)
  weights *= scales[:, None] / scales
  return _vectors(actions, weights, items, num_items, width, seed)


def follows(sequences, num_items, settings, width, seed, vectors=None):
  """See the module; read and scored, float32 [N, width]."""
  del settings, vectors
  events = sequences.events()
  count = int(events.max(initial=-1)) + 1
  popularity = np.bincount(sequences.items, minlength=num_items)
  items = _most_popular(popularity, SEEN_OFTEN)
  if not len(items):
    return _zeros(num_items, width)
  acted = binary_rows(events, sequences.items, (count, num_items))[:, items]
  users = np.zeros(count, np.int64)
  users[events] = sequences.users
  past = acted + _shifted(users, PAST, FADE).T * FADE @ acted
  future = _shifted(users, FUTURE, FADE) @ acted
  totals = np.asarray(future.sum(1)).ravel()
  has_future = totals > 0
  if not has_future.any():
    return _zeros(num_items, width)
  past, future = past.tocsr()[has_future], future.tocsr()[has_future]
  # An event with much to come shall not weigh as much more.
  roots = sparse.diags_array(totals[has_future] ** -0.25).tocsr()
  past, future = (roots @ past).tocsr(), (roots @ future).tocsr()
  gram = (past.T @ past).toarray().astype(np.float64)
  weights = _inverse(gram, 50.0) @ (past.T @ future).toarray()
  # Columns of what is popular would take all the width.
  scales = popularity[items].clip(1).astype(np.float32) ** -0.25
  return _vectors(
    past, weights.astype(np.float32), items, num_items, width, seed, scales
  )


CHANNELS = {'together': together, 'follows': follows}


def _zeros(num_items: int, width: int) -> tuple[np.ndarray, np.ndarray]:
  """A channel that nothing is known of: read and scored, float32 [N, width]."""
  read, scored = np.zeros((2, num_items, width), np.float32)
  return read, scored


def silent_channels(
  factors: dict[str, np.ndarray], names: tuple[str, ...]
) -> list[str]:
  """Names of the channels of `factors` whose vectors are all zeros."""
  parts = np.split(np.asarray(factors['read']), len(names), axis=1)
  return [
    name for name, part in zip(names, parts, strict=True) if not part.any()
  ]


def _most_popular(popularity: np.ndarray, least: int) -> np.ndarray:
  """Items with `least` actions or more, at most MOST, sorted."""
  items = np.argsort(-popularity, kind='stable')[:MOST]
  return np.sort(items[popularity[items] >= least])


def _shifted(users: np.ndarray, steps: int, decay: float) -> sparse.csr_array:
  """[events, events]: decay ** (d - 1) for the event d later, of one user."""
  count = len(users)
  shifts = sparse.csr_array((count, count), dtype=np.float32)
  for distance in range(1, min(steps, count - 1) + 1):
    same = (users[:-distance] == users[distance:]).astype(np.float32)
    shifts += sparse.diags_array(
      same * decay ** (distance - 1),
      offsets=distance,
      shape=(count, count),
      format='csr',
    )
  shifts.eliminate_zeros()
  return shifts


def _inverse(gram: np.ndarray, penalty: float) -> np.ndarray:
  """(gram + penalty)^-1 of a symmetric matrix."""
  gram[np.diag_indices_from(gram)] += penalty
  return linalg.inv(gram, overwrite_a=True, check_finite=False)


def _vectors(rows, weights, items, num_items, width, seed, scales=None):
  """An item-item matrix cut to what tells most of what `rows` predict.

  Columns that are scaled by `scales` are compared; the scores are those of the
  matrix as it was.
  """
  scales = np.ones(len(items), np.float32) if scales is None else scales
  weights = weights * scales
  if not weights.any():  # Each item stands alone.
    return _zeros(num_items, width)
  # Principal components of rows @ weights, by subspace iteration (Halko,
  # Martinsson and Tropp, 2011).
  apply = lambda x: weights.T @ (rows.T @ (rows @ (weights @ x)))
  rng = np.random.default_rng(seed)
  width_here = min(width, len(items))
  basis = rng.standard_normal((len(items), min(width + 16, len(items))))
  basis = linalg.qr(basis.astype(np.float32), mode='economic')[0]
  for _ in range(ROUNDS):
    basis = linalg.qr(apply(basis), mode='economic')[0]
  _, turn = np.linalg.eigh(basis.T @ apply(basis))
  basis = (basis @ turn[:, ::-1])[:, :width_here]
  read, scored = np.zeros((2, num_items, width), np.float32)
  read[items, :width_here] = weights @ basis
  scored[items, :width_here] = basis / scales[:, None]
  # One size for both, and logits of a size that training can start from.
  sample = rows[rng.permutation(rows.shape[0])[:1000]]
  sums = np.maximum(np.asarray(sample.sum(1)).ravel(), 1e-6)
  users = sparse.diags_array(1 / sums).tocsr() @ sample @ read[items]
  largest = np.abs(users @ scored[items].T).max(1).mean() + 1e-9
  sizes = [np.sqrt(np.mean(x**2)) + 1e-9 for x in (read, scored)]
  balance = np.sqrt(sizes[1] / sizes[0])
  root = np.sqrt(LARGEST / largest)
  return (
    (read * balance * root).astype(np.float32),
    (scored / balance * root).astype(np.float32),
  )
