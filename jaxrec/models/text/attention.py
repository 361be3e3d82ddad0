"""Self-attention inside segments of packed rows, fit to the device.

Three ways to the same numbers:

batched: every product is a plain row-major matmul of [R * K] small matrices,
  the backward pass written out. XLA's CPU backend runs that form 3 to 8 times
  faster than the ones with a transposed side, which it would otherwise choose
  (measured on 2 cores, 4992 matrices of 32 x 32).
xla: `jax.nn.dot_product_attention`, whatever XLA makes of it.
cudnn: the same by cuDNN's flash attention, bfloat16 on an NVIDIA GPU.
"""

from typing import Any

import jax
import jax.numpy as jnp

OFF = -1e9  # Added to attention logits between segments.
IMPLEMENTATIONS = ('auto', 'batched', 'xla', 'cudnn')


def attend(q, k, v, segments, implementation: str = 'auto'):
  """Softmax attention of each token to those of its own segment.

  Args:
    q, k, v: [R, L, K, Dh].
    segments: int32 [R, L].
    implementation: one of IMPLEMENTATIONS; 'auto' is 'batched' on a CPU and
      'xla' elsewhere: 'cudnn' is a choice until it has been measured.

  Returns:
    [R, L, K, Dh] in v's dtype; the softmax is in float32.
  """
  if implementation == 'auto':
    implementation = 'batched' if jax.default_backend() == 'cpu' else 'xla'
  if implementation == 'batched':
    return _attend_batched(q, k, v, segments)
  kernel: Any = implementation  # One of those that JAX knows, by then.
  return jax.nn.dot_product_attention(
    q, k, v, mask=_same(segments), implementation=kernel
  )


def _same(segments):
  """bool [R, 1, L, L]: whether two tokens share a segment."""
  return (segments[:, :, None] == segments[:, None, :])[:, None]


# ------------------------------------------------------------------- batched
def _attend_batched(q, k, v, segments):
  num_rows, length, num_heads, head_width = q.shape
  matrices = (num_rows * num_heads, length, head_width)
  heads = lambda x: x.transpose(0, 2, 1, 3).reshape(matrices)
  y = _matrices(heads(q * head_width**-0.5), heads(k), heads(v), segments)
  y = y.reshape(num_rows, num_heads, length, head_width)
  return y.transpose(0, 2, 1, 3)


def _dot(a, b):
  """[M, i, j] @ [M, j, k]; the barriers keep transposes out of the product."""
  a, b = jax.lax.optimization_barrier((a, b))
  return jnp.einsum('mij,mjk->mik', a, b)


def _turn(x):
  return x.swapaxes(1, 2)


def _weights(q, k, segments):
  """Attention weights, float32 [M, L, L]."""
  logits = _dot(q, _turn(k)).astype(jnp.float32)
  same = _same(segments)
  logits = logits.reshape(same.shape[0], -1, *same.shape[2:])
  weights = jax.nn.softmax(logits + jnp.where(same, 0.0, OFF))
  return weights.reshape(-1, *same.shape[2:])


@jax.custom_vjp
def _matrices(q, k, v, segments):
  """Attention over [M, L, Dh] matrices, M = R * K; q is scaled already."""
  return _dot(_weights(q, k, segments).astype(v.dtype), v)


def _matrices_forward(q, k, v, segments):
  return _matrices(q, k, v, segments), (q, k, v, segments)


def _matrices_backward(kept, dy):
  """The weights again: cheaper than keeping [M, L, L] of every layer."""
  q, k, v, segments = kept
  weights = _weights(q, k, segments)
  dweights = _dot(dy, _turn(v)).astype(jnp.float32)
  inner = jnp.sum(dweights * weights, -1, keepdims=True)
  dlogits = (weights * (dweights - inner)).astype(q.dtype)
  weights = weights.astype(v.dtype)
  dv = _dot(_turn(weights), dy)
  return _dot(dlogits, k), _dot(_turn(dlogits), q), dv, None


_matrices.defvjp(_matrices_forward, _matrices_backward)
