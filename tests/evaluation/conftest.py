import pytest

from jaxrec.evaluation import protocols
from tests.evaluation.held_out_split import held_out_split, listed, scorer


@pytest.fixture(scope='session')
def held_out():
  """See `held_out_split`."""
  return held_out_split()


@pytest.fixture(scope='session')
def shown(held_out):
  """The whole catalog as listed candidates, and what a scorer did on it."""
  examples = listed(held_out, masked=False)
  return examples, protocols.Shown().judge(scorer(), examples, 0.0)
