"""A split with held-out targets, and a scorer of it with many ties."""

import dataclasses

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation import protocols, scorers

N = 60
SCORES = np.round(np.random.default_rng(1).normal(size=(40, N)) * 2)  # Ties.


def held_out_split():
  """Targets of 40 users; some were seen, some users are new."""
  rng = np.random.default_rng(0)
  histories = [rng.integers(0, N, n) for n in rng.integers(0, 20, 40)]
  histories[4] = histories[4][:0]
  targets = [rng.permutation(N)[:n] for n in rng.integers(1, 4, 40)]
  targets[7] = histories[7][:1] = np.array([3])
  ends = lambda rows: np.cumsum([0, *map(len, rows)])
  ids = np.array([f'u{i}' for i in range(40)])
  return Impressions(
    impression_ids=ids,
    user_ids=ids,
    times=np.arange(40),
    history=np.concatenate(histories).astype(np.int32),
    history_offsets=ends(histories),
    candidates=np.concatenate(targets).astype(np.int32),
    candidate_offsets=ends(targets),
    labels=np.ones(sum(map(len, targets)), np.uint8),
  )


def scorer(block=7):
  """By user, so that an example keeps its scores when others are dropped."""
  scores = lambda examples, rows: np.stack(
    [SCORES[int(examples.user_ids[i][1:])] for i in rows]
  ).astype(np.float32)
  pairs = lambda examples, rows: np.concatenate(
    [
      scores(examples, [i])[0, examples.candidates[examples.shown(i)]]
      for i in rows
    ]
  )
  return scorers.BlockScorer(scores, pairs, block=block)


def listed(split, masked):
  """The whole catalog as listed candidates."""
  shown, labels = [], []
  for i in range(len(split)):
    targets = split.candidates[split.shown(i)]
    seen = split.history_of(i, 1000) if masked else []
    items = np.setdiff1d(np.arange(N), seen)
    shown.append(items)
    labels.append(np.isin(items, targets))
  return dataclasses.replace(
    split,
    candidates=np.concatenate(shown).astype(np.int32),
    candidate_offsets=np.cumsum([0, *map(len, shown)]),
    labels=np.concatenate(labels).astype(np.uint8),
  )


def make(seen='masked', sampled=0):
  return protocols.make(
    'leave_one_out', seen=seen, sampled=sampled, num_items=N, seed=0
  )
