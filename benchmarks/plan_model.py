"""What a training step computes, sends and takes on many chips, unrun.

The real training step of a BERT-base, all of it trained in bfloat16, is
compiled for fake CPU devices from shapes alone: nothing is allocated, nothing
runs. Bytes between devices are read from the partitioned program; times follow
from published peak figures and an assumed MFU. They are predictions.
"""

import collections
import dataclasses
import math

import numpy as np

from benchmarks.hlo import Collective

MFU = 0.5  # Assumed, of useful FLOPs; nothing here was measured on a chip.
ALONE = 32  # Examples of the one chip that others are compared with.
PURPOSES = ('parameters', 'table', 'activations')
# Devices that would share a table, if each group of them had its own.
TABLE_GROUPS = (8, 16, 32, 64, 128)

# Distinct items and history slots of a batch of MIND-small's clicks, H 50 and
# C 5: the mean of some batches by --measure. Between, lines in logarithms;
# beyond, the last one goes on.
ITEMS = {4: 130, 8: 228, 32: 758, 128: 2324, 256: 3748, 1024: 7939}
HISTORY = 25.6  # Real slots of an example.
TOKENS, SQUARES = 16.13, 282.7  # Of an item: mean length and squared length.
FILLED = 0.93  # Of the rows' token slots: packing 0.99, ladder of sizes 0.94.


@dataclasses.dataclass(frozen=True)
class Sizes:
  """The model and rows; letters as in `jaxrec.types`."""

  width: int = 768
  mlp_width: int = 3072
  num_layers: int = 12
  num_heads: int = 12
  vocab_size: int = 30522
  hidden_width: int = 256
  history: int = 50
  candidates: int = 5
  row_tokens: int = 128
  row_segments: int = 16


