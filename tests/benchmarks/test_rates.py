"""The benchmarks of rates, small; no timing is tested here."""

import importlib.util

import numpy as np
import pytest

from benchmarks import baselines, encoder, evaluate, pipeline, ranking, setup
from jaxrec.baselines import BASELINES

PARTS = ('encode', 'score', 'top_k')
AGAINST = 'torch' if importlib.util.find_spec('torch') else 'none'


def test_each_way_of_input_is_timed(tiny_flags, reported):
  report = reported(pipeline.main, [*tiny_flags, '--steps=2'])
  rates = report['batches_per_second']
  assert rates.keys() == pipeline.CASES.keys()
  assert all(rate['median'] > 0 for rate in rates.values())
  assert report['examples_an_epoch'] == 72  # Of 80, less a tenth.


def test_each_part_of_evaluation_is_timed(tiny_flags, reported):
  """Beside torch where that is installed, with the same results."""
  flags = ['--titles=20', '--users=8', f'--against={AGAINST}']
  report = reported(evaluate.main, [*tiny_flags, *flags])
  ratios = {part: set(report[part]['ratios']) for part in PARTS}
  beside = {'jaxrec / torch'} if AGAINST == 'torch' else set()
  assert ratios['encode'] == {f'{name}_padded' for name in beside}
  assert ratios['score'] == set()
  assert ratios['top_k'] == {'jaxrec / numpy'} | beside


def test_lists_that_differ_are_no_rates():
  rng = np.random.default_rng(0)
  users, vectors = rng.normal(size=(3, 4)), rng.normal(size=(20, 4))
  vectors[5] = vectors[7]
  best = evaluate.numpy_top_k(users, vectors)
  other = np.where(best == 5, 7, best)[:, ::-1]  # As near, in another order.
  evaluate.check_same_lists(users, vectors, other, best)
  worst = evaluate.numpy_top_k(-users, vectors)
  with pytest.raises(AssertionError, match='Not equal to tolerance'):
    evaluate.check_same_lists(users, vectors, worst, best)


def test_every_choice_of_the_encoder_is_timed_or_fails_by_name(reported):
  flags = ['--tokens=100', '--layers=1', '--width=48', '--dtype=float32']
  flags += ['--rows=32', '--attention=batched,cudnn', '--remat=none']
  report = reported(encoder.main, [*flags, '--unroll=1', '--rounds=1'])
  (name,) = report['steps']
  assert name == 'rows=32 attention=batched remat=none unroll=1'
  assert report['steps'][name]['mfu'] > 0
  (failed,) = report['failed']
  assert 'attention=cudnn' in failed and report['failed'][failed]


def test_every_baseline_is_tuned_and_judged(tiny_flags, reported):
  data, cache, bert = tiny_flags[:3]
  config = '--config=configs/news.py:mind_small'
  report = reported(baselines.main, [config, data, cache, bert])
  assert report['baselines'].keys() == set(BASELINES)
  assert report['examples'] == 20 and report['left_out'] == {}
  for judged in report['baselines'].values():
    assert 0 <= judged['metrics']['auc'] <= 1
  total = sum(judged['seconds'] for judged in report['baselines'].values())
  assert report['seconds'] == pytest.approx(total)


def test_the_whole_catalog_is_ranked(one_device, reported):
  """And once more by a process that tells its peak of memory."""
  flags = ['--users=20', '--items=200', '--width=8', '--k=5', '--rounds=1']
  report = reported(ranking.main, [*flags, f'--against={AGAINST}'])
  rates = report['top_k']['users_per_second']
  assert rates.keys() == {'jaxrec', 'torch'} - ({'torch', 'none'} - {AGAINST})
  choices = {'exact', 'approximate', 'seen_and_targets'}
  assert report['choices']['users_per_second'].keys() == choices
  assert 0.5 < report['recall'] <= 1
  # What Python and JAX take, at least; less than this process, with all of it.
  assert 50e6 < report['peak_bytes'] < setup.peak_bytes()
