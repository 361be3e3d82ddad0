"""Useful matmul FLOPs of a training step, and what the devices could do.

A multiply-add is 2 FLOPs. A layer that trains costs three times its forward
pass: once itself, once for the gradient of its inputs and once for that of its
weights. This is how model FLOPs utilisation is counted (Chowdhery et al.,
2022, PaLM, arXiv:2204.02311, appendix B): padding, recomputation by
rematerialisation and all that is no matmul are work but no use.
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from jaxrec.batch import Batch, Counts

# Dense bfloat16 FLOP/s of one device as its vendor's data sheet has it (half
# of NVIDIA's figures 'with sparsity'), by exact `device_kind`: a MIG slice has
# a name of its own, and what a name only begins with may be slower (H100 NVL).
# T4 and V100 are absent since their tensor cores know no bfloat16.
PUBLISHED = {
  # NVIDIA's data sheets of the A100, H100, H200 and L4.
  'NVIDIA A100-SXM4-40GB': 312e12,
  'NVIDIA A100-SXM4-80GB': 312e12,
  'NVIDIA A100-PCIE-40GB': 312e12,
  'NVIDIA A100 80GB PCIe': 312e12,
  'NVIDIA H100 80GB HBM3': 989e12,  # SXM.
  'NVIDIA H100 PCIe': 756e12,
  'NVIDIA H200': 989e12,
  'NVIDIA L4': 121e12,
  # Google Cloud's TPU system architecture pages; a device is a chip.
  'TPU v4': 275e12,
  'TPU v5 lite': 197e12,
  'TPU v5e': 197e12,
  'TPU v5': 459e12,  # v5p.
  'TPU v5p': 459e12,
  'TPU v6 lite': 918e12,
  'TPU v6e': 918e12,
}
CPU_SIZE = 1024  # Of the square matrices that are measured.
ACCELERATOR_SIZE = 8192  # Smaller ones end before the next is dispatched.


def encoder_flops(
  *,
  width: int,
  mlp_width: int,
  layers_run: int,
  layers_trained: int,
  tokens: int,
  squares: int,
) -> float:
  """Useful matmul FLOPs of one training step in a BERT's layers.

  The gradient of the lowest trained layer's inputs is counted even where
  nothing below it trains, as the convention has it.

  Args:
    width: D.
    mlp_width: F.
    layers_run: layers the step runs; those whose outputs are cached do not.
    layers_trained: how many of these train.
    tokens: useful tokens of the step, padding aside.
    squares: sum over items of length**2; attention stays inside an item.
  """
  if not 0 <= layers_trained <= layers_run:
    raise ValueError(f'{layers_trained} layers train of {layers_run} that run')
  # Multiply-adds: qkv 3 D^2, out D^2, up and down D F each; then the logits
  # and the weighted sum of attention.
  dense = tokens * (4 * width**2 + 2 * width * mlp_width)
  attention = squares * 2 * width
  return 2.0 * (dense + attention) * (layers_run + 2 * layers_trained)


def head_flops(
  *,
  width: int,
  hidden_width: int,
  items: int,
  history_steps: int,
  examples: int,
  gates: int = 4,
) -> float:
  """Useful matmul FLOPs of one training step above the encoder.

  All of it trains. Scoring, pooling and the mean of the history are left out:
  they come to less than a per cent of the projection and the recurrence.

  Args:
    width: D, of the vectors.
    hidden_width: W, of a recurrent head; 0 for one that is none.
    items: distinct items, each projected once.
    history_steps: real history slots of all examples, each one step.
    examples: users, each with one correction from W to D.
    gates: of the head, see `Head`; 4 are an LSTM's.
  """
  projection = items * width**2
  recurrence = history_steps * gates * hidden_width * (width + hidden_width)
  correction = examples * hidden_width * width
  return 2.0 * (projection + recurrence + correction) * 3


def batch_counts(batch: Batch) -> tuple[int, int, int]:
  """Useful tokens, sum over items of length**2, and token slots R * L.

  All 0 for a batch without segments, whose encoder does not run.
  """
  if batch.segments is None:
    return 0, 0, 0
  rows, slots = batch.segments.shape
  stride = int(batch.segments.max(initial=0)) + 1
  keys = batch.segments + np.arange(rows)[:, None] * stride
  lengths = np.bincount(keys.ravel(), minlength=rows * stride)
  lengths = lengths.reshape(rows, stride)[:, 1:]  # Segment 0 is padding.
  return int(lengths.sum()), int((lengths**2).sum()), rows * slots


def step_flops(
  counts: Counts,
  *,
  width: int,
  mlp_width: int,
  hidden_width: int,
  layers_run: int,
  layers_trained: int,
  gates: int = 4,
) -> float:
  """Useful matmul FLOPs of the training step on a batch.

  Arguments as in `encoder_flops` and `head_flops`.
  """
  return encoder_flops(
    width=width,
    mlp_width=mlp_width,
    layers_run=layers_run,
    layers_trained=layers_trained,
    tokens=counts.tokens,
    squares=counts.squares,
  ) + head_flops(
    width=width,
    hidden_width=hidden_width,
    items=counts.items,
    history_steps=counts.history,
    examples=counts.examples,
    gates=gates,
  )


def measured_flops(
  dtype: str,
  device,
  *,
  size: int,
  repeats: int = 5,
  clock=time.perf_counter,
) -> float:
  """FLOP/s of a square matmul on one device, the median of some runs.

  Args:
    dtype: of the operands and the product.
    device: a jax.Device of this process.
    size: rows and columns of the matrices.
    repeats: runs after the one that compiles.
    clock: () -> seconds.
  """
  # Whatever mesh the caller is in, this is about one device.
  with jax.set_mesh(jax.make_mesh((1,), ('one',), devices=[device])):
    x = jnp.ones((size, size), dtype)
    matmul = jax.jit(jnp.matmul)
    matmul(x, x).block_until_ready()
    taken = []
    for _ in range(repeats):
      began = clock()
      matmul(x, x).block_until_ready()
      taken.append(clock() - began)
  return 2.0 * size**3 / statistics.median(taken)


def peak_flops(dtype: str, devices) -> tuple[float, str]:
  """FLOP/s of all devices together, and where the figure comes from.

  The published one for bfloat16 on a device in PUBLISHED; otherwise what a
  matmul reaches here and now, which a busy machine lowers: an MFU against it
  may exceed 1. CPU devices share their host and one uses all of its cores, so
  they count once for each process.

  Args:
    dtype: 'bfloat16' or 'float32', of the encoder's computation.
    devices: jax.Devices of one kind, at least one of this process.
  """
  devices = list(devices)
  kind = devices[0].device_kind
  if dtype == 'bfloat16' and kind in PUBLISHED:
    return PUBLISHED[kind] * len(devices), f'published: {len(devices)} x {kind}'
  here = next(d for d in devices if d.process_index == jax.process_index())
  if here.platform == 'cpu':
    size, count = CPU_SIZE, len({d.process_index for d in devices})
  else:
    size, count = ACCELERATOR_SIZE, len(devices)
  measured = measured_flops(dtype, here, size=size)
  return measured * count, f'measured: {dtype} matmul, {count} x {kind}'
