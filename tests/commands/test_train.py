import copy
import functools
import json
import pathlib
import shutil
import signal
import string

import jax
import numpy as np
import pytest

from configs import ecommerce, music, news, video
from jaxrec import workdirs
from jaxrec.baselines import BASELINES
from jaxrec.commands import evaluate, train
from jaxrec.commands.setup import set_up
from jaxrec.console import Display
from jaxrec.data.datasets import builder_class, demo
from jaxrec.data.datasets.sequence_builder import SequenceBuilder
from jaxrec.data.prepare import load_dataset
from jaxrec.errors import UserError
from jaxrec.evaluation import metrics
from jaxrec.parallel import sharding
from jaxrec.parallel.processes import Stopped, alone_in
from jaxrec.report.curves import read_curves
from jaxrec.training import loop
from jaxrec.training.checkpoints import Checkpoints
from jaxrec.training.experiment import Experiment
from tests.conftest import on_one_device

LISTS = {f'{name}@10' for name in ('coverage', 'novelty', 'diversity')}
CONFIGS = [
  (domain, variant)
  for domain in (news, ecommerce, music, video)
  for variant in domain.VARIANTS
]
METRICS = {*metrics.RANKING, *LISTS, 'popularity@10'}


@pytest.mark.slow  # Steps on eight are held to one's in tests/parallel.
def test_two_steps_on_eight_devices(tiny_config, tmp_path):
  found = train.train_and_evaluate(tiny_config(), tmp_path)
  assert found['versions']['device'].startswith('8 x')
  assert np.isfinite(list(found['metrics'].values())).all()


@pytest.fixture
def small_worlds(monkeypatch):
  """Demo worlds of few users: all the items, in a third of the time."""
  monkeypatch.setattr(demo, 'USERS', 200)
  monkeypatch.setattr(demo, 'the_world', functools.cache(demo.make_world))


def name_of(part) -> str:
  """A domain's or a variant's, as a test is called."""
  return getattr(part, '__name__', part).removeprefix('configs.')


def slots_of(config) -> set[str]:
  """The columns that make a config's texts."""
  parts = string.Formatter().parse(config.data.text_template)
  return {slot for _, slot, _, _ in parts if slot}


@pytest.mark.parametrize(('domain', 'variant'), CONFIGS, ids=name_of)
def test_every_config_makes_texts_of_what_its_items_have(domain, variant):
  config = domain.get_config(variant)
  cls = builder_class(config.data.name)
  # What the items of a file that is brought have, the file tells.
  brought = config.data.name in ('interactions', 'impressions')
  texts = {'title'} if brought else {*cls.ITEM_TEXTS}
  assert slots_of(config) <= texts
  sequences = issubclass(cls, SequenceBuilder)
  assert sequences == (config.data.protocol != 'impressions')
  assert (variant == 'demo') == (not cls.READS_FILES)


@pytest.mark.parametrize(
  ('domain', 'variant'),
  [(d, v) for d, v in CONFIGS if v != 'demo'],
  ids=name_of,
)
def test_every_config_reads_its_files(domain, variant, tiny_config):
  config = tiny_config(variant, domain)
  found = load_dataset(config.data)
  assert slots_of(config) <= found.items.keys()
  assert min(map(len, (found.train, found.validation, found.test))) > 5


def is_like_another(variant) -> bool:
  """What differs in who reads it, sets aside; a demo trains in tests/docs.

  Own logs train in test_own_logs.py.
  """
  return variant not in ('mind_small', 'movielens')


@pytest.mark.parametrize(
  ('domain', 'variant'),
  [
    pytest.param(d, v, marks=[pytest.mark.slow] * is_like_another(v))
    for d, v in CONFIGS
  ],
  ids=name_of,
)
def test_every_config_trains_two_steps(
  domain, variant, tiny_config, tmp_path, one_device, small_worlds
):
  every = variant in ('mind_small', 'movielens')
  which = 'all' if every else 'random,popularity'
  refit = domain.get_config(variant).training.refit
  changes = {'evaluation.baselines': which, 'training.refit': refit}
  config = tiny_config(variant, domain, **changes)
  if variant == 'demo':  # Not the worlds that others prepare.
    config.data.cache_dir = str(tmp_path / 'cache')
  listed = config.data.protocol == 'impressions'
  found = train.train_and_evaluate(config, tmp_path)
  assert found == json.loads((tmp_path / 'results.json').read_text())
  assert found['dataset'] == config.data.name and found['split'] == 'test'
  expected = METRICS | set(metrics.POINTWISE if listed else ())
  assert set(found['metrics']) == expected
  assert np.isfinite(list(found['metrics'].values())).all()
  names = {*(BASELINES if every else ('random', 'popularity'))}
  names |= {'oracle'} if variant == 'demo' else set()
  assert set(found['baselines']) == set(found['comparisons']) == names
  for name, (low, high) in found['intervals'].items():
    assert low - 1e-9 <= found['metrics'][name] <= high + 1e-9
  ending = 'zip' if listed else 'parquet'
  assert (tmp_path / f'predictions.{ending}').stat().st_size > 100
  assert '<html' in (tmp_path / 'report.html').read_text()[:200]
  assert found['train']['steps'] == 2
  text = found['config']['model']['text']
  assert text['pretrained'] == config.model.text.pretrained
  assert list(tmp_path.glob('events.out.tfevents.*'))
  assert (tmp_path / 'checkpoints' / '2').is_dir()


