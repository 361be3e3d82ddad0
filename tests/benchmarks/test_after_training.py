"""The benchmarks of what a training leaves: kills, recommend."""

import argparse
import json
import sys

import pytest

from benchmarks import kills, recommend

STEPS = 4
# Stands for a training: checkpoints come one by one, as they lie in argv[1].
TRAINING = """
import pathlib, shutil, sys, time
whole, workdir = map(pathlib.Path, sys.argv[1:])
(workdir / 'checkpoints').mkdir(parents=True, exist_ok=True)
for path in sorted((whole / 'checkpoints').glob('[0-9]*')):
  to = workdir / 'checkpoints' / path.name
  if not to.exists():
    partial = to.with_name(path.name + '.tmp')
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(path, partial)
    partial.rename(to)
    time.sleep(0.2)
shutil.copy(whole / 'results.json', workdir)
"""
_made = {}


@pytest.fixture
def trained(tiny_config, one_device, tmp_path_factory):
  """(config, workdir) of a few steps."""
  from jaxrec.commands import train

  if not _made:
    workdir = tmp_path_factory.mktemp('trained')
    changes = {'training.num_steps': STEPS, 'training.eval_every': STEPS}
    # A layer that trains would take seconds to compile.
    changes |= {'model.text.trainable_layers': 0, 'optimizer.warmup_steps': 0}
    config = tiny_config(**changes, **{'evaluation.baselines': 'none'})
    train.train_and_evaluate(config, workdir)
    _made['trained'] = config, workdir
  return _made['trained']


@pytest.fixture
def killed(trained, tmp_path, monkeypatch, capsys):
  """(command of a run) -> the report of kills.main on such runs."""
  config, _ = trained

  def run(command):
    monkeypatch.setattr(kills.Run, 'config', lambda self: config)
    monkeypatch.setattr(kills.Run, 'command', command)
    monkeypatch.setattr(kills, 'LONGEST_WAIT', 0.1)
    path = tmp_path / 'report.json'
    flags = [f'--workdir={tmp_path / "runs"}', f'--output={path}']
    try:
      kills.main([*flags, '--kills=1', f'--steps={STEPS}'])
    finally:
      report = json.loads(path.read_text())
    return report

  return run


def test_a_killed_run_ends_as_the_untouched_one(trained, killed):
  _, workdir = trained
  command = lambda self: [sys.executable, '-c', TRAINING, workdir, self.workdir]
  report = killed(command)
  (kill,) = report['kills']
  assert kill['went_on_from'] == -1 < kill['saved'] < STEPS
  assert report['same'] == {
    'parameters': True,
    'optimizer_state': True,
    'metrics': True,
    'moved_at_all': True,
  }


def test_other_metrics_are_not_the_same(trained, tmp_path):
  config, workdir = trained
  other = tmp_path / 'other'
  other.mkdir()
  (other / 'checkpoints').symlink_to(workdir / 'checkpoints')
  results = json.loads((workdir / 'results.json').read_text())
  results['metrics'] = {'auc': -1.0}
  (other / 'results.json').write_text(json.dumps(results))
  runs = [
    argparse.Namespace(workdir=place, config=lambda: config)
    for place in (workdir, other)
  ]
  same = kills.same_end(*runs, STEPS)
  assert same.pop('metrics') is False and all(same.values())


def test_the_run_that_is_killed_is_the_demos_with_a_layer_that_trains():
  flags = {'batch_size': 4, 'steps': 300, 'every': 2, 'cache': '/cache'}
  args = argparse.Namespace(workdir='/runs', processes=2, **flags)
  run = kills.Run(args, 'whole')
  config = run.config()  # An unknown key would be an error.
  assert config.model.text.trainable_layers == 1
  assert config.training.checkpoint_every == 2
  script, *given = run.command()
  assert script.endswith('launch/local_multiprocess.sh')
  assert given[:2] == ['2', '1'] and '--workdir=/runs/whole' in given
  assert '--config.model.text.trainable_layers=1' in given


def test_a_file_of_users_is_recommended_to(trained, tmp_path, capsys):
  from jaxrec.commands import export

  config, workdir = trained
  bundle = tmp_path / 'bundle'
  export.export_workdir(config, workdir, bundle)
  capsys.readouterr()
  recommend.main([f'--bundle={bundle}', '--users=50', '--k=3'])
  measured = json.loads(capsys.readouterr().out)
  assert measured['users'] == 50 and measured['items'] == 60
  for name in ('users_per_second', 'peak_mb', 'output_mb', 'load_seconds'):
    assert measured[name] >= 0, name
