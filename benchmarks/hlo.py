"""What a compiled program sends between devices, read from its HLO text."""

import collections
import contextlib
import dataclasses
import itertools
import math
import pathlib
import re
import tempfile

import numpy as np

KINDS = (
  'all-reduce',
  'all-gather',
  'reduce-scatter',
  'all-to-all',
  'collective-permute',
)
WIDTHS = {'pred': 1, 'bf16': 2, 'f16': 2}  # Others have their bits in the name.

_HEAD = re.compile(r'^\s*(ENTRY )?%?([\w.\-]+) .*->.*\{\s*$')
_LINE = re.compile(r'^\s*(?:ROOT )?%?([\w.\-]+) = (.*)$')
_OP = re.compile(r'(?<=[\])}] )([a-z][a-z0-9\-]*)\(')
_SHAPE = re.compile(r'\b([a-z][a-z0-9]*)\[([0-9,]*)\]')
_NAME = re.compile(r'%([\w.\-]+)')
_CALLED = re.compile(
  r'(?:calls|to_apply|body|condition|true_computation|false_computation)='
  r'%?([\w.\-]+)'
)
_BRANCHES = re.compile(r'branch_computations=\{([^}]*)\}')
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_ONE_GROUP = re.compile(r'replica_groups=\{\}')
_EXPLICIT = re.compile(r'replica_groups=\{(\{[0-9,{} ]*\})\}')
_PAIRS = re.compile(r'source_target_pairs=\{(\{[0-9,{} ]*\})\}')
_IOTA = r'\[([0-9,]+)\](?:T\(([0-9,]+)\))?'
_IOTA_GROUPS = re.compile(r'replica_groups=\[([0-9,]+)\]<=' + _IOTA)
_MESH_GROUPS = re.compile(
  r'replica_groups=mesh\[([^\]]*)\](?:, device_ids=\(' + _IOTA + r'\))? '
  r'\{([^}]*)\}'
)
_SUB_AXIS = re.compile(r"'([^']+)'(?::\((\d+)\)(\d+))?")


@dataclasses.dataclass(frozen=True)
class Collective:
  """One array that one operation of the text moves; see `collectives`.

  Attributes:
    kind: one of KINDS.
    dtype, shape: of the array as one device has it where it is whole: the
      result, or the operand of a reduce-scatter.
    axes: names of the mesh axes it crosses.
    group: device ids of one group; source and target of a permute.
    count: how often a step runs it, loops multiplied out.
    sliced: an all-reduce of whose result each device uses only a slice: a
      backend may make a reduce-scatter of it, of half the bytes.
    op: the operation's name in the text; a tuple's arrays share it.
    op_name: what JAX called it.
  """

  kind: str
  dtype: str
  shape: tuple[int, ...]
  axes: tuple[str, ...]
  group: tuple[int, ...]
  count: int
  sliced: bool
  op: str
  op_name: str

  @property
  def bytes(self) -> int:
    """Of the whole array."""
    bits = re.search(r'\d+', self.dtype)
    width = WIDTHS.get(self.dtype) or math.ceil(int(bits[0]) / 8)
    return width * math.prod(self.shape)

  @property
  def wire_bytes(self) -> float:
    """That a device sends in one run, in a ring."""
    if self.kind == 'collective-permute':
      return self.bytes
    n = len(self.group)
    passes = 2 if self.kind == 'all-reduce' else 1
    return passes * (n - 1) / n * self.bytes


