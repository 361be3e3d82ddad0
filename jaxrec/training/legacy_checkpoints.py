"""What version 0.1.0 saved, read by this one: its checkpoints.

Parameters have other paths now, and the optimizer groups them by other parts.
No array is changed: each of today's is one of those that were saved, under
another name, or a count of steps.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

# Parameters of terms, by what their paths begin with.
RENAMED = {
  'terms/text/': '',
  'terms/item_bias/values': 'item_bias',
  'terms/appeal/linear/': 'appeal/',
  'terms/': '',
}
MOMENTS = ('mu', 'nu')  # Of Adam, each a tree like the parameters'.
STEP = 'step'


def is_old(saved: Any) -> bool:
  """Whether a saved tree, or what is told of its arrays, is of 0.1.0."""
  params = saved.get('params') if isinstance(saved, Mapping) else None
  return isinstance(params, Mapping) and 'project' in params


def layout(saved: Mapping[str, Any], state: Any) -> Any:
  """How a saved tree is to be read, so that its arrays lie where they belong.

  Args:
    saved: nested dicts and lists of what has a shape and a dtype.
    state: a TrainState of shapes with shardings.

  Returns:
    `saved` as shapes with shardings; None: it is of another model.
  """
  arrays, wanted = by_path(saved), by_path(state)
  sources = _sources(arrays, wanted)
  if sources is None:
    return None
  placed = {source: wanted[path] for path, source in sources.items()}
  return jax.tree_util.tree_map_with_path(
    lambda path, x: jax.ShapeDtypeStruct(
      x.shape,
      x.dtype,
      # Counts of groups that are no more lie where the step does.
      sharding=placed.get(_joined(path), wanted[STEP]).sharding,
    ),
    saved,
  )


def translate(saved: Mapping[str, Any], state: Any) -> Any:
  """Today's state of a tree that was read as `layout` says.

  Args:
    saved: nested dicts and lists of arrays.
    state: a TrainState of shapes.
  """
  arrays = by_path(saved)
  sources = _sources(arrays, by_path(state))
  assert sources is not None, '`layout` has found them all'

  def array_of(path, _):
    x = arrays[sources[_joined(path)]]
    # One number serves for several counts, and a step gives each away.
    return jnp.copy(x) if _meaning(_joined(path))[0] == STEP else x

  return jax.tree_util.tree_map_with_path(array_of, state)


def by_path(tree: Any) -> dict[str, Any]:
  """Leaves by their paths, 'params/head/mean/empty'."""
  leaves = jax.tree_util.tree_leaves_with_path(tree)
  return {_joined(path): leaf for path, leaf in leaves}


def _sources(
  saved: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, str] | None:
  """By today's path, that of the same array in 0.1.0; None: not all are there.

  Args:
    saved, wanted: by path, what has a shape and a dtype.
  """
  names = {_meaning(path): path for path in saved}
  sources = {}
  for path, x in wanted.items():
    kind, parameter = _meaning(path)
    source = names.get((kind, _old_path(parameter)), '')
    if not source or (saved[source].shape, saved[source].dtype) != (
      x.shape,
      x.dtype,
    ):
      return None
    sources[path] = source
  unread = saved.keys() - set(sources.values())
  return sources if all(_meaning(p)[0] == STEP for p in unread) else None


def _meaning(path: str) -> tuple[str, str]:
  """('params', 'mu', 'nu' or 'step', the parameter that it is of)."""
  room, _, rest = path.partition('/')
  if room == 'params':
    return room, rest
  for moment in MOMENTS:
    _, is_moment, parameter = path.partition(f'/{moment}/')
    if is_moment:
      return moment, parameter
  return STEP, ''  # And the optimizer's counts, which are the same number.


def _old_path(parameter: str) -> str:
  """What 0.1.0 called a parameter."""
  for now, before in RENAMED.items():
    if parameter.startswith(now):
      return before + parameter.removeprefix(now)
  return parameter


def _joined(path: Any) -> str:
  return jax.tree_util.keystr(path, simple=True, separator='/')
