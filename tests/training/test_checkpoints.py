"""What was saved is what is restored, or it is set aside by name."""

import errno
import resource
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrec.errors import UserError
from jaxrec.parallel import sharding
from jaxrec.training.checkpoints import Checkpoints, merit
from jaxrec.training.checksums import checksums

STEPS = (3, 5, 8)
SPLIT = P('fsdp')


def state_of(step: int, spec=SPLIT):
  """Random bits, the same for a step, laid out by `spec`."""
  rng = np.random.default_rng(step)
  mesh = sharding.make_mesh(fsdp=4)
  values = {
    'kernel': rng.normal(size=(8, 32)).astype(np.float32),
    'half': rng.normal(size=(16,)).astype(jnp.bfloat16),
    'step': np.int32(step),
  }
  return {
    name: jax.device_put(x, NamedSharding(mesh, spec if x.ndim else P()))
    for name, x in values.items()
  }


def assert_equal(a, b):
  jax.tree.map(
    lambda x, y: np.testing.assert_array_equal(np.asarray(x), np.asarray(y)),
    a,
    b,
  )


@pytest.fixture
def saved(tmp_path):
  """A directory with three checkpoints, the middle one the best."""
  directory = tmp_path / 'checkpoints'
  checkpoints = Checkpoints(directory)
  for step, auc in zip(STEPS, (0.6, 0.7, 0.5), strict=True):
    checkpoints.save(step, state_of(step), {'auc': auc})
  checkpoints.wait()
  return directory


@pytest.mark.parametrize('spec', [P(), P('data'), P(('fsdp', 'data'))], ids=str)
def test_restored_on_any_layout(saved, spec):
  want = state_of(8, spec)
  step, state = Checkpoints(saved).restore_latest(want)
  assert step == 8
  assert_equal(state, want)
  assert state['kernel'].sharding == want['kernel'].sharding
  step, state = Checkpoints(saved).restore_best(want)
  assert step == 5
  assert_equal(state, state_of(5))


def test_what_was_cut_off_is_removed_at_once(saved):
  """Not in a thread: a process may end right after."""
  partial = saved / '9.orbax-checkpoint-tmp-1'
  (partial / 'deep').mkdir(parents=True)
  checkpoints = Checkpoints(saved)
  assert not partial.exists() and checkpoints.latest() == 8
  # As Orbax calls the thread that would do it.
  running = [thread.name for thread in threading.enumerate()]
  assert not any('_target_setting_result' in name for name in running)


@pytest.mark.parametrize(
  'name', ['run[1]', '[!a-z]', 'a*', 'b?', '{x,y}', 'lr=[1e-3] 100%#1', '日本']
)
def test_a_directory_may_be_called_anything(name, tmp_path):
  directory = tmp_path / name / 'checkpoints'
  directory.parent.mkdir()
  state, told = state_of(3), []
  checkpoints = Checkpoints(directory, told.append)
  checkpoints.save(3, state, {'auc': 0.5})
  checkpoints.wait()
  step, restored = Checkpoints(directory, told.append).restore_latest(state)
  assert step == 3 and not told
  assert_equal(restored, state)


@pytest.mark.parametrize('name', ['a\\b', 'gs:'])
def test_a_name_that_cannot_be_is_refused_before_anything_is_saved(
  name, tmp_path
):
  with pytest.raises(UserError, match='give another --workdir'):
    Checkpoints(tmp_path / name / 'checkpoints')
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
  'error',
  [
    PermissionError(errno.EACCES, 'Permission denied'),
    OSError(errno.EMFILE, 'Too many open files'),
    ValueError('PERMISSION_DENIED: Error opening "zarr3" driver'),
    MemoryError(),
  ],
  ids=repr,
)
def test_what_cannot_be_read_now_is_not_called_damaged(
  saved, error, monkeypatch
):
  checkpoints, kept = Checkpoints(saved), sorted(saved.rglob('*'))

  def fails(*args):
    raise RuntimeError('cannot restore') from error

  monkeypatch.setattr(checkpoints._checkpointer, 'load', fails)
  with pytest.raises(UserError, match=r'8: cannot be read now .* as it is'):
    checkpoints.restore_latest(state_of(8))
  assert sorted(saved.rglob('*')) == kept and not checkpoints.aside.exists()