def collectives(compiled, mesh_shape: dict[str, int]) -> list[Collective]:
  """Every array that crosses devices in a compiled program.

  Asynchronous pairs count once, operations in loops as often as these run,
  and each array of a tuple is one entry. Groups of one device are left out.

  Args:
    compiled: a jax.stages.Compiled, or HLO text.
    mesh_shape: sizes by axis; devices are numbered in its row-major order.

  Raises:
    ValueError: a loop whose number of iterations cannot be told, or groups
      written in a way this does not read.
  """
  text = compiled if isinstance(compiled, str) else compiled.as_text()
  computations, entry = _split(text)
  counts = collections.Counter()
  _count(computations, entry, 1, counts)
  found = []
  for name, count in counts.items():
    users = _users(computations[name])
    for op, rest in computations[name].items():
      kind = _kind(rest)
      base = kind.removesuffix('-start')
      if base not in KINDS:
        continue
      groups = _groups(rest, math.prod(mesh_shape.values()))
      if len(groups[0]) == 1:
        continue
      axes, group = _axes(groups, mesh_shape)
      op_name = re.search(r'op_name="([^"]*)"', rest)
      sliced = base == 'all-reduce' and all(
        _kind(use) == 'dynamic-slice' for use in users[op]
      )
      for dtype, shape in _arrays(kind, rest, len(group)):
        found.append(
          Collective(
            kind=base,
            dtype=dtype,
            shape=shape,
            axes=axes,
            group=group,
            count=count,
            sliced=sliced and bool(users[op]),
            op=op,
            op_name=op_name[1] if op_name else '',
          )
        )
  return found


def partitioned_text(lowered) -> str:
  """HLO of a jax.stages.Lowered as the partitioner left it.

  The CPU backend goes on to compute bfloat16 in float32, collectives too;
  here dtypes are still the program's. Compiles; runs nothing.
  """
  with tempfile.TemporaryDirectory() as directory, _no_compilation_cache():
    lowered.compile(
      compiler_options={
        'xla_dump_to': directory,
        'xla_dump_hlo_pass_re': 'spmd-partitioning',
      }
    )
    (path,) = pathlib.Path(directory).glob('*.after_spmd-partitioning.*.txt')
    return path.read_text()


@contextlib.contextmanager
def _no_compilation_cache():
  """A program read from the persistent cache passes no partitioner."""
  import jax
  from jax.experimental.compilation_cache import compilation_cache

  before = jax.config.jax_enable_compilation_cache
  try:
    jax.config.update('jax_enable_compilation_cache', False)
    compilation_cache.reset_cache()
    yield
  finally:
    jax.config.update('jax_enable_compilation_cache', before)
    compilation_cache.reset_cache()


def _split(text: str):
  """Text -> {computation: {operation: what follows its '='}}, entry's name."""
  computations, entry, current = {}, None, None
  for line in text.splitlines():
    if head := _HEAD.match(line):
      current = computations[head[2]] = {}
      if head[1]:
        entry = head[2]
    elif current is not None and (found := _LINE.match(line)):
      # Comments between a tuple's shapes hold '=' and confuse.
      current[found[1]] = re.sub(r'/\*.*?\*/', '', found[2])
  return computations, entry


def _kind(rest: str) -> str:
  found = _OP.search(rest)
  return found[1] if found else ''


def _operands(rest: str) -> list[str]:
  """Names inside the operation's parentheses; others name computations."""
  begin = _OP.search(rest).end()
  return _NAME.findall(rest[begin : rest.index(')', begin)])


def _users(computation: dict[str, str]) -> dict[str, list[str]]:
  users = collections.defaultdict(list)
  for rest in computation.values():
    if _kind(rest):
      for operand in _operands(rest):
        users[operand].append(rest)
  return users


def _count(computations, name: str, times: int, counts) -> None:
  """Adds to `counts` how often each computation runs."""
  counts[name] += times
  for rest in computations[name].values():
    kind = _kind(rest)
    if kind.endswith(('-done', '-update')):
      continue  # Of an asynchronous pair only the start counts.
    called = _CALLED.findall(rest)
    for branches in _BRANCHES.findall(rest):
      called += [x.strip().lstrip('%') for x in branches.split(',')]
    inner = times * (_trips(computations, rest) if kind == 'while' else 1)
    for each in called:
      _count(computations, each, inner, counts)


def _trips(computations, rest: str) -> int:
  """Iterations of a while loop: XLA's own figure, or a scan's bound."""
  if known := _TRIPS.search(rest):
    return int(known[1])
  condition = computations[re.search(r'condition=%?([\w.\-]+)', rest)[1]]
  bounds = [
    int(found[1])
    for line in condition.values()
    if (found := re.match(r's\d+\[\]\S* constant\((\d+)\)', line))
  ]
  less = any('direction=LT' in line for line in condition.values())
  if len(bounds) != 1 or not less:
    raise ValueError(f'iterations unknown: {rest[:200]}')
  return bounds[0]


