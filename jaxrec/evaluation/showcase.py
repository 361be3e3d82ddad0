"""A few examples to look at: what was read, recommended, clicked."""

from collections.abc import Sequence

import numpy as np

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation.judged import Judged

EACH = 3  # Of a kind.
LISTED = 10  # Items of a history and of a list.


def showcase(
  examples: Impressions,
  judged: Judged,
  ids: Sequence[str],
  texts: Sequence[str],
  *,
  seed: int,
) -> list[dict]:
  """Examples drawn from each kind: hits, misses and users without history.

  They are drawn, not picked, so that they show what the split is like.

  Args:
    examples: as evaluated.
    judged: ours.
    ids, texts: of the catalog's items.
    seed: of the draw.

  Returns:
    A dict each of 'user', 'kind', 'history' (oldest first), 'recommended' (best
    first, with 'score' and 'clicked') and 'clicked' (with 'rank'); items have
    'id' and 'text'.
  """
  ranks = judged.places.ranks()
  owners = judged.places.owners
  best = np.full(len(examples), np.iinfo(np.int64).max)
  np.minimum.at(best, owners, ranks)
  empty = np.diff(examples.history_offsets) == 0
  kinds = {
    'hit': ~empty & (best == 1),
    'miss': ~empty & (best > 5),
    'new user': empty,
  }
  item = lambda i: {'id': ids[i], 'text': texts[i]}
  rng = np.random.default_rng(seed)
  clicked_items = examples.candidates[np.asarray(examples.labels) > 0]
  shown = []
  for kind, mask in kinds.items():
    rows = np.flatnonzero(mask & (best < np.iinfo(np.int64).max))
    for row in rng.permutation(rows)[:EACH].tolist():
      of_example = owners == row
      clicked = clicked_items[of_example]
      shown.append(
        {
          'user': examples.user_ids[row],
          'kind': kind,
          'history': [item(i) for i in examples.history_of(row, LISTED)],
          'recommended': [
            item(i) | {'score': float(score), 'clicked': bool(i in clicked)}
            for i, score in zip(
              judged.top[row, :LISTED], judged.scores[row, :LISTED], strict=True
            )
            if i >= 0
          ],
          'clicked': [
            item(i) | {'rank': int(rank)}
            for i, rank in zip(clicked, ranks[of_example], strict=True)
          ],
        }
      )
  return shown
