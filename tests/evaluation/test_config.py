import dataclasses
import subprocess
import sys

import pytest

from jaxrec.baselines import BASELINES
from jaxrec.errors import UserError
from jaxrec.evaluation.config import EvaluationConfig, baseline_names


@pytest.mark.parametrize(
  ('key', 'value', 'message'),
  [
    ('batch_size', 0, r'evaluation\.batch_size=0: must be 1 or more'),
    ('num_sampled', -1, r'evaluation\.num_sampled=-1: must be 0 or more'),
    ('num_bootstrap', 1, r'evaluation\.num_bootstrap=1: must be 2 or more'),
    ('approximate', 1.0, r'evaluation\.approximate=1\.0: must be 0 or more, <'),
    ('approximate', -0.1, r'evaluation\.approximate=-0\.1: must be 0 or more'),
    ('seen', 'mask', r"evaluation\.seen: 'mask' is unknown.*did you mean"),
    ('baselines', 'ease,pop', r"evaluation\.baselines: 'pop' is unknown"),
  ],
)
def test_what_cannot_be_is_named_as_it_is_written(key, value, message):
  with pytest.raises(UserError, match=message):
    EvaluationConfig(**{key: value})


def test_bounds_are_values_that_can_be():
  EvaluationConfig(
    batch_size=1, seen='kept', num_sampled=0, num_bootstrap=2, approximate=0.95
  )


def test_baselines_by_name():
  assert baseline_names('all') == list(BASELINES)
  assert baseline_names('none') == []
  assert baseline_names('ease, random') == ['ease', 'random']
  with pytest.raises(UserError, match=r"evaluation\.baselines: 'eas' is unkn"):
    baseline_names('random,eas')


def test_every_key_is_explained():
  for field in dataclasses.fields(EvaluationConfig):
    assert f'  {field.name}: ' in EvaluationConfig.__doc__


def test_reading_a_config_imports_nothing_heavy():
  code = (
    'import sys, jaxrec.evaluation.config\n'
    'print(*({"jax", "tensorflow", "scipy", "plotly"} & set(sys.modules)))'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, check=True
  )
  assert not done.stdout.split(), done.stdout