def _arrays(kind: str, rest: str, group_size: int):
  """(dtype, shape) of what an operation moves, as it is whole."""
  shapes = [
    (dtype, tuple(int(x) for x in dims.split(',') if x))
    for dtype, dims in _SHAPE.findall(rest[: _OP.search(rest).start()])
  ]
  if kind in ('all-gather-start', 'collective-permute-start'):
    # Operands, results, and for a permute sometimes two u32 of context.
    shapes = [x for x in shapes if x != ('u32', ())]
    shapes = shapes[len(shapes) // 2 :]
  if kind.startswith('reduce-scatter'):
    # Whole is the operand, which the text does not spell out.
    (dim,) = re.search(r'dimensions=\{(\d+)\}', rest).groups()
    grown = lambda shape: tuple(
      size * (group_size if i == int(dim) else 1)
      for i, size in enumerate(shape)
    )
    shapes = [(dtype, grown(shape)) for dtype, shape in shapes]
  return shapes


def _numbers(text: str) -> list[int]:
  return [int(x) for x in text.split(',')]


def _iota(dims: str, order: str | None) -> np.ndarray:
  dims = _numbers(dims)
  ids = np.arange(math.prod(dims)).reshape(dims)
  return ids.transpose(_numbers(order)) if order else ids


def _sets(text: str) -> list[tuple[int, ...]]:
  return [tuple(_numbers(x)) for x in re.findall(r'\{([0-9, ]+)\}', text)]


def _groups(rest: str, num_devices: int) -> list[tuple[int, ...]]:
  """Device ids of every group, in each of the ways XLA writes them."""
  if found := _PAIRS.search(rest):
    return _sets(found[1])
  if found := _EXPLICIT.search(rest):
    return _sets(found[1])
  if _ONE_GROUP.search(rest):
    return [tuple(range(num_devices))]
  if found := _IOTA_GROUPS.search(rest):
    ids = _iota(found[2], found[3]).reshape(_numbers(found[1]))
    return [tuple(row) for row in ids.tolist()]
  if found := _MESH_GROUPS.search(rest):
    return _mesh_groups(*found.groups())
  raise ValueError(f'replica groups not understood: {rest[:300]}')


def _mesh_groups(sizes, dims, order, along) -> list[tuple[int, ...]]:
  """mesh['a'=4,'b'=2], device_ids=([4,2]T(1,0)) {'b','a':(1)2} -> groups."""
  sizes = {k: int(v) for k, v in re.findall(r"'([^']+)'=(\d+)", sizes)}
  # An axis may be cut: 'a':(p)s is s neighbours after p in front.
  cuts = {name: (1, size, 1) for name, size in sizes.items()}
  used = []
  for name, front, size in _SUB_AXIS.findall(along):
    whole = sizes[name]
    front, size = int(front or 1), int(size or whole)
    cuts[name] = (front, size, whole // (front * size))
    used.append(name)
  ids = np.arange(math.prod(sizes.values()))
  if dims:
    ids = _iota(dims, order)
  ids = ids.reshape([x for name in sizes for x in cuts[name]])
  inner = [3 * list(sizes).index(name) + 1 for name in used]
  ids = np.moveaxis(ids, inner, range(-len(inner), 0))
  groups = ids.reshape(-1, math.prod(cuts[name][1] for name in used))
  return [tuple(row) for row in groups.tolist()]


def _axes(groups, mesh_shape: dict[str, int]):
  """The fewest axes that hold all groups, and the group that spans most."""
  sizes = list(mesh_shape.values())
  places = np.stack(
    np.unravel_index(np.arange(math.prod(sizes)), sizes), axis=-1
  )
  moved = np.zeros(len(sizes), bool)
  for group in groups:
    at = places[list(group)]
    moved |= (at != at[:1]).any(0)
  span = lambda group: max(group) - min(group)
  axes = tuple(itertools.compress(mesh_shape, moved.tolist()))
  return axes, max(groups, key=span)
