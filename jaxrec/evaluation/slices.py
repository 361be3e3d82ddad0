"""Parts of a split that are looked at by themselves."""

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences


def slices(
  examples: Impressions, known: Sequences, popularity: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
  """Which examples belong to a slice, by question and answer.

  Args:
    examples: E of them.
    known: what users did before.
    popularity: int64 [N], known users of each item.

  Returns:
    Masks, bool [E]. A question to which all examples give the same answer is
    left out.
  """
  lengths = np.diff(examples.history_offsets)
  ids = [examples.user_ids[i] for i in range(len(examples))]
  known_ids = {known.user_ids[i] for i in range(len(known))}
  is_known = np.array([i in known_ids for i in ids], bool)
  clicked = np.asarray(examples.labels) > 0
  owners = np.repeat(
    np.arange(len(examples)), np.diff(examples.candidate_offsets)
  )
  best_known = np.full(len(examples), -1, np.int64)
  np.maximum.at(
    best_known, owners[clicked], popularity[examples.candidates[clicked]]
  )
  masks = {
    'history length': _ranges(lengths, (0, 1, 6, 21, 51)),
    'user': {'new': ~is_known, 'known': is_known},
    # Of several clicked items the best known one counts.
    'clicked item known to': {
      f'{name} users': mask
      for name, mask in _ranges(best_known, (0, 1, 6, 51)).items()
    },
  }
  answered = {
    question: {name: mask for name, mask in answers.items() if mask.any()}
    for question, answers in masks.items()
  }
  return {
    question: answers
    for question, answers in answered.items()
    if len(answers) > 1
  }


def _ranges(values: np.ndarray, edges: tuple[int, ...]) -> dict:
  """Masks of the values between edges, by names as '1-5' and '51+'."""
  masks = {}
  for low, end in zip(edges, (*edges[1:], None), strict=True):
    if end is None:
      masks[f'{low}+'] = values >= low
    else:
      name = f'{low}' if end == low + 1 else f'{low}-{end - 1}'
      masks[name] = (values >= low) & (values < end)
  return masks
