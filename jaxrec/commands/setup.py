"""What a process needs before it prepares, trains, evaluates or exports."""

import contextlib
import os
from typing import Any


def hide_accelerators() -> None:
  """Leaves the accelerators to JAX: TensorFlow, which feeds it, takes none."""
  # Before TensorFlow is imported: no words of its own, no oneDNN.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
  import tensorflow as tf

  # A program that has used TensorFlow's devices before keeps them.
  with contextlib.suppress(RuntimeError):
    tf.config.set_visible_devices([], 'GPU')
    tf.config.set_visible_devices([], 'TPU')


def set_up(config: Any) -> None:
  """All of it; may be called again.

  Args:
    config: beside whose data compiled programs are kept.
  """
  hide_accelerators()
  import jax

  # All that is computed is written for 32 bits: JAX_ENABLE_X64 would have some
  # of it done in 64, which the rest does not take.
  jax.config.update('jax_enable_x64', False)
  from jaxrec.data.prepare import cache_dir
  from jaxrec.parallel.compiled import keep_compiled

  keep_compiled(cache_dir(config.data) / 'compiled')
