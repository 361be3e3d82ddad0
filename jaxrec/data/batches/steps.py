"""From step numbers to batches, on tf.data: the same whatever came before."""

from collections.abc import Callable, Iterator

import jax
import numpy as np
import tensorflow as tf

from jaxrec.batch import Batch, Counts

# Which examples, and the epoch of each, int64 [B] both -> a batch.
Build = Callable[[np.ndarray, np.ndarray], tuple[Batch, Counts]]


def examples_of_step(
  step: tf.Tensor, *, batch_size: int, num_examples: int, seed: int
) -> tuple[tf.Tensor, tf.Tensor]:
  """Which examples make up a step, and the epoch of each: int64 [B] both.

  Each epoch has all examples once, in an order that depends on (seed, epoch)
  alone.
  """
  place = step * batch_size + tf.range(batch_size, dtype=tf.int64)
  epochs = place // num_examples
  salt = lambda value: tf.cast(tf.fill([batch_size], value), tf.uint32)
  seeds = tf.stack([salt(seed), tf.cast(epochs, tf.uint32), salt(0)], axis=1)
  rows = tf.raw_ops.RandomIndexShuffle(
    index=place % num_examples,
    seed=seeds,
    max_index=tf.fill([batch_size], tf.cast(num_examples - 1, tf.int64)),
    rounds=4,
  )
  return rows, epochs


def batches_of_steps(
  build: Build,
  rows_of: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
  start: int,
  stop: int,
  *,
  prefetch: int = 2,
) -> Iterator[tuple[Batch, Counts]]:
  """Batches of steps start..stop - 1, built in threads ahead of their use.

  Args:
    build: makes a batch; all of its batches have the same arrays, of the same
      dtypes.
    rows_of: see `examples_of_step`.
    start, stop: the steps.
    prefetch: batches kept ready.
  """
  if start >= stop:
    return
  # tf.data carries flat arrays; a first batch says which they are.
  first, _ = build(*(x.numpy() for x in rows_of(tf.constant(start, tf.int64))))
  leaves, layout = jax.tree.flatten(first)
  dtypes = [np.int64, *(x.dtype for x in leaves)]

  def flat(rows: np.ndarray, epochs: np.ndarray) -> list[np.ndarray]:
    batch, counts = build(rows, epochs)
    return [np.array(counts, np.int64), *jax.tree.leaves(batch)]

  dataset = tf.data.Dataset.range(start, stop)
  dataset = dataset.map(
    lambda step: tf.numpy_function(flat, rows_of(step), dtypes),
    num_parallel_calls=2,
    deterministic=True,
  )
  for counts, *arrays in dataset.prefetch(prefetch).as_numpy_iterator():
    yield jax.tree.unflatten(layout, arrays), Counts(*counts.tolist())
