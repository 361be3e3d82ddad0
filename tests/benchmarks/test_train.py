"""The benchmark of training, small; no timing is tested here."""

import importlib.util

import pytest

from benchmarks import setup, train

AGAINST = 'torch' if importlib.util.find_spec('torch') else 'none'


def test_every_program_trains_the_same_model(tiny_flags, reported):
  """Beside torch where that is installed."""
  # Without it the top layers alone are left to the next test.
  cases = [x for x in train.CASES if AGAINST == 'torch' or x != 'top2']
  flags = [f'--cases={",".join(cases)}', f'--against={AGAINST}']
  flags += ['--steps=1', '--frozen_steps=1']
  report = reported(train.main, [*tiny_flags, *flags])
  names = {f'{case}/jaxrec' for case in cases}
  if AGAINST == 'torch':
    names |= {'all/torch_padded', 'all/torch_dedup', 'top2/torch_dedup'}
    assert report['ratios'].keys() == {
      'all: jaxrec / torch_padded',
      'all: jaxrec / torch_dedup',
      'top2: jaxrec / torch_dedup',
      'input / all',
    }
  losses = report['loss_of_first_batch']
  assert losses.keys() == names
  # The encoder is as it came in every case.
  assert list(losses.values()) == pytest.approx(
    [losses['all/jaxrec']] * len(names)
  )
  rates = report['examples_per_second']
  assert rates.keys() == names | {'all/input'}
  assert all(rate['median'] > 0 for rate in rates.values())
  assert report['mfu'].keys() == names & {'all/jaxrec', 'top2/jaxrec'}


def test_programs_that_differ_are_not_timed(tiny_flags, monkeypatch, reported):
  from benchmarks import programs

  class Other:
    """Stands for the PyTorch program, with a loss of its own."""

    def __init__(self, jax_program, feed):
      self.loss = jax_program.loss + 1e-3

    def run(self):
      raise AssertionError('timed')

  monkeypatch.setattr(programs, 'TorchProgram', Other)
  monkeypatch.setattr(setup, 'check_against', lambda args: None)
  monkeypatch.setattr(
    train, 'feeds', lambda case, config: {'torch_dedup': None}
  )
  flags = [*tiny_flags, '--cases=top2', '--steps=1', '--against=torch']
  with pytest.raises(SystemExit, match='top2: the losses of one batch differ'):
    train.main(flags)


def test_the_recommender_measured_is_of_texts_alone(tiny_flags):
  """As PyTorch's is: what a config of MIND adds must not come in."""
  args = setup.parser('x').parse_args(tiny_flags)
  experiment = setup.experiment(args)
  from flax import nnx

  model = nnx.eval_shape(lambda: experiment.parts.make(0.2))
  params = nnx.to_pure_dict(nnx.state(model, nnx.Param))
  assert params.keys() == {'head', 'terms', 'bias'}
  assert params['terms'].keys() == {'text'}
  assert experiment.parts.features == {}
