"""Functions as files: StableHLO by `jax.export`, and JSON on their arguments.

A function takes two dicts of arrays by name, parameters and inputs, and gives
one array. NAME.mlir is the portable StableHLO artifact of all PLATFORMS, whose
compatibility JAX keeps for half a year; NAME.json what an `Exported` knows
beside it. `jax.export`'s own files need flatbuffers to be read; these do not.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping

import jax
import numpy as np
from jax import export

from jaxrec.errors import UserError

PLATFORMS = ('cpu', 'cuda', 'tpu')


@dataclasses.dataclass(frozen=True)
class Function:
  """A function read from files.

  Attributes:
    params, inputs: shape and dtype by name; a shape's dimension is an int, or
      text where it may be any.
    call: (params, inputs) -> array; to be used under `jax.jit`.
  """

  params: dict[str, tuple[tuple, str]]
  inputs: dict[str, tuple[tuple, str]]
  call: Callable


def shaped(scope, dims, dtype='float32') -> jax.ShapeDtypeStruct:
  """An argument to save by: dims are ints or names of free dimensions."""
  return jax.ShapeDtypeStruct(_shape(dims, scope), np.dtype(dtype))


def save(
  directory: pathlib.Path,
  name: str,
  function: Callable,
  params: Mapping[str, jax.ShapeDtypeStruct],
  inputs: Mapping[str, jax.ShapeDtypeStruct],
) -> list[str]:
  """Writes a function.

  Args:
    directory: where NAME.mlir and NAME.json go.
    name: of the function.
    function: (params, inputs) -> array, pure.
    params, inputs: see `shaped`, all of one scope. What of them the result does
      not depend on is left out.

  Returns:
    Names of the parameters that it takes.
  """
  params, inputs = (dict(sorted(x.items())) for x in (params, inputs))
  closed = jax.make_jaxpr(function)(params, inputs)
  used = {id(var) for eqn in closed.jaxpr.eqns for var in eqn.invars}
  used |= {id(var) for var in closed.jaxpr.outvars}
  is_used = [id(var) in used for var in closed.jaxpr.invars]
  names = [(0, key) for key in params] + [(1, key) for key in inputs]
  kept = {x for x, needed in zip(names, is_used, strict=True) if needed}
  wanted = [
    {key: x for key, x in part.items() if (i, key) in kept}
    for i, part in enumerate((params, inputs))
  ]

  def of_used(*arguments):
    # What is not used is still a part of the model.
    return function(
      *(
        {
          key: part[key] if key in part else np.zeros((1,) * x.ndim, x.dtype)
          for key, x in whole.items()
        }
        for part, whole in zip(arguments, (params, inputs), strict=True)
      )
    )

  exported = export.export(jax.jit(of_used), platforms=PLATFORMS)(*wanted)
  directory.mkdir(parents=True, exist_ok=True)
  (directory / f'{name}.mlir').write_bytes(exported.mlir_module_serialized)
  avals = iter(exported.in_avals)
  description = {
    **{
      part: {key: _described(next(avals)) for key in keys}
      for part, keys in zip(('params', 'inputs'), wanted, strict=True)
    },
    'output': _described(exported.out_avals[0]),
    'platforms': list(exported.platforms),
    'calling_convention_version': exported.calling_convention_version,
    'module_kept_var_idx': list(exported.module_kept_var_idx),
    'uses_global_constants': exported.uses_global_constants,
    'jax': jax.__version__,
  }
  text = json.dumps(description, indent=2) + '\n'
  (directory / f'{name}.json').write_text(text, encoding='utf8')
  return list(wanted[0])


def load(directory: pathlib.Path, name: str) -> Function:
  """Reads what `save` wrote.

  Raises:
    UserError: the installed JAX keeps exported functions in another way.
  """
  text = (directory / f'{name}.json').read_text(encoding='utf8')
  description = json.loads(text)
  scope = export.SymbolicScope()
  aval = lambda x: jax.core.ShapedArray(
    _shape(x['shape'], scope), np.dtype(x['dtype'])
  )
  arguments = [description['params'], description['inputs']]
  avals = tuple(aval(x) for part in arguments for x in part.values())
  outs = (aval(description['output']),)
  # All that an Exported of any JAX so far has; those that it lacks are dropped.
  known = {
    'fun_name': name,
    'in_tree': jax.tree.structure((tuple(_leaves(x) for x in arguments), {})),
    'in_avals': avals,
    'out_tree': jax.tree.structure(0),
    'out_avals': outs,
    '_has_named_shardings': True,
    '_in_named_shardings': (None,) * len(avals),
    '_out_named_shardings': (None,),
    'in_shardings_hlo': (None,) * len(avals),
    'out_shardings_hlo': (None,),
    'nr_devices': 1,
    'platforms': tuple(description['platforms']),
    'ordered_effects': (),
    'unordered_effects': (),
    'disabled_safety_checks': (),
    'mlir_module_serialized': (directory / f'{name}.mlir').read_bytes(),
    'calling_convention_version': description['calling_convention_version'],
    'module_kept_var_idx': tuple(description['module_kept_var_idx']),
    'uses_global_constants': description['uses_global_constants'],
    '_get_vjp': None,
  }
  fields = [field.name for field in dataclasses.fields(export.Exported)]
  if foreign := sorted(set(fields) - set(known)):
    written_by = description['jax']
    raise UserError(
      f'{directory / name}.mlir was written by jax {written_by}; jax '
      f'{jax.__version__} keeps exported functions in another way '
      f'({", ".join(foreign)}): install jax {written_by}, or a newer jaxrec'
    )
  exported = export.Exported(**{field: known[field] for field in fields})
  described = lambda part: {
    key: (tuple(x['shape']), x['dtype']) for key, x in part.items()
  }
  params, inputs = map(described, arguments)
  return Function(params, inputs, exported.call)


def _leaves(part: dict) -> dict:
  return dict.fromkeys(part, 0)


def _described(aval) -> dict:
  dims = [dim if isinstance(dim, int) else str(dim) for dim in aval.shape]
  return {'shape': dims, 'dtype': str(aval.dtype)}


def _shape(dims, scope) -> tuple:
  if all(isinstance(dim, int) for dim in dims):
    return tuple(dims)
  text = f'({", ".join(map(str, dims))},)'
  return tuple(export.symbolic_shape(text, scope=scope))
