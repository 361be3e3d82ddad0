"""What a run reached, without terms; and what the terms mean."""

import pytest

from jaxrec.report import plain, words
from tests.report.test_table import results_of


def test_of_lists_by_pairs(results):
  results['metrics']['auc'] = 0.633
  results['baselines']['mean_of_history']['auc'] = 0.6
  assert plain.sentence(results) == (
    'Of two candidates, one clicked and one not, jaxrec puts the clicked one '
    'first 63.3 times in 100; mean_of_history, the best baseline, does 60.0 '
    'times; guessing does 50 times.'
  )
  results['baselines'] = {}
  assert plain.sentence(results).endswith('in 100; guessing, 50 times.')


def test_of_catalogs_by_the_first_ten():
  results = results_of({'jaxrec': 0.5, 'rules': 0.4, 'oracle': 0.9})
  results['metrics']['hr@10'] = 0.1239
  results['baselines']['rules']['hr@10'] = 0.0942
  assert plain.sentence(results) == (
    'For 12.4 of 100 users, jaxrec has what they did next among its first ten '
    'items; rules, the best baseline, for 9.4.'
  )
  results['baselines'] = {}
  assert plain.sentence(results).endswith('among its first ten items.')


@pytest.mark.parametrize('value', [None, float('nan')])
def test_nothing_is_said_where_nothing_was_measured(value):
  results = results_of({'jaxrec': 0.5})
  results['metrics']['hr@10'] = value
  assert plain.sentence(results) == ''


def test_every_metric_of_the_tables_has_a_meaning():
  metrics = [m for _, names in words.GROUPS.values() for m in names]
  labels = [words.label(metric) for metric in metrics]
  assert plain.meanings(labels).keys() == set(labels)
  assert plain.meanings(['p', 'what else']) == {}