@pytest.fixture(scope='module')
def whole(tiny_config, tmp_path_factory):
  """trainable_layers -> config, workdir and results of a run without a stop.

  With dropout; each is trained once, for all tests, which leave it as it is.
  """

  @functools.cache
  def train_whole(trainable_layers):
    config = tiny_config(
      **{
        'model.text.trainable_layers': trainable_layers,
        'model.text.dropout': 0.3,
        'training.num_steps': 5,
      }
    )
    workdir = tmp_path_factory.mktemp('whole')
    with on_one_device():
      return config, workdir, train.train_and_evaluate(config, workdir)

  return train_whole


@pytest.fixture(scope='module')
def finished(whole):
  return whole(1)


def test_a_finished_workdir_is_only_shown(
  finished, capsys, monkeypatch, one_device
):
  config, workdir, first = finished
  monkeypatch.setattr(loop, 'train', None)
  assert train.train_and_evaluate(config, workdir) == first
  assert 'is finished' in capsys.readouterr().out


def test_evaluation_alone_gives_the_same(finished, one_device):
  config, workdir, first = finished
  assert workdirs.read(workdir) == first
  assert evaluate.evaluate_workdir(config, workdir, 'test') == first


def test_any_split_is_evaluated_beside_the_test(finished, one_device):
  config, workdir, before = finished
  found = evaluate.evaluate_workdir(config, workdir, 'validation')
  assert found['split'] == 'validation' and workdirs.read(workdir) == before
  for name in found['validation']:
    assert found['metrics'][name] == found['validation'][name]
  # What was step 0 then is made again, and training is measured against it.
  at_start = dict(read_curves(workdir)['validation/auc'])[0]
  training = found['training']
  assert training['step_0']['auc'] == pytest.approx(at_start, abs=1e-6)
  assert training['chosen_step'] == found['best_step']
  gained = training['added']['auc']['difference']
  assert gained == found['metrics']['auc'] - training['step_0']['auc']
  for name in ('results', 'report', 'predictions'):
    assert len(list(workdir.glob(f'{name}.validation.*'))) == 1
  with pytest.raises(UserError, match="--split: 'tests' is unknown"):
    evaluate.evaluate_workdir(config, workdir, 'tests')


def test_another_configs_workdir_is_refused(finished, tiny_config):
  config = tiny_config(**{'optimizer.clip_norm': 0.5})
  with pytest.raises(UserError) as e:
    train.train_and_evaluate(config, finished[1])
  assert 'model.text.trainable_layers (there 1, now 0)' in str(e.value)
  assert 'optimizer.clip_norm (there 1.0, now 0.5)' in str(e.value)
  assert 'data.dir' not in str(e.value)


def test_only_one_trains_in_a_workdir(tiny_config, tmp_path):
  with (
    alone_in(tmp_path),
    pytest.raises(UserError, match='another process is training in'),
  ):
    train.train_and_evaluate(tiny_config(), tmp_path)
  assert not (tmp_path / 'config.json').exists()


def test_nothing_trained_there(tiny_config, tmp_path):
  with pytest.raises(UserError, match='train there first'):
    evaluate.evaluate_workdir(tiny_config(), tmp_path, 'test')


