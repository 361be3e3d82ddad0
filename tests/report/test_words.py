"""Verdicts and numbers."""

import pytest

from jaxrec.report import words


def compared(results, difference, interval, p):
  results['metrics']['auc'] = 0.62 + difference
  results['comparisons']['mean_of_history']['auc'] = {
    'difference': difference,
    'interval': interval,
    'p': p,
  }
  return words.verdict(results)


def test_verdicts(results):
  verdict = compared(results, 0.01, [-0.004, 0.024], 0.17)
  assert verdict.text == (
    'jaxrec: AUC 0.6300 [0.610, 0.650], first of 3, ahead of the best baseline '
    '(mean_of_history) by 0.010 [−0.004, 0.024], p = 0.17: not significant'
  )
  assert verdict.tone == 'unsure'
  verdict = compared(results, 0.02, [0.01, 0.03], 0.0002)
  assert verdict.text.endswith('[0.010, 0.030], p < 0.001: significant')
  assert verdict.tone == 'ahead'
  verdict = compared(results, -0.02, [-0.03, -0.01], 0.004)
  assert verdict.text.endswith(
    'second of 3, behind the best baseline (mean_of_history) by 0.020 '
    '[0.010, 0.030], p = 0.004: significant'
  )
  assert verdict.tone == 'behind'
  # A tie counts against ours.
  verdict = compared(results, 0.0, [-0.01, 0.01], 1.0)
  assert 'second of 3, level with the best baseline' in verdict.text
  # Without p the interval decides, without both nothing does.
  assert compared(results, 0.02, [0.01, 0.03], None).tone == 'ahead'
  assert compared(results, 0.02, [-0.01, 0.05], None).tone == 'unsure'
  # Where they disagree, it is not said to be sure.
  assert compared(results, 0.02, [-0.01, 0.05], 0.04).tone == 'unsure'
  del results['comparisons']
  verdict = words.verdict(results)
  assert verdict.text.endswith('by 0.0200; how sure is not known')


def test_verdicts_with_nothing_beside(results):
  results['baselines'] = {'oracle': results['baselines']['oracle']}
  assert words.verdict(results).text == (
    'jaxrec: AUC 0.6300 [0.610, 0.650]; no baseline beside it'
  )


@pytest.mark.parametrize(
  ('value', 'shown'),
  [
    (None, '–'),
    (float('nan'), '–'),
    (0.12345, '0.1235'),
    (-0.5, '−0.5000'),
    (-1e-9, '0.0000'),
    (12.3456, '12.35'),
    (1234.56, '1,234.6'),
  ],
)
def test_numbers(value, shown):
  assert words.number(value) == shown


def test_an_end_that_is_not_zero_does_not_look_like_it():
  assert words.brackets([-0.0003, 0.0252]) == '[−0.0003, 0.0252]'
  assert words.brackets([0.0, 0.0252]) == '[0.000, 0.025]'
