"""How the limits are counted; no timing is tested here."""

import importlib.util

import pytest

from benchmarks import limits

SIZES = {'width': 384, 'mlp_width': 1536}


def test_a_layers_kernels_are_what_the_flops_count():
  kernels = limits.kernel_shapes(**SIZES).values()
  forward = 2 * sum(a * b for a, b in kernels)
  assert limits.dense(SIZES, 7, run=1, trained=0) == 7 * forward
  assert limits.dense(SIZES, 7, run=1, trained=1) == 3 * 7 * forward


@pytest.mark.parametrize(
  ('run', 'trained', 'best'), [(6, 6, 1.0), (2, 2, 10 / 6)]
)
def test_dedup_runs_six_layers_forward_whatever_trains(run, trained, best):
  ours = limits.dense(SIZES, 1000, run, trained)
  theirs = limits.dense(SIZES, 1000, 6, trained)
  assert limits.best_ratio(ours, theirs) == pytest.approx(best)
  # Padding of ours costs us, and so does a slower matmul.
  padded = limits.dense(SIZES, 1100, run, trained)
  assert limits.best_ratio(padded, theirs) == pytest.approx(best / 1.1)
  assert limits.best_ratio(ours, theirs, (150, 200)) == pytest.approx(
    best * 150 / 200
  )


def test_a_profile_leaves_nothing_out():
  found = limits.profile(8.0, {'matmuls': 5.0, 'attention': 1.0})
  assert {k: v['seconds'] for k, v in found.items()} == {
    'matmuls': 5.0,
    'attention': 1.0,
    'rest': 2.0,
  }
  assert sum(v['share'] for v in found.values()) == pytest.approx(1)


def test_a_step_is_taken_apart(tiny_flags, reported):
  """Beside torch where that is installed."""
  against = 'torch' if importlib.util.find_spec('torch') else 'none'
  cases = 'all,top2' if against == 'torch' else 'all'
  flags = [f'--cases={cases}', f'--against={against}']
  report = reported(limits.main, [*tiny_flags, *flags])
  assert list(report['cases']) == cases.split(',')
  for case in report['cases'].values():
    assert 0 < case['tokens']['useful'] <= case['tokens']['jaxrec']
    kinds = case['jaxrec']['by_kind']
    assert kinds.keys() == {'matmuls', 'attention', 'norms', 'gelu', 'rest'}
    seconds = sum(kind['seconds'] for kind in kinds.values())
    assert seconds == pytest.approx(case['jaxrec']['seconds'])
    assert ('ratio' in case) == (against == 'torch')
  assert all(speed > 0 for speed in report['gflops_of_matmuls'].values())