@pytest.mark.parametrize(
  'trainable_layers',
  [  # That of a frozen one is interrupted in the refit's test, too.
    pytest.param(0, marks=pytest.mark.slow),
    1,
    pytest.param(-1, marks=pytest.mark.slow),
  ],
)
def test_interrupted_equals_uninterrupted(
  trainable_layers, whole, tmp_path, monkeypatch, one_device
):
  """To the bit, with dropout, wherever it stops."""
  config, workdir, wanted = whole(trainable_layers)

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
      train.train_and_evaluate(config, tmp_path)
  assert not (tmp_path / 'results.json').exists()
  found = train.train_and_evaluate(config, tmp_path)
  assert_same_parameters(config, workdir, tmp_path)
  assert found['metrics'] == wanted['metrics']
  assert found['best_step'] == wanted['best_step']


def test_all_is_computed_in_32_bits(tiny_config):
  """Whatever JAX_ENABLE_X64 says."""
  try:
    jax.config.update('jax_enable_x64', True)
    set_up(tiny_config())
    assert not jax.config.jax_enable_x64
  finally:
    jax.config.update('jax_enable_x64', False)


def test_a_longer_training_is_one_that_was_so_from_the_start(
  tiny_config, tmp_path, one_device
):
  """To the bit, of constant learning rates, from a finished workdir."""
  of = lambda steps: tiny_config(
    **{
      'training.num_steps': steps,
      'optimizer.schedule': 'constant',
      'optimizer.warmup_steps': 1,
      'evaluation.baselines': 'none',
    }
  )
  train.train_and_evaluate(of(2), tmp_path / 'grown')
  grown = train.train_and_evaluate(of(4), tmp_path / 'grown')
  whole = train.train_and_evaluate(of(4), tmp_path / 'whole')
  assert_same_parameters(of(4), tmp_path / 'grown', tmp_path / 'whole')
  assert grown['metrics'] == whole['metrics']
  kept = workdirs.read_config(tmp_path / 'grown')['config']
  assert kept['training']['num_steps'] == 4


_fresh = {}  # A config's Experiment, and the state it starts from, by devices.


def assert_same_parameters(config, *workdirs):
  key = config.to_json_best_effort(), sharding.make_mesh().size
  if key not in _fresh:
    experiment = Experiment.from_config(config, Display(quiet=True))
    with jax.set_mesh(experiment.mesh):
      _fresh[key] = experiment, experiment.init()[0]
  experiment, fresh = _fresh[key]
  with jax.set_mesh(experiment.mesh):
    a, b = (
      experiment.checkpoints(w).restore(config.training.num_steps, fresh)
      for w in workdirs
    )
  jax.tree.map(np.testing.assert_array_equal, a, b)
  moved = jax.tree.map(
    lambda x, y: bool((x != y).any()), a.params, fresh.params
  )
  assert any(jax.tree.leaves(moved))


@pytest.mark.parametrize(
  'trainable_layers', [0, pytest.param(-1, marks=pytest.mark.slow)]
)
def test_a_nan_stops_names_its_step_and_leaves_no_checkpoint(
  trainable_layers, tiny_config, tmp_path, one_device
):
  config = tiny_config(
    **{
      'model.text.trainable_layers': trainable_layers,
      'optimizer.learning_rate': 1e38,
      'optimizer.warmup_steps': 0,
      'optimizer.clip_norm': 0.0,
      'training.num_steps': 9,
    }
  )
  with pytest.raises(UserError, match=r'at step (\d): .* impression \d+') as e:
    train.train_and_evaluate(config, tmp_path)
  step = int(str(e.value).split('at step ')[1][0])
  saved = [int(p.name) for p in (tmp_path / 'checkpoints').iterdir()]
  assert max(saved) < step


def damage(checkpoint: pathlib.Path):
  files = [p for p in checkpoint.rglob('*') if p.is_file()]
  largest = max(files, key=lambda p: p.stat().st_size)
  largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_used(
  finished, tmp_path, one_device, capsys
):
  config, workdir, _ = finished
  shutil.copytree(workdir, tmp_path, dirs_exist_ok=True)
  (tmp_path / 'results.json').unlink()
  damage(tmp_path / 'checkpoints' / '5')
  train.train_and_evaluate(config, tmp_path)
  told = ' '.join(capsys.readouterr().out.split())
  assert 'checkpoints/5: damaged checkpoint' in told
  assert 'checkpoints.damaged/5' in told and 'continuing from step 4' in told
  assert (tmp_path / 'checkpoints.damaged' / '5').is_dir()
  assert_same_parameters(config, workdir, tmp_path)


