"""Own logs: the softmax over the catalog, averaged weights, the ensemble."""

import jax
import numpy as np
import pytest

from configs import ecommerce
from jaxrec.commands import train
from jaxrec.console import Display
from jaxrec.training import loop
from jaxrec.training.experiment import Experiment

SMALL = {
  'model.terms.item.width': 8,
  'training.num_steps': 4,
  'training.eval_every': 2,
  'training.refit': True,
  'optimizer.warmup_steps': 1,
  'input.augment.drop': 0.2,
  'evaluation.baselines': 'sequential_rules',
}


@pytest.fixture
def own_logs(tiny_config):
  """changes -> the config of own logs, small."""
  return lambda **changes: tiny_config(
    'interactions', ecommerce, **(SMALL | changes)
  )


def weights_of(config, workdir):
  experiment = Experiment.from_config(config, Display(quiet=True)).refit()
  with jax.set_mesh(experiment.mesh):
    state, _ = experiment.init()
    saved = experiment.checkpoints(workdir)
    return saved.restore(saved.latest(), state), state


def test_interrupted_equals_uninterrupted(
  own_logs, tmp_path, monkeypatch, one_device
):
  """To the bit: weights, averages, and what results say of the ensemble."""
  config = own_logs()
  wanted = train.train_and_evaluate(config, tmp_path / 'whole')

  class Stop(Exception):
    pass

  fetch = loop._fetch

  def stop_at_3(pending, pipeline):
    if 3 in pending:
      raise Stop
    return fetch(pending, pipeline)

  with monkeypatch.context() as patch:
    patch.setattr(loop, '_fetch', stop_at_3)
    with pytest.raises(Stop):
      train.train_and_evaluate(config, tmp_path / 'cut')
  results = train.train_and_evaluate(config, tmp_path / 'cut')
  assert results['metrics'] == wanted['metrics']
  if results['best_step']:
    (a, fresh), (b, _) = (
      weights_of(config, tmp_path / name) for name in ('whole', 'cut')
    )
    jax.tree.map(np.testing.assert_array_equal, a, b)
    moved = a.opt_state.average['terms']['item']['ids']
    assert (moved != fresh.params['terms']['item']['ids']).any()
  assert set(results['ensemble']['gains']) == {'rules', 'ease', 'texts'}
  parts = results['ensemble']['parts']
  assert set(parts) == {'network', 'rules', 'ease', 'texts'}
  assert parts['network']['gain'] == 1
  assert set(results['variants']) >= {'not_refitted'}
  assert results['training']['chosen_step'] == results['best_step']


def test_patience_ends_a_training_that_gets_no_better(
  own_logs, tmp_path, one_device, capsys, monkeypatch
):
  config = own_logs(
    **{
      'training.num_steps': 40,
      'training.patience': 2,
      'training.refit': False,
      'optimizer.learning_rate': 0.0,
      'model.terms.item.learning_rate': 0.0,
      'optimizer.average': 0.0,
      'evaluation.num_sampled': 5,  # Gains are those of the whole catalog.
    }
  )
  results = train.train_and_evaluate(config, tmp_path)
  said = ' '.join(capsys.readouterr().out.split())
  assert 'no better step in 2 looks at validation: training ends at 4' in said
  assert results['best_step'] == 0 and results['ensemble']['gains']
  assert 'SAMPLED' in results['protocol']['candidates']
  # The same command has nothing left to do.
  monkeypatch.setattr(loop, 'train', lambda *args: pytest.fail('it trains'))
  assert train.train_and_evaluate(config, tmp_path) == results


@pytest.mark.slow
def test_one_device_is_eight(own_logs):
  def losses(count):
    config = own_logs(**{'mesh.data': count})
    experiment = Experiment.from_config(config, Display(quiet=True))
    with jax.set_mesh(experiment.mesh):
      state, frozen = experiment.init()
      for batch in experiment.pipeline.batches(0, 3):
        on_mesh = experiment.on_mesh(batch)
        state, step = experiment.train_step(state, frozen, on_mesh)
        yield float(step['loss'])

  with pytest.MonkeyPatch.context() as patch:
    from jaxrec.parallel import sharding

    make = sharding.make_mesh
    one = lambda **sizes: make(devices=jax.devices()[:1])
    patch.setattr(sharding, 'make_mesh', one)
    alone = list(losses(1))
  np.testing.assert_allclose(list(losses(8)), alone, rtol=1e-4)


def test_a_run_that_can_measure_nothing_ends_well(
  own_logs, tmp_path, one_device, capsys
):
  """Everybody buys the same again: what is held out was seen before."""
  days = range(1_000_000_000, 1_000_600_000, 86_400)
  lines = [
    f'u{user}\t{item}\t{day}\n'
    for user in range(12)
    for day in days
    for item in (f'i{user % 4}', f'i{user % 4 + 1}')
  ]
  data = tmp_path / 'data'
  data.mkdir()
  head = 'user_id\titem_id\ttimestamp\n'
  (data / 'interactions.tsv').write_text(head + ''.join(lines))
  titles = ''.join(f'i{i}\tThing {i}\n' for i in range(6))
  (data / 'items.tsv').write_text(f'item_id\ttitle\n{titles}')
  config = own_logs(**{'data.dir': str(data), 'training.refit': False})
  results = train.train_and_evaluate(config, tmp_path / 'run')
  printed = capsys.readouterr().out
  assert 'validation measures nothing (all targets of its 12 users' in printed
  assert 'nothing is measured here: all targets of its 12 users' in printed
  assert results['metrics']['ndcg@10'] is None
  assert results['best_step'] == 4  # The last one.
  assert results['other_seen']['metrics']['ndcg@10'] is not None
  assert (tmp_path / 'run' / 'report.html').is_file()
