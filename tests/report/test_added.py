"""What training added, in words and in a table."""

import pytest

from jaxrec.report import added
from tests.report.runs import of_training


@pytest.mark.parametrize(
  ('step', 'difference', 'said'),
  [
    (
      0,
      (0.0, [0.0, 0.0], 1.0),
      'Training did not help here: validation chose step 0, and what one gets '
      'is what its terms start from (text, ids).',
    ),
    (
      1500,
      (0.001, [-0.002, 0.004], 0.3),
      'Whether training helped cannot be told: step 1,500 adds +0.0010 '
      '[−0.0020, +0.0040] AUC against 0.6200 at step 0, p = 0.3; what is sure '
      'is what its terms start from (text, ids).',
    ),
    (
      20,
      (0.01, [0.004, 0.016], 0.002),
      'Training helped: step 20 adds +0.0100 [+0.004, +0.016] AUC against '
      '0.6200 at step 0, p = 0.002.',
    ),
    (
      20,
      (-0.01, [-0.016, -0.004], 0.002),
      'Training did harm here: step 20, which validation chose, adds −0.0100 '
      '[−0.016, −0.004] AUC against 0.6200 at step 0, p = 0.002; what '
      'its terms start from (text, ids) is better.',
    ),
  ],
)
def test_one_plain_sentence(results, step, difference, said):
  results['training'] = of_training(step, *difference, at_start=0.62)
  results['config']['model'] = {'terms': {'text': {}, 'ids': {}}}
  assert added.sentence(results) == said
  assert added.is_in_doubt(results) == (not said.startswith('Training helped'))


def test_an_ensemble_is_no_work_of_training(results):
  results['training'] = of_training(5, 0.01, [0.004, 0.02], 0.002)
  results['ensemble'] = {'gains': {'rules': 0.4, 'ease': 0.8}}
  assert 'AUC of the network alone against' in added.sentence(results)
  results['training'] = of_training(0, 0.0, [0.0, 0.0], 1.0)
  assert added.sentence(results).endswith(
    ', with the closed forms beside it (rules, ease).'
  )


def test_the_interval_decides_beside_p(results):
  """An interval that includes 0 is never called help, whatever p says."""
  results['training'] = of_training(5, 0.01, [-0.001, 0.02], 0.04)
  assert 'cannot be told' in added.sentence(results)
  results['training'] = of_training(5, None, [None, None], None)
  assert 'cannot be told' in added.sentence(results)
  assert '(' not in added.start({})


def test_the_table_has_both(results):
  assert added.table(results) is None  # Of a run that does not tell.
  results['training'] = of_training(20, 0.01, [0.004, 0.016], 0.002)
  table = added.table(results)
  assert table['title'] == 'What training added: step 20 minus step 0'
  start, gained = table['rows']
  assert table['head'] == ['AUC', 'MRR']
  assert start['cells'][0]['text'] == '0.6000'
  assert gained['cells'][0] == {
    'text': '+0.0100',
    'sub': ['[+0.004, +0.016]', 'p = 0.002'],
    'strong': True,
  }
