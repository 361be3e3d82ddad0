"""What a run reached in plain words, and what its terms mean."""

from jaxrec.report import words
from jaxrec.report.words import CEILING, OURS

# By a metric's name without its cut; texts without a full stop.
MEANINGS = {
  'auc': 'the chance that what was clicked scores above what was not; 0.5 is '
  'guessing',
  'mrr': 'the mean of 1 / rank of what was clicked; 1: always first',
  'ndcg': 'how near the top of the first places what was clicked stands; 1: '
  'as near as can be',
  'hr': 'the share of lists with something clicked among the first places',
  'recall': 'the share of what was clicked that is among the first places; '
  'without a number of places, of what is called clicked',
  'precision': 'the share of the first places that hold what was clicked; '
  'without a number of places, of what is called clicked',
  'f1': 'precision and recall in one, their harmonic mean',
  'accuracy': 'the share of candidates rightly called clicked or not',
  'coverage': 'the share of the catalog that is in anybody’s list',
  'novelty': 'bits; more for items that fewer users know',
  'diversity': 'how unlike the texts of a list are',
  'popularity': 'the mean share of the catalog that is less popular',
}
AHEAD = f'{OURS} minus that row'
P_VALUE = 'how often chance alone would give such a lead, or lag'
INTERVAL = 'of resamples of the users lie there'


def meanings(labels: list[str]) -> dict[str, str]:
  """What the heads of columns mean, of those that are known.

  Args:
    labels: as `words.label` spells metrics.
  """
  known = {words.label(name): text for name, text in MEANINGS.items()}
  bases = {label: label.partition('@')[0] for label in labels}
  return {label: known[base] for label, base in bases.items() if base in known}


def sentence(results: dict) -> str:
  """What was reached, without terms; '' where there is no figure.

  Of lists that were shown by AUC, else by the first ten places.
  """
  protocol = results.get('protocol') or {}
  is_shown = protocol.get('name', 'impressions') == 'impressions'
  metric = 'auc' if is_shown else 'hr@10'
  ours = words.value_of(results['metrics'], metric)
  if ours is None:
    return ''
  rivals = {
    name: (value, main)
    for name, reached in words.baselines(results).items()
    if name != CEILING
    and (value := words.value_of(reached, metric)) is not None
    and (main := words.value_of(reached, words.main_metric(results)))
    is not None
  }
  best = max(rivals, key=lambda name: rivals[name][1], default='')
  beside = f'; {best}, the best baseline, {{}} {{:.1f}}' if best else ''
  if is_shown:
    text = (
      f'Of two candidates, one clicked and one not, {OURS} puts the clicked '
      f'one first {100 * ours:.1f} times in 100'
    )
    how = 'does'
    end = ' times; guessing does 50 times.' if best else '; guessing, 50 times.'
  else:
    text = (
      f'For {100 * ours:.1f} of 100 users, {OURS} has what they did next '
      'among its first ten items'
    )
    how, end = 'for', '.'
  if best:
    text += beside.format(how, 100 * rivals[best][0])
  return text + end