def test_sigterm_saves_where_it_came_and_resumes(
  finished, tmp_path, monkeypatch, one_device
):
  config, workdir, _ = finished
  seldom = copy.deepcopy(config)
  seldom.training.checkpoint_every = 9
  before = signal.getsignal(signal.SIGTERM)
  fetch = loop._fetch

  def at_3(pending, pipeline):
    if 3 in pending:
      signal.raise_signal(signal.SIGTERM)
    return fetch(pending, pipeline)

  with monkeypatch.context() as patch:
    patch.setattr(loop, '_fetch', at_3)
    # Heard in step 3, between which and 4 nothing was to be saved.
    with pytest.raises(Stopped, match='after step 4, which is saved'):
      train.train_and_evaluate(seldom, tmp_path)
  assert (tmp_path / 'checkpoints' / '4').is_dir()
  assert signal.getsignal(signal.SIGTERM) == before
  train.train_and_evaluate(seldom, tmp_path)
  assert_same_parameters(config, workdir, tmp_path)


def test_sigterm_before_the_first_step_stops_at_once(
  tiny_config, tmp_path, monkeypatch, one_device
):
  def prepare(*args, **kwargs):
    signal.raise_signal(signal.SIGTERM)
    pytest.fail('it went on')

  monkeypatch.setattr(train.Experiment, 'from_config', prepare)
  with pytest.raises(Stopped):
    train.train_and_evaluate(tiny_config(), tmp_path)


def test_damaged_kept_data_names_its_file(tiny_config, tmp_path, one_device):
  """And what it says to remove is what has to be."""
  config = tiny_config(**{'data.cache_dir': str(tmp_path)})

  def vectors():
    experiment = Experiment.from_config(config, Display(quiet=True))
    with jax.set_mesh(experiment.mesh):
      vectors = np.array(experiment.encoder.vectors)
      return vectors, experiment.dataset.fingerprint

  want, fingerprint = vectors()
  for kept in ('datasets', 'tokens', 'vectors'):
    largest = max(
      (tmp_path / kept).rglob('*.npy'), key=lambda p: p.stat().st_size
    )
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])
    with pytest.raises(UserError, match=str(largest)) as e:
      vectors()
    assert f'remove {largest.parent}' in str(e.value)
    shutil.rmtree(largest.parent)
    found, same = vectors()
    np.testing.assert_array_equal(found, want)
    assert same == fingerprint


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'input.batch_size': 12}, 'does not split over 8 devices'),
    ({'mesh.fsdp': 3}, 'does not fit 8 devices'),
    ({'mesh.data': 2}, 'sizes must multiply to 8'),
    ({'input.num_candidates': 1}, 'must be 2 or more'),
    ({'model.text.trainable_layers': 7}, 'this BERT has 2 layers'),
    ({'model.text.dtype': 'float8'}, r'model\.text\.dtype'),
    ({'model.text.max_tokens': 2}, 'no room for text'),
    ({'model.text.max_tokens': 41}, '40 positions'),
    ({'objectives': 'next'}, 'objectives'),
    ({'data.name': 'mind_smal'}, "did you mean 'mind_small'"),
    ({'data.validation_fraction': 0.0}, 'validation_fraction'),
    ({'model.head.type': 'lstmm'}, "did you mean 'lstm'"),
    ({'model.text.pretrained': './nowhere'}, 'no such directory'),
    ({'data.dir': '/nowhere'}, '/nowhere'),
  ],
  ids=str,
)
def test_what_cannot_be_is_one_clear_line(
  changes, message, tiny_config, tmp_path
):
  with pytest.raises(UserError, match=message) as e:
    train.train_and_evaluate(tiny_config(**changes), tmp_path)
  assert '\n' not in str(e.value)
  # A mistake takes no workdir: the same one does for the next try.
  assert not (tmp_path / 'config.json').exists()


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'objectives': 'next_itm'}, 'objectives: .*did you mean .next_item'),
    ({'objectives': 'next_item'}, 'impressions,next_item to learn from'),
    ({'objectives.next_item.loss': 'hinge'}, 'objectives.next_item.loss'),
    (
      {'objectives.impressions.loss': 'hinge'},
      "impressions.loss: 'hinge' is unknown",
    ),
    ({'model.terms.fields.names': 'categori'}, "did you mean 'category'"),
    (
      {'model.terms.fields.gain': 0.0},
      r'model\.terms\.fields\.gain=0\.0: must be above 0',
    ),
    ({'model.terms.ids.channels': 'togther'}, 'did you mean .?together'),
    (
      {'model.terms.ids.width': 2, 'input.ordered': False},
      'nothing follows in sets',
    ),
    ({'model.terms.ids.decays.past': 0.5}, 'ids.decays.past: unknown key'),
    ({'model.terms.text.decay': 1.5}, 'text.decay=1.5: .*at most 1'),
    ({'model.terms.ids.decays.follows': 0.0}, 'decays.follows=0.0: .*above 0'),
    ({'model.terms.ids.dropout': 1.0}, 'ids.dropout=1.0'),
    ({'model.terms': 'ids'}, 'name text or item'),
    ({'model.terms.trend.half_life': 1.0}, 'only sequences tell when'),
    # What was said in the words of 0.1.0 is answered as clearly.
    ({'objective': 'next_itm'}, 'objective: .*did you mean .next_item'),
    ({'head.decays': '0.5,0.5,0.5'}, r'give 2 numbers .*fields\.decay'),
    ({'head.decays': '0.5,1.5'}, 'fields.decay=1.5: .*at most 1'),
  ],
  ids=str,
)
def test_choices_that_cannot_be(changes, message, tiny_config, tmp_path):
  with pytest.raises(UserError, match=message):
    train.train_and_evaluate(tiny_config(**changes), tmp_path / 'work')


