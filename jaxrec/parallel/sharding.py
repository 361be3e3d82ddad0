"""The mesh, and where each array lies on it.

Storage and compute are two things: parameters are stored split over 'fsdp'
(and 'tensor' for BERT's kernels), gathered over 'fsdp' for compute, and their
gradients go straight back to storage. Batches are split over ('data',
'fsdp').
"""

import math
from collections.abc import Sequence

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrec.batch import WHOLE, Part
from jaxrec.errors import UserError

AXES = ('data', 'fsdp', 'tensor')
BATCH = P(('data', 'fsdp'))

Rules = Sequence[tuple[str, P]]
# What holds of any part: a kernel is stored split by rows, the rest whole.
GENERAL: Rules = (('kernel', P('fsdp', None)), ('', P()))


def make_mesh(data: int = -1, fsdp: int = 1, tensor: int = 1, *, devices=None):
  """The mesh ('data', 'fsdp', 'tensor') over `devices`, by default all.

  One size may be -1: what the others leave.

  Raises:
    UserError: the sizes do not multiply to the number of devices.
  """
  sizes = {'data': data, 'fsdp': fsdp, 'tensor': tensor}
  count = len(devices or jax.devices())
  free = [name for name, size in sizes.items() if size == -1]
  rest = math.prod(size for size in sizes.values() if size != -1)
  if len(free) == 1 and rest > 0 and count % rest == 0:
    sizes[free[0]] = count // rest
  shape = tuple(sizes.values())
  if min(shape) < 1 or math.prod(shape) != count:
    factors = [n for n in range(1, count + 1) if count % n == 0]
    raise UserError(
      f'mesh={sizes} does not fit {count} devices: sizes must multiply to '
      f'{count} (one may be -1); sizes that would: {factors}'
    )
  return jax.make_mesh(
    shape, AXES, axis_types=(AxisType.Auto,) * 3, devices=devices
  )


def num_batch_shards(mesh) -> int:
  """How many ways a batch is split."""
  return mesh.shape['data'] * mesh.shape['fsdp']


def param_specs(tree, mesh, rules: Rules = ()):
  """PartitionSpec of every leaf; whole where it does not divide.

  Args:
    tree: of parameters, or of what has their paths.
    mesh: see `make_mesh`.
    rules: of the parts, (suffix of a path, spec); the first that matches
      counts, and GENERAL comes last. A stack's layer axis, in front, is never
      split; an array of fewer axes than its spec has the first of them.
  """
  all_rules = (*rules, *GENERAL)

  def spec_of(path, leaf):
    name = jax.tree_util.keystr(path, simple=True, separator='/')
    spec = next(spec for suffix, spec in all_rules if name.endswith(suffix))
    axes = (*(None,) * (leaf.ndim - len(spec)), *spec[: leaf.ndim])
    fits = [
      axis if axis is None or size % _ways(axis, mesh) == 0 else None
      for axis, size in zip(axes, leaf.shape, strict=True)
    ]
    return P(*fits)

  return jax.tree_util.tree_map_with_path(spec_of, tree)


def placement(tree) -> list[tuple[str, tuple[int, ...], str, int]]:
  """Of every array: path, shape, how it is split, bytes on one device.

  An axis of the mesh that has one device splits nothing and is not named.
  """
  rows = []
  for path, x in jax.tree_util.tree_leaves_with_path(tree):
    part = math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize
    names = [
      [n for n in jax.tree.leaves([axis]) if x.sharding.mesh.shape[n] > 1]
      for axis in x.sharding.spec
    ]
    split = ', '.join('+'.join(parts) or '-' for parts in names)
    name = jax.tree_util.keystr(path, simple=True, separator='/')
    rows.append((name, x.shape, split if any(names) else '', part))
  return rows


def _ways(axis, mesh) -> int:
  """In how many parts an entry of a spec splits."""
  names = axis if isinstance(axis, tuple) else (axis,)
  return math.prod(mesh.shape[name] for name in names)


def shardings(specs, mesh):
  """NamedShardings of a tree of PartitionSpecs."""
  return jax.tree.map(
    lambda spec: NamedSharding(mesh, spec),
    specs,
    is_leaf=lambda x: isinstance(x, P),
  )


def gather_params(specs):
  """A function from stored parameters to those to compute with.

  Parameters lose their 'fsdp' split; their gradients get it back at once, so
  that a whole gradient is never kept.
  """

  def gather(x, spec):
    stored = lambda axis: axis == 'fsdp' or 'fsdp' in (axis or ())
    whole = P(*(None if stored(axis) else axis for axis in spec))
    return _move(x, whole, spec)

  return lambda params: jax.tree.map(
    gather, params, specs, is_leaf=lambda x: isinstance(x, P)
  )


def _move(x, there, back):
  """`x` laid out by the spec `there`, its gradient by `back`."""
  constrain = jax.lax.with_sharding_constraint

  @jax.custom_vjp
  def move(x):
    return constrain(x, there)

  move.defvjp(
    lambda x: (constrain(x, there), None), lambda _, g: (constrain(g, back),)
  )
  return move(x)


def replicate(x):
  """`x` whole on every device; its gradient split as a batch is."""
  return _move(x, P(), BATCH)


def put(x, sharding):
  """An array every process has whole -> one laid out by a Sharding.

  Each process copies to its devices what they hold, and no more.
  """
  x = np.asarray(x)
  return jax.make_array_from_callback(x.shape, sharding, lambda i: x[i])


def part_of(mesh, devices=None) -> Part:
  """What `devices`, by default this process's, hold of a batch."""
  shards = num_batch_shards(mesh)
  places = NamedSharding(mesh, BATCH).devices_indices_map((shards,))
  held = {
    places[device][0].indices(shards)[0]
    for device in devices or mesh.local_devices
  }
  return Part(shards, tuple(sorted(held)))


def put_batch(batch, mesh, part: Part = WHOLE):
  """A batch of which every process has its part -> arrays over the mesh.

  Args:
    batch: host arrays, the rows of `part` of each.
    mesh: see `make_mesh`.
    part: at least `part_of(mesh)`; by default the whole.
  """
  sharding = NamedSharding(mesh, BATCH)

  def place(x):
    shape = (part.whole(len(x)), *x.shape[1:])
    cut = lambda index: part.cut(x, index[0].start, index[0].stop)
    return jax.make_array_from_callback(shape, sharding, cut)

  return jax.tree.map(place, batch)


def whole(mesh):
  """The sharding of what every device has whole."""
  return NamedSharding(mesh, P())


def put_replicated(tree, mesh):
  """Host arrays -> the same whole arrays on every device."""
  return jax.tree.map(lambda x: put(x, whole(mesh)), tree)