@dataclasses.dataclass(frozen=True)
class Machine:
  """Published figures of one chip, per second and direction; see docs/scale.md.

  Attributes:
    flops: dense bfloat16 peak.
    memory: bytes of HBM.
    near: bytes/s of a torus dimension's link, or of NVLink in a host.
    far: bytes/s of a GPU's network card; None for a torus.
  """

  flops: float
  memory: float
  near: float
  far: float | None = None

  def seconds(self, x: Collective, num_chips: int) -> float:
    """Predicted of one run."""
    passes = 2 if x.kind == 'all-reduce' else 1
    return passes * self.one_pass(x.kind, x.bytes, x.group, num_chips)

  def one_pass(self, kind, size, group, num_chips):
    n = len(group)
    # What leaves a chip: all of it in a permute.
    share = 1 if kind == 'collective-permute' else (n - 1) / n
    if self.far is None:
      return share * size / (self.near * torus_links(n, num_chips))
    hosts = collections.Counter(chip // 8 for chip in group)
    near = max(hosts.values())  # Members in one host.
    if kind in ('collective-permute', 'all-to-all'):
      outside = (n - near) / n if kind == 'all-to-all' else len(hosts) > 1
      return max(
        (share - outside) * size / self.near, outside * size / self.far
      )
    # Within hosts first; then each card carries its GPU's part.
    across = (len(hosts) - 1) / len(hosts) * size / near
    return (near - 1) / near * size / self.near + across / self.far


def torus_links(n: int, num_chips: int) -> int:
  """Links that a group of `n` sends over at once in a slice of a v5e torus.

  One for each dimension of the slice it spans, two where that dimension is 16
  long and closes into a ring. A group smaller than the slice is given one
  dimension.
  """
  rows = 2 ** (int(math.log2(num_chips)) // 2)
  links = [2 if side == 16 else 1 for side in (rows, num_chips // rows)]
  return sum(links) if n == num_chips else (max(links) if n >= 16 else 1)


MACHINES = {
  'TPU v5e': Machine(197e12, 16e9, near=50e9),
  'H100 SXM': Machine(989e12, 80e9, near=450e9, far=50e9),
}


@dataclasses.dataclass(frozen=True)
class Work:
  """What a batch of `examples` holds: distinct items, their tokens, rows."""

  examples: int
  items: float
  rows: int

  @classmethod
  def of(cls, examples: int, sizes: Sizes, multiple: int) -> 'Work':
    """Rows are a multiple of the shards."""
    items = items_of(examples)
    rows = items * TOKENS / FILLED / sizes.row_tokens
    return cls(examples, items, math.ceil(rows / multiple) * multiple)

  def flops(self, sizes: Sizes) -> float:
    """Useful FLOPs of a training step, by `jaxrec.flops`."""
    from jaxrec.training.flops import encoder_flops, head_flops

    return encoder_flops(
      width=sizes.width,
      mlp_width=sizes.mlp_width,
      layers_run=sizes.num_layers,
      layers_trained=sizes.num_layers,
      tokens=self.items * TOKENS,
      squares=self.items * SQUARES,
    ) + head_flops(
      width=sizes.width,
      hidden_width=sizes.hidden_width,
      items=self.items,
      history_steps=self.examples * HISTORY,
      examples=self.examples,
    )


def items_of(examples: float) -> float:
  """Distinct items of a batch, by ITEMS."""
  x, y = (np.log(list(z)) for z in (ITEMS.keys(), ITEMS.values()))
  at = math.log(examples)
  slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
  return math.exp(np.interp(at, x, y) + max(at - x[-1], 0) * slope)


def purpose(x: Collective, slots: int) -> str:
  """'table' of so many item vectors, 'activations', or 'parameters'.

  Gradients go with what they are of.
  """
  # The look-up's gradient, where it is not yet whole; BERT's take is another.
  looked_up = x.op_name.endswith('/scatter-add') and '_take' not in x.op_name
  if x.shape[:1] == (slots,) or looked_up:
    return 'table'
  # No parameter crosses 'tensor' alone; the gradient norm's scalars do.
  return 'activations' if x.axes == ('tensor',) and x.shape else 'parameters'


def scattered(x: Collective) -> Collective:
  """As a TPU's or GPU's compiler has it: no all-reduce, if a slice is used."""
  if not x.sliced:
    return x
  return dataclasses.replace(x, kind='reduce-scatter', sliced=False)


def narrowed(x: Collective, name: str) -> Collective:
  """In bfloat16 if it is of the table, or gathers parameters."""
  gathers = name == 'parameters' and x.kind == 'all-gather'
  if x.dtype != 'f32' or not (gathers or name == 'table'):
    return x
  return dataclasses.replace(x, dtype='bf16')


def total(moved, measure) -> dict[str, float]:
  """Sums of a collective's measure over its runs, by purpose."""
  found = dict.fromkeys(PURPOSES, 0.0)
  for name, x in moved:
    found[name] += x.count * measure(x)
  return found


def predict(machine, variants, sizes: Sizes, work: Work, num_chips) -> dict:
  """Times of one machine, seconds; nothing about latency is in them."""
  rate = machine.flops * MFU
  compute = work.flops(sizes) / num_chips / rate
  found = {}
  for key, moved in variants.items():
    sent = total(moved, lambda x: machine.seconds(x, num_chips))
    found[key] = _times(work.examples, compute, sent)
  alone = Work.of(ALONE, sizes, 1).flops(sizes) / rate / ALONE
  return {
    'compute_seconds': compute,
    'times_one_chip': found['as_compiled']['examples_per_second'] * alone,
    'variants': found,
    'own_tables': {
      size: _own_table(
        machine,
        sizes,
        work,
        num_chips,
        size,
        found['scattered']['sent_seconds_by_purpose'],
      )
      for size in TABLE_GROUPS
      if size < num_chips and work.examples * size % num_chips == 0
    },
  }


def _times(examples: int, compute: float, sent: dict[str, float]) -> dict:
  """Without overlap of computing and sending, and with all of it."""
  all_sent = sum(sent.values())
  step, overlapped = compute + all_sent, max(compute, all_sent)
  return {
    'sent_seconds': all_sent,
    'sent_seconds_by_purpose': sent,
    'step_seconds': step,
    'step_seconds_overlapped': overlapped,
    'examples_per_second': examples / step,
    'examples_per_second_overlapped': examples / overlapped,
    'efficiency': compute / step,
    'efficiency_overlapped': compute / overlapped,
  }


def _own_table(machine, sizes, work, num_chips, size, sent) -> dict:
  """If every `size` chips packed their own examples and kept a table.

  Items that several groups need are encoded once for each. The table is
  gathered and its gradient scattered inside a group; all else as in `sent`.
  """
  own = Work.of(work.examples * size // num_chips, sizes, size)
  compute = own.flops(sizes) / size / (machine.flops * MFU)
  table = own.rows * sizes.row_segments * sizes.width * 4
  once = machine.one_pass('all-gather', table, range(size), num_chips)
  return _times(work.examples, compute, {**sent, 'table': 2 * once})
