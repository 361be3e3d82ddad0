"""Whose a workdir is, and when a training may become longer."""

import pytest

from configs import ecommerce, news
from jaxrec import workdirs
from jaxrec.errors import UserError
from jaxrec.training import identity
from jaxrec.training.settings import Config


def config_of(**changes):
  tree = news.get_config().to_dict()
  for key, value in changes.items():
    section, _, name = key.partition('__')
    tree[section][name] = value
  return Config.from_dict(tree)


BEGUN = {
  'optimizer__schedule': 'constant',
  'optimizer__warmup_steps': 10,
  'training__num_steps': 100,
}


@pytest.fixture
def begun(tmp_path):
  """A workdir of BEGUN; changes to it -> what `check` says."""
  identity.claim(tmp_path, config_of(**BEGUN), {})

  def check(num_steps=500, **changes):
    identity.check(
      tmp_path,
      config_of(**BEGUN | changes),
      {},
      may_grow_to=lambda: num_steps,
    )

  check.workdir = tmp_path
  return check


def test_a_training_of_constant_rates_may_grow(begun):
  begun(training__num_steps=200)
  longer = config_of(**BEGUN | {'training__num_steps': 200})
  identity.claim(begun.workdir, longer, {})
  kept = workdirs.read_config(begun.workdir)['config']
  assert kept['training']['num_steps'] == 200
  with pytest.raises(UserError, match=r'num_steps \(there 200, now 100\)'):
    begun(training__num_steps=100)
  # Evaluated is what was trained.
  with pytest.raises(UserError, match=r'num_steps \(there 200, now 300\)'):
    identity.check(
      begun.workdir, config_of(**BEGUN | {'training__num_steps': 300}), {}
    )


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'training__num_steps': 200, 'training__log_every': 3}, None),
    ({'training__num_steps': 200, 'training__patience': 3}, 'patience'),
    ({'training__num_steps': 200, 'input__batch_size': 7}, 'batch_size'),
    ({'training__num_steps': 50}, r'num_steps \(there 100, now 50\)'),
    ({'training__epochs': 2.0}, r'epochs \(there 0.0, now 2.0\)'),
  ],
  ids=str,
)
def test_nothing_else_may_change_with_it(begun, changes, message):
  if message is None:
    begun(**changes)
    return
  with pytest.raises(UserError, match=message):
    begun(**changes)


@pytest.mark.parametrize(
  ('before', 'after', 'message'),
  [
    (
      {'optimizer__schedule': 'cosine'},
      {'training__num_steps': 200},
      r'schedule=cosine .* --config=.*/config\.json '
      r'--config\.training\.num_steps=200 and another --workdir',
    ),
    (
      {'training__eval_every': 0},
      {'training__num_steps': 200},
      'its looks at validation',
    ),
    (
      {'optimizer__warmup_steps': 100},
      {'training__num_steps': 200},
      'its 100 steps were fewer than optimizer.warmup_steps=100',
    ),
    (
      {'training__epochs': 1.0},
      {'training__epochs': 100.0},
      'its 5 steps were fewer than optimizer.warmup_steps=10',
    ),
    ({'training__epochs': 10.0}, {'training__epochs': 100.0}, None),
  ],
  ids=str,
)
def test_what_a_longer_training_would_not_have_come_to(
  before, after, message, tmp_path
):
  identity.claim(tmp_path, config_of(**BEGUN | before), {})
  now = config_of(**BEGUN | before | after)
  if message is None:
    identity.check(tmp_path, now, {}, may_grow_to=lambda: 500)
    return
  with pytest.raises(UserError, match=message):
    identity.check(tmp_path, now, {}, may_grow_to=lambda: 500)


def test_what_was_left_to_the_data_cannot_be_made_longer(tmp_path):
  tree = ecommerce.get_config('interactions').to_dict()
  tree['optimizer']['schedule'] = 'constant'
  tree['training'] |= {'eval_every': 10, 'checkpoint_every': 10}
  identity.claim(tmp_path, Config.from_dict(tree), {})
  tree['training']['num_steps'] = 100
  with pytest.raises(UserError, match='was left to the size of the data'):
    identity.check(
      tmp_path, Config.from_dict(tree), {}, may_grow_to=lambda: 500
    )


def test_keys_that_are_new_since_then_make_no_other_run(tmp_path):
  config = config_of()
  identity.claim(tmp_path, config, {})
  kept = workdirs.read_config(tmp_path)
  del kept['config']['optimizer']['average'], kept['config']['ensemble']
  del kept['files'], kept['started_in'], kept['version']
  workdirs.write_json(tmp_path / 'config.json', kept)
  identity.check(tmp_path, config, {})
  with pytest.raises(UserError, match=r'average \(there 0.0, now 0.5\)'):
    identity.check(tmp_path, config_of(optimizer__average=0.5), {})


def test_a_later_versions_workdir_is_named(tmp_path):
  identity.claim(tmp_path, config_of(), {})
  kept = workdirs.read_config(tmp_path)
  kept['config']['optimizer']['lookahead'] = 3
  workdirs.write_json(tmp_path / 'config.json', kept | {'version': '9.1'})
  with pytest.raises(
    UserError, match=r'config\.json: .*another version.* 9\.1'
  ):
    identity.check(tmp_path, config_of(), {})
  for text in ('[]', '{}', '{"config": 3, "fingerprints": {}}'):
    (tmp_path / 'config.json').write_text(text)
    with pytest.raises(UserError, match='is not what a training writes'):
      identity.check(tmp_path, config_of(), {})
