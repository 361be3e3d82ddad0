"""What a model must beat, each through the same protocol as the model.

A baseline learns from `Known` alone and scores any example's history against
the whole catalog. Its settings are chosen on validation, from its `grid`.

How to add one, say `co_visits`:

1. Write `jaxrec/baselines/co_visits.py` with a class that extends `Baseline`;
   a dataclass, if it has settings. Name the paper and the formula in its
   docstring.
2. `fit` learns from `known.sequences` and returns itself; `scores` gives
   float32 [U, N] for some examples, from their histories alone. `matrices` has
   histories and users as sparse matrices, and products in bounded memory:
   nothing may be as large as all users times all items.
3. Give `grid` the settings to choose from, and `fit_reads` those that `fit`
   reads: only these make it learn anew.
4. Add its line to `BASELINES`, in the order in which results list them.
5. Test it against the formula written out densely, as the others are.
"""

import importlib
from collections.abc import Iterator

from jaxrec.baselines.base import Baseline, Known

__all__ = ['BASELINES', 'Baseline', 'Known', 'baseline_class', 'fitted']

BASELINES = {
  'random': 'jaxrec.baselines.trivial:Random',
  'popularity': 'jaxrec.baselines.popularity:Popularity',
  'recent_popularity': 'jaxrec.baselines.popularity:RecentPopularity',
  'last_item': 'jaxrec.baselines.text:LastItem',
  'mean_of_history': 'jaxrec.baselines.text:MeanOfHistory',
  'item_knn': 'jaxrec.baselines.neighbours:ItemKnn',
  'item_knn_recency': 'jaxrec.baselines.neighbours:ItemKnnRecency',
  'user_knn': 'jaxrec.baselines.neighbours:UserKnn',
  'user_knn_recency': 'jaxrec.baselines.neighbours:UserKnnRecency',
  'ease': 'jaxrec.baselines.ease:Ease',
  'ease_recency': 'jaxrec.baselines.ease:EaseRecency',
  'sequential_rules': 'jaxrec.baselines.rules:SequentialRules',
}


def baseline_class(name: str) -> type[Baseline]:
  """The class of the baseline `name`, a key of BASELINES."""
  module, _, class_name = BASELINES[name].partition(':')
  return getattr(importlib.import_module(module), class_name)


def fitted(name: str, known: Known) -> Iterator[tuple[dict, Baseline]]:
  """The baseline `name` with each setting of its grid, fitted in turn.

  Yields:
    The settings; the baseline, which shares what it can with the one before.
  """
  baseline = None
  for settings in baseline_class(name).grid:
    if baseline is None:
      baseline = baseline_class(name)(**settings).fit(known)
    else:
      baseline = baseline.with_settings(known, **settings)
    yield settings, baseline