def test_impressions_teach_by_their_histories_too(
  tiny_config, tmp_path, one_device
):
  """Both objectives at once, items with ids started from what is known."""
  config = tiny_config(
    'mind_small',
    **{
      'objectives': 'impressions,next_item',
      'objectives.next_item.weight': 0.5,
      'model.terms.ids.width': 3,
      'model.terms.text.decay': 0.9,
      'model.terms.fields.decay': 0.7,
      'model.terms.ids.decays.together': 0.8,
      'model.terms.ids.decays.follows': 0.6,
      'evaluation.baselines': 'none',
    },
  )
  found = train.train_and_evaluate(config, tmp_path)
  assert np.isfinite(list(found['metrics'].values())).all()


@pytest.mark.parametrize(
  'variant',
  ['movielens', pytest.param('mind_small', marks=pytest.mark.slow)],
)
def test_a_refit_learns_from_validation_too(
  variant, tiny_config, tmp_path, monkeypatch, one_device
):
  """And is the same, to the bit, wherever it was interrupted."""
  config = tiny_config(
    variant,
    video if variant == 'movielens' else news,
    **{
      'training.num_steps': 3,
      'training.refit': True,
      'evaluation.baselines': 'none',
    },
  )
  last_one = lambda self: [c.step for c in self._checkpointer.checkpoints][-1:]
  monkeypatch.setattr(Checkpoints, '_by_metric', last_one)
  whole, parts = tmp_path / 'whole', tmp_path / 'parts'
  first = train.train_and_evaluate(config, whole)
  assert first['refitted'] and first['best_step'] == 3

  class Stop(Exception):
    pass

  fetch = loop._fetch

  def stop_at_2(pending, pipeline):
    if 2 in pending and (parts / 'refit').exists():
      raise Stop
    return fetch(pending, pipeline)

  with monkeypatch.context() as patch:
    patch.setattr(loop, '_fetch', stop_at_2)
    with pytest.raises(Stop):
      train.train_and_evaluate(config, parts)
  with pytest.raises(UserError, match='not refitted yet'):
    evaluate.evaluate_workdir(config, parts, 'test')
  assert train.train_and_evaluate(config, parts)['metrics'] == first['metrics']
  assert evaluate.evaluate_workdir(config, whole, 'test') == first

  experiment = Experiment.from_config(config, Display(quiet=True))
  again = experiment.refit()
  assert again.pipeline.num_examples > experiment.pipeline.num_examples
  with jax.set_mesh(experiment.mesh):
    fresh, _ = experiment.init()
    steps = experiment.user_step
    starts = [evaluate._step_0(experiment, refit) for refit in (False, True)]
    a, b = (experiment.restore_chosen(w, fresh) for w in (whole, parts))
  # Training is measured against the start of what was trained: a refit has one
  # of its own, and compiled steps are not made again for it.
  jax.tree.map(np.testing.assert_array_equal, starts[0], fresh.params)
  differ = jax.tree.map(lambda x, y: bool((x != y).any()), *starts)
  assert any(jax.tree.leaves(differ)) == (variant == 'movielens')
  assert experiment.user_step is steps
  assert first['training']['chosen_step'] == 3
  jax.tree.map(np.testing.assert_array_equal, a.params, b.params)
  differ = jax.tree.map(lambda x, y: (x != y).any(), a.params, a.judged)
  assert any(jax.tree.leaves(differ))
