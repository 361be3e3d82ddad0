"""The optimizer: AdamW with warm-up, decay, and two learning rates."""

import jax
import optax

# By the first part of a parameter's path; others are of the head.
GROUPS = {
  'encoder': 'encoder',
  'appeal': 'appeal',
  'fields': 'fields',
  'ids': 'ids',
  'item_bias': 'ids',
}


def _paths(params):
  return jax.tree_util.tree_map_with_path(
    lambda path, _: jax.tree_util.keystr(path, simple=True, separator='/'),
    params,
  )


def learning_rate(peak: float, warmup_steps: int, num_train_steps: int):
  """Linear warm-up to `peak`, cosine decay to 0 at the last step."""
  warmup_steps = min(warmup_steps, max(num_train_steps - 1, 0))
  return optax.warmup_cosine_decay_schedule(
    init_value=0.0 if warmup_steps else peak,
    peak_value=peak,
    warmup_steps=warmup_steps,
    decay_steps=max(num_train_steps, 1),
  )


def make_tx(
  *,
  num_train_steps: int,
  encoder_learning_rate: float,
  head_learning_rate: float,
  warmup_steps: int,
  weight_decay: float,
  clip_norm: float,
  b1: float,
  b2: float,
  appeal_learning_rate: float = 1e-3,
  ids_learning_rate: float = 1e-3,
  fields_learning_rate: float = 1e-3,
) -> optax.GradientTransformation:
  """AdamW (Loshchilov & Hutter, 2019, arXiv:1711.05101).

  Parameters under 'encoder', 'appeal', 'fields' and 'ids', with which item
  biases go, have learning rates of their own. Only kernels decay: not biases,
  norms, embeddings or scalars. The gradient's global norm is clipped to
  `clip_norm`; 0 for no clipping.
  """

  def adamw(peak):
    return optax.adamw(
      learning_rate(peak, warmup_steps, num_train_steps),
      b1=b1,
      b2=b2,
      weight_decay=weight_decay,
      mask=lambda params: jax.tree.map(
        lambda path: path.endswith('kernel'), _paths(params)
      ),
    )

  parts = optax.partition(
    {
      'encoder': adamw(encoder_learning_rate),
      'head': adamw(head_learning_rate),
      'appeal': adamw(appeal_learning_rate),
      'ids': adamw(ids_learning_rate),
      'fields': adamw(fields_learning_rate),
    },
    lambda params: jax.tree.map(
      lambda path: GROUPS.get(path.split('/')[0], 'head'), _paths(params)
    ),
  )
  if not clip_norm:
    return parts
  return optax.chain(optax.clip_by_global_norm(clip_norm), parts)
