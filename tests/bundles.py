"""Small bundles, each exported once."""

import contextlib
import io

import jax
import numpy as np
import pytest

from configs import ecommerce, news
from jaxrec.evaluation import gains

_made = {}
said = {}  # What each export printed.


def _exported(key, config, factory):
  """Exports a model whose parameters are all moved, as training would."""
  from jaxrec.commands import export
  from jaxrec.console import Display
  from jaxrec.training import identity
  from jaxrec.training.experiment import Experiment
  from jaxrec.training.state import started

  if key not in _made:
    workdir, bundle = factory.mktemp(key), factory.mktemp(f'{key}.bundle')
    experiment = Experiment.from_config(config, Display(quiet=True))
    identity.claim(workdir, experiment.given, experiment.fingerprints)
    with jax.set_mesh(experiment.mesh):
      state, _ = experiment.init()
      judged = {experiment.judge.protocol.main_metric: 0.5}
      saved = [(experiment, judged)]
      if config.training.refit:  # What is exported then.
        saved.append((experiment.refit(), None))
      for seed, (source, metrics) in enumerate(saved):
        moved = _moved(state.params, seed)
        checkpoints = source.checkpoints(workdir)
        checkpoints.save(1, started(state, moved), metrics)
        checkpoints.wait()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
      export.export_workdir(config, workdir, bundle)
    said[key] = printed.getvalue()
    _made[key] = config, workdir, bundle
  return _made[key]


def _moved(params, seed):
  rng = np.random.default_rng(seed)
  return jax.tree.map(
    lambda x: jax.device_put(
      np.asarray(x) + rng.normal(0, 0.1, x.shape).astype(np.float32), x.sharding
    ),
    params,
  )


@pytest.fixture
def shop(tiny_config, tmp_path_factory, one_device):
  """(config, workdir, bundle) of sequences: ids, fields, behaviours, gaps."""
  config = tiny_config(
    'interactions',
    ecommerce,
    **{
      'evaluation.baselines': 'none',
      'training.refit': True,
      'ensemble': '',  # Of `own_logs`.
      'model.terms': 'text,ids,fields,item_bias,trend',
      'model.terms.text.centered': 'catalog',
      'model.terms.text.decay': 0.6,
      'model.terms.ids.width': 4,
      'model.terms.ids.start': 'random',
      'model.terms.ids.decays.together': 0.8,
      'model.terms.ids.decays.follows': 0.6,
      'model.terms.fields.names': 'sold_at',
      'model.terms.fields.width': 4,
      'model.terms.fields.decay': 0.6,
      'model.terms.trend.half_life': 1.0,
      'model.head.behaviours': True,
      'model.head.gaps': True,
      'model.head.once': True,
    },
  )
  return _exported('shop', config, tmp_path_factory)


# What own logs' closed forms weigh here, whatever validation says of them.
GAINS = {'rules': 0.5, 'ease': 0.0, 'texts': 0.8}


@pytest.fixture
def own_logs(tiny_config, tmp_path_factory, one_device, monkeypatch):
  """(config, workdir, bundle) of item vectors alone, and an ensemble."""
  config = tiny_config(
    'interactions',
    ecommerce,
    **{
      'evaluation.baselines': 'none',
      'input.history_length': 6,
      'training.refit': True,
      'model.terms.item.width': 8,
    },
  )
  monkeypatch.setattr(gains, 'choose', lambda *args: dict(GAINS))
  return _exported('own_logs', config, tmp_path_factory)


@pytest.fixture
def sharded(tiny_config, tmp_path_factory):
  """(config, workdir, bundle) of impressions, one layer tuned, on 8 devices."""
  assert jax.device_count() == 8
  config = tiny_config(
    'mind_small',
    news,
    **{
      'evaluation.baselines': 'none',
      'training.refit': True,
      'model.text.trainable_layers': 1,
      'mesh.fsdp': 2,
    },
  )
  return _exported('sharded', config, tmp_path_factory)
