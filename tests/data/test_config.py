import dataclasses
import re
import subprocess
import sys

import pytest

from jaxrec.data.config import ColumnsConfig, DataConfig, InputConfig
from jaxrec.data.datasets import DATASETS
from jaxrec.data.splits import SEQUENCE_PROTOCOLS, held_out
from jaxrec.errors import UserError


@pytest.mark.parametrize(
  ('section', 'values', 'message'),
  [
    (DataConfig, {'name': 'demp'}, "data.name: 'demp' is unknown"),
    (DataConfig, {'protocol': 'cold'}, "data.protocol: 'cold' is unknown"),
    (DataConfig, {'k_core': -1}, 'data.k_core=-1: must be 0 or more'),
    (DataConfig, {'min_history': -2}, 'data.min_history=-2: must be 0'),
    (DataConfig, {'min_rating': float('nan')}, 'data.min_rating=nan'),
    (DataConfig, {'validation_fraction': 1.0}, 'data.validation_fraction=1.0'),
    (DataConfig, {'validation_fraction': -0.1}, 'validation_fraction=-0.1'),
    (DataConfig, {'text_template': 'title'}, 'names no column'),
    (DataConfig, {'text_template': '{title'}, 'data.text_template='),
    (ColumnsConfig, {'rating': ''}, 'data.columns.rating is empty'),
    (InputConfig, {'batch_size': -1}, 'input.batch_size=-1: must be 0 or more'),
    (InputConfig, {'history_length': 0}, 'input.history_length=0'),
    (InputConfig, {'num_candidates': 1}, 'input.num_candidates=1: must be 2'),
  ],
)
def test_a_value_that_cannot_be_is_an_error_with_its_key(
  section, values, message
):
  with pytest.raises(UserError, match=re.escape(message)):
    section(**values)


@pytest.mark.parametrize('section', [ColumnsConfig, DataConfig, InputConfig])
def test_every_field_is_explained(section):
  for field in dataclasses.fields(section):
    assert f'\n    {field.name}: ' in section.__doc__


@pytest.mark.parametrize('name', DATASETS)
def test_every_dataset_can_be_named(name):
  assert DataConfig(name=name).name == name


def test_protocols_of_sequences_are_those_that_are_written():
  assert set(SEQUENCE_PROTOCOLS) == set(held_out.PROTOCOLS)


def test_a_config_is_checked_without_tensorflow():
  code = (
    'import sys; from jaxrec.data.config import DataConfig; DataConfig(); '
    "sys.exit('tensorflow' in sys.modules or 'jax' in sys.modules)"
  )
  assert subprocess.run([sys.executable, '-c', code]).returncode == 0