def truncate(path):
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
  data = bytearray(path.read_bytes())
  if data:
    data[len(data) // 2] ^= 16
  path.write_bytes(data)


def lose(path):
  path.unlink()


@pytest.mark.parametrize('harm', [truncate, flip, lose])
def test_no_file_can_be_harmed_unnoticed(saved, harm, tmp_path):
  """Whole or set aside, file by file: never other values."""
  files = [p.relative_to(saved) for p in (saved / '8').rglob('*')]
  files = sorted(p for p in files if (saved / p).is_file())
  backup = tmp_path / 'backup'
  (saved / '8').rename(backup)
  aside = 0
  for file in files:
    assert not (saved / '8').exists()
    for path in sorted(p for p in backup.rglob('*') if p.is_file()):
      to = saved / '8' / path.relative_to(backup)
      to.parent.mkdir(parents=True, exist_ok=True)
      to.write_bytes(path.read_bytes())
    harm(saved / file)
    told = []
    checkpoints = Checkpoints(saved, told.append)
    step, state = checkpoints.restore_latest(state_of(0))
    assert_equal(state, state_of(step))
    if step == 8:
      (saved / '8').rename(tmp_path / f'whole{len(list(tmp_path.iterdir()))}')
      continue
    aside += 1
    assert step == 5 and len(told) == 1
    place = told[0].split('set aside as ')[1]
    assert place.startswith(str(checkpoints.aside / '8'))
    assert str(saved / '8') in told[0]
  assert aside >= 3  # The arrays' own files at least.


def test_none_is_whole(saved):
  kept = {path.name for path in saved.iterdir()}
  for path in saved.rglob('manifest.ocdbt'):
    truncate(path)
  checkpoints = Checkpoints(saved)
  with pytest.raises(UserError, match='no whole checkpoint is left'):
    checkpoints.restore_latest(state_of(0))
  assert {path.name for path in checkpoints.aside.iterdir()} == kept
  fresh = state_of(0)
  assert Checkpoints(saved).restore_latest(fresh) == (None, fresh)


def test_another_model_is_not_damage(saved):
  other = state_of(8) | {'bias': jnp.zeros(4)}
  with pytest.raises(UserError, match='another model'):
    Checkpoints(saved).restore_latest(other)
  step, _ = Checkpoints(saved).restore_latest(state_of(8))
  assert step == 8  # It stayed.


def test_a_full_disk_leaves_the_last_one_whole(saved):
  """A limit on the size of files fails a write as a full disk does."""
  checkpoints = Checkpoints(saved)
  noise = np.random.default_rng(0).integers(0, 2**32, (2000, 500), np.uint32)
  large = state_of(9) | {'kernel': jnp.asarray(noise.view(np.int32))}
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
  try:
    with pytest.raises(UserError, match=r'cannot be written .* is step 8'):
      checkpoints.save(9, large)
      checkpoints.wait()
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
  step, state = Checkpoints(saved).restore_latest(state_of(0))
  assert step == 8
  assert_equal(state, state_of(8))


def test_checksums_know_every_bit_and_every_place():
  x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
  whole = int(checksums({'x': jnp.asarray(x)})['x'])
  found = set()
  for i in range(x.size):
    for bit in range(0, 32, 5):
      changed = x.copy().reshape(-1).view(np.uint32)
      changed[i] ^= np.uint32(1 << bit)
      y = jnp.asarray(changed.view(np.float32).reshape(x.shape))
      found.add(int(checksums({'x': y})['x']))
    swapped = x.copy().reshape(-1)
    swapped[[i, (i + 1) % x.size]] = swapped[[(i + 1) % x.size, i]]
    y = jnp.asarray(swapped.reshape(x.shape))
    found.add(int(checksums({'x': y})['x']))
  assert whole not in found


def test_checksums_are_the_same_on_any_layout():
  sums = [
    {k: int(v) for k, v in checksums(state_of(1, spec)).items()}
    for spec in (P(), P('fsdp'), P(('data', 'fsdp')))
  ]
  assert sums[0] == sums[1] == sums[2]


def test_the_best_is_the_first_of_equals_or_the_last_of_unmeasured():
  nan = float('nan')
  order = lambda *judged: sorted(
    (merit({'auc': v, 'step': s}, 'auc'), s) for s, v in judged
  )[-1][1]
  assert order((0, 0.5), (2, 0.7), (4, 0.7)) == 2
  assert order((0, nan), (2, nan), (4, nan)) == 4
  assert order((0, nan), (2, 0.1), (4, nan)) == 2
