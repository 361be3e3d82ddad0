"""Functions come back from their files as they went."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrec.bundle import functions
from jaxrec.errors import UserError


@pytest.fixture
def saved(tmp_path):
  scope = jax.export.SymbolicScope()
  shaped = lambda *dims: functions.shaped(scope, dims)

  def function(params, inputs):
    _, rest = jax.lax.scan(
      lambda carry, x: (carry + x, carry), jnp.zeros(3), inputs['x']
    )
    return rest @ params['w'] + params['b']

  used = functions.save(
    tmp_path,
    'f',
    function,
    {'w': shaped(3, 4), 'b': shaped(), 'unused': shaped('n', 2)},
    {'x': shaped('b', 3), 'also': shaped('b')},
  )
  assert used == ['b', 'w']
  return tmp_path, function


def test_any_batch_and_only_what_is_used(saved):
  directory, function = saved
  loaded = functions.load(directory, 'f')
  assert list(loaded.params) == ['b', 'w'] and list(loaded.inputs) == ['x']
  assert loaded.inputs['x'] == (('b', 3), 'float32')
  rng = np.random.default_rng(0)
  params = {'w': rng.normal(size=(3, 4)), 'b': rng.normal()}
  params = {name: np.float32(x) for name, x in params.items()}
  for size in (1, 2, 7):
    x = {'x': rng.normal(size=(size, 3)).astype(np.float32)}
    np.testing.assert_allclose(
      jax.jit(loaded.call)(params, x), function(params, x), atol=1e-6
    )


def test_platforms_and_no_pickle(saved):
  description = json.loads((saved[0] / 'f.json').read_text())
  assert description['platforms'] == ['cpu', 'cuda', 'tpu']
  content = (saved[0] / 'f.mlir').read_bytes()
  assert content.startswith(b'ML\xefR')  # MLIR bytecode.


def test_another_jax_is_one_clear_error(saved, monkeypatch):
  @dataclasses.dataclass
  class Exported:
    fun_name: str
    hitherto_unknown: int

  monkeypatch.setattr(functions.export, 'Exported', Exported)
  with pytest.raises(UserError, match=r'hitherto_unknown.*install jax'):
    functions.load(saved[0], 'f')
