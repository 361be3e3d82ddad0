"""Whole catalogs: how likely each item is to be what the user does next.

Fitted on validation, judged on what is reported, both with histories of several
lengths: of each user the last item alone, the last 5, 20, and all. See
`retrieval.choice` for the formula.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from scipy import interpolate, optimize, special

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation.calibration import reliability_of
from jaxrec.evaluation.protocols import WholeCatalog
from jaxrec.evaluation.scorers import Scorer
from jaxrec.evaluation.shortened import joined, shortened
from jaxrec.retrieval.choice import NUMBERS, RANKS, Choice, knot_weights

LENGTHS = (1, 5, 20, None)  # Items of histories; None: all of them.
EXAMPLES = 3_000  # Of a split that are looked at, drawn where there are more.
FIRST = 10  # Ranks that are reported.
# Sharpnesses at which tails are computed for the fit; between them they are
# interpolated. Scores of any model lie within.
GRID = 2.0 ** np.arange(-6, 11)
# Of `choice.NUMBERS` as they are fitted, log-odds and logs. They start at 0, as
# halves and ones: as sharp as the model was trained.
BOUNDS = (
  *((-8.0, 8.0), (-8.0, 8.0), (-4.0, 1.6), (-4.0, 4.0)),
  *[(np.log(GRID[0]), np.log(GRID[-1]))] * 2,
)


@dataclasses.dataclass(frozen=True)
class FirstHits:
  """Of E examples the target that stands highest, as the fit reads them.

  Attributes:
    ranks: int [E], in the list, from 0; RANKS: behind it.
    below: float64 [E], by how much its score is below the list's last, 0 within
      the list.
    best: float64 [E, RANKS], scores of the list, -inf where it is shorter.
    lengths: int [E], items of the history that are read.
    tails: float64 [E, T], at GRID, see `CatalogRanks`.
  """

  ranks: np.ndarray
  below: np.ndarray
  best: np.ndarray
  lengths: np.ndarray
  tails: np.ndarray


# --------------------------------------------------------------------- fitting
def fit(
  scorer: Scorer,
  protocol: WholeCatalog,
  validation: Impressions,
  *,
  history_length: int,
  seed: int,
) -> Choice | None:
  """The numbers of the formula, by penalised maximum likelihood.

  What is maximised is the log-probability of each example's first hit. The
  penalty is worth about one of them: it decides where nothing else does.

  Args:
    scorer: ours, which must not have learned from `validation`.
    protocol: how catalogs are ranked.
    validation: never what is reported.
    history_length: items of a history that are read at most.
    seed: of the examples drawn.

  Returns:
    None where no example has a target.
  """
  examples, _ = _examples(protocol, validation, (0, *LENGTHS), seed)
  if not len(examples):
    return None
  hits = _first_hits(scorer, protocol, examples, history_length)
  longest = int(hits.lengths.max())
  short = [n for n in (0, *LENGTHS) if n is not None and n < longest]
  knots = (*map(float, short), float(longest))
  optimum = optimize.minimize(
    _loss(hits, knots),
    np.zeros(len(BOUNDS) * len(knots)),
    jac=True,
    method='L-BFGS-B',
    bounds=np.repeat(np.array(BOUNDS), len(knots), axis=0),
    options={'ftol': 1e-8},
  )
  rows = optimum.x.reshape(len(BOUNDS), -1)
  values = [*special.expit(rows[:2]).tolist(), *np.exp(rows[2:]).tolist()]
  numbers = dict(zip(NUMBERS, values, strict=True))
  return Choice.of({'lengths': knots, **numbers, 'seen': protocol.seen})


def _loss(hits: FirstHits, knots: tuple[float, ...]) -> Callable:
  """Parameters [6 * J] -> what is minimised, and its gradient."""
  spline = interpolate.CubicSpline(np.log(GRID), hits.tails, axis=1)
  examples, start, step = np.arange(len(hits.ranks)), spline.x[0], np.log(2)
  weights = knot_weights(knots, hits.lengths)  # [E, J].
  there = hits.best > -np.inf
  ranks = np.arange(1, RANKS + 1)
  listed, at = hits.ranks < RANKS, np.minimum(hits.ranks, RANKS - 1)
  apart = np.where(there, hits.best - hits.best.max(1, keepdims=True), 0)
  own = apart[examples, at]

  def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
    rows = parameters.reshape(len(BOUNDS), -1)
    share, pull, *rest = rows @ weights.T  # [E] each.
    share, pull = special.expit(share), special.expit(pull)
    fall, flat, sharpness, tail = np.exp(rest)
    # By rank: z, and what changes its log.
    behind_flat = ranks + flat[:, None]
    logs = np.log(behind_flat)
    z = np.where(there, np.exp(-fall[:, None] * logs), 0)
    z /= z.sum(1, keepdims=True)
    of_rank = z[examples, at] * listed
    by_fall = (z * logs).sum(1) - logs[examples, at]
    by_flat = (z / behind_flat).sum(1) - 1 / behind_flat[examples, at]
    # By logit.
    e = np.where(there, np.exp(sharpness[:, None] * apart), 0)
    e /= e.sum(1, keepdims=True)
    of_logit = e[examples, at] * listed
    by_sharpness = own - (e * apart).sum(1)
    # Among all.
    piece = np.clip((rest[3] - start) // step, 0, len(GRID) - 2).astype(int)
    left = rest[3] - start - piece * step
    cubic = spline.c[:, piece, examples]
    behind = np.exp(tail * hits.below - np.polyval(cubic, left))
    slope = np.polyval(cubic[:3] * np.array([[3], [2], [1]]), left)
    head = (1 - pull) * of_rank + pull * of_logit
    chance = np.maximum(share * head + (1 - share) * behind, 1e-300)
    changes = np.stack(
      [
        share * (1 - share) * (head - behind),
        share * pull * (1 - pull) * (of_logit - of_rank),
        share * (1 - pull) * of_rank * by_fall * fall,
        share * (1 - pull) * of_rank * by_flat * fall * flat,
        share * pull * of_logit * by_sharpness * sharpness,
        (1 - share) * behind * (tail * hits.below - slope),
      ]
    )
    # Lengths side by side are alike, and nothing is endless.
    steps = np.diff(rows, axis=1)
    penalty = 0.5 * np.sum(steps**2) + 0.02 * np.sum(rows**2)
    sloping = 0.04 * rows
    sloping[:, 1:] += steps
    sloping[:, :-1] -= steps
    gradient = sloping - changes / chance @ weights
    value = penalty - np.log(chance).sum()
    return value / len(examples), gradient.ravel() / len(examples)

  return loss


# -------------------------------------------------------------------- judging
def judge(
  scorer: Scorer,
  protocol: WholeCatalog,
  split: Impressions,
  choice: Choice,
  *,
  history_length: int,
  seed: int,
) -> dict | None:
  """For results.json: how often items are hit that are given a probability p.

  Args:
    scorer, protocol, history_length, seed: see `fit`.
    split: what is reported.
    choice: fitted on validation.

  Returns:
    'kind'; 'parameters', those of `choice`; 'ece' and 'bins' of the first FIRST
    places with all of the histories, see `calibration.reliability`; and
    'by_history', for each length: 'examples', 'ece', 'largest_sum' (of a list's
    probabilities), and of each place, lists of FIRST, 'probability' (the mean),
    'hits' (how often the first hit of a list is there) and 'among' (how often a
    hit is, the first or not). None where no example has a target.
  """
  examples, which = _examples(protocol, split, LENGTHS, seed)
  if not len(examples):
    return None
  lengths = _lengths(examples, history_length)
  ranks = scorer.rank(
    examples,
    protocol.seen == 'masked',
    RANKS,
    choice.at(lengths)['tail'][:, None],
  )
  places = np.broadcast_to(np.arange(FIRST), (len(examples), FIRST))
  chances = choice.probabilities(
    _wide(ranks.scores)[:, :FIRST],
    places,
    _wide(ranks.scores),
    ranks.tails[:, 0],
    lengths,
  )
  among = np.zeros((len(examples), FIRST), bool)
  listed = _hits(ranks.items[:, :FIRST], examples)
  among[:, : listed.shape[1]] = listed
  first = among & (np.cumsum(among, axis=1) == 1)
  by_history = {}
  for i, length in enumerate(LENGTHS):
    rows = which == i
    if not rows.any():
      continue
    reached = reliability_of(chances[rows].ravel(), first[rows].ravel())
    by_history['all' if length is None else str(length)] = {
      'examples': int(rows.sum()),
      'probability': chances[rows].mean(0).tolist(),
      'hits': first[rows].mean(0).tolist(),
      'among': among[rows].mean(0).tolist(),
      'ece': reached['ece'],
      'largest_sum': float(chances[rows].sum(1).max()),
    }
  whole = which == LENGTHS.index(None)
  return {
    'kind': 'softmax',
    **reliability_of(chances[whole].ravel(), first[whole].ravel()),
    'by_history': by_history,
    'parameters': dataclasses.asdict(choice),
  }


# -------------------------------------------------------------------- details
def _examples(
  protocol: WholeCatalog,
  split: Impressions,
  lengths: Sequence[int | None],
  seed: int,
) -> tuple[Impressions, np.ndarray]:
  """Examples with histories of these lengths, and which length each has."""
  if len(split) > EXAMPLES:
    drawn = np.random.default_rng(seed).permutation(len(split))[:EXAMPLES]
    split = split.take(np.sort(drawn))
  parts = [protocol.examples(shortened(split, n))[0] for n in lengths]
  return joined(parts), np.repeat(
    np.arange(len(parts)), [len(p) for p in parts]
  )


def _first_hits(
  scorer: Scorer,
  protocol: WholeCatalog,
  examples: Impressions,
  history_length: int,
) -> FirstHits:
  grid = np.broadcast_to(GRID, (len(examples), len(GRID)))
  ranks = scorer.rank(examples, protocol.seen == 'masked', RANKS, grid)
  owners = np.repeat(
    np.arange(len(examples)), np.diff(examples.candidate_offsets)
  )
  # As lists are ordered: of equals the lower index first.
  order = np.lexsort((examples.candidates, -ranks.target_scores, owners))
  first = order[examples.candidate_offsets[:-1]]
  best = _wide(ranks.scores)
  is_hit = _wide(ranks.items, -1) == examples.candidates[first][:, None]
  least = np.where(best > -np.inf, best, np.inf).min(1)
  return FirstHits(
    ranks=np.where(is_hit.any(1), is_hit.argmax(1), RANKS),
    below=np.minimum(ranks.target_scores[first] - least, 0),
    best=best,
    lengths=_lengths(examples, history_length),
    tails=ranks.tails.astype(np.float64),
  )


def _wide(listed: np.ndarray, fill: float = -np.inf) -> np.ndarray:
  """[E, RANKS], filled up where the catalog is smaller."""
  room = RANKS - listed.shape[1]
  wide = np.pad(listed, ((0, 0), (0, room)), constant_values=fill)
  return wide if fill == -1 else wide.astype(np.float64)


def _lengths(examples: Impressions, history_length: int) -> np.ndarray:
  return np.minimum(np.diff(examples.history_offsets), history_length)


def _hits(items: np.ndarray, examples: Impressions) -> np.ndarray:
  """bool [E, k]: whether each item listed is one of the example's targets."""
  width = int(max(items.max(initial=0), examples.candidates.max(initial=0))) + 2
  owners = np.repeat(
    np.arange(len(examples)), np.diff(examples.candidate_offsets)
  )
  listed = np.arange(len(items))[:, None] * width + items
  return np.isin(listed, owners * width + examples.candidates) & (items >= 0)
