"""What a training step carries on, born where it will live."""

import dataclasses

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict

from jaxrec.parallel.sharding import param_specs, shardings
from jaxrec.training.averaging import AveragedState


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
  """step: int32 scalar; params: nested dict of what trains; opt_state."""

  step: jax.Array
  params: dict
  opt_state: optax.OptState


def started(state: TrainState, params: dict) -> TrainState:
  """`state` with other parameters to start from, and averages of these."""
  opt_state = state.opt_state
  if isinstance(opt_state, AveragedState):
    opt_state = opt_state._replace(average=jax.tree.map(jnp.copy, params))
  return dataclasses.replace(state, params=params, opt_state=opt_state)


def merge_params(*parts: dict) -> dict:
  """Nested dicts with no leaf in common -> one."""
  flat: dict[tuple[str, ...], jax.Array] = {}
  for part in parts:
    flat |= flatten_dict(part)
  return unflatten_dict(flat)


def split_params(params: dict, is_frozen):
  """Nested dict -> (trained, frozen); `is_frozen` takes a '/'-joined path."""
  flat = flatten_dict(params)
  part = lambda want: unflatten_dict(
    {path: x for path, x in flat.items() if is_frozen('/'.join(path)) == want}
  )
  return part(False), part(True)


def init_state(make_model, tx, mesh, *, is_frozen=lambda path: False, rules=()):
  """Initial state, sharded from birth: nothing is ever whole on one device.

  Args:
    make_model: () -> nnx.Module with Param variables alone.
    tx: optax transformation of the trained parameters.
    mesh: see `sharding`.
    is_frozen: tells by a parameter's path whether it does not train.
    rules: of the parts' sharding, see `param_specs`.

  Returns:
    graphdef, TrainState, frozen parameters, and the PartitionSpecs of
    (TrainState, frozen).
  """
  graphdef, _ = nnx.split(nnx.eval_shape(make_model))

  def init():
    params = nnx.to_pure_dict(nnx.state(make_model(), nnx.Param))
    params, frozen = split_params(params, is_frozen)
    return TrainState(jnp.int32(0), params, tx.init(params)), frozen

  specs = param_specs(jax.eval_shape(init), mesh, rules)
  state, frozen = jax.jit(init, out_shardings=shardings(specs, mesh))()
  return graphdef, state, frozen, specs
