"""Video: films, and who watched them when.

movielens (default): MovieLens from its own files (latest-small, 100K, 1M, 10M,
25M, 32M), MiniLM frozen, titles as texts; each user's last event is the test,
ranked among the whole catalog without what was seen.

    python -m jaxrec.main --config=configs/video.py \
      --config.data.dir=DIR --workdir=/tmp/video

Untuned: on latest-small nDCG@10 0.0245, sequential rules 0.0654 (README).
"""

from configs import common

VARIANTS = {
  'movielens': {
    'data.name': 'movielens',
    'data.protocol': 'leave_one_out',
    'data.text_template': '{title} {category}',
    'data.num_candidates': 20,
    'num_train_steps': 2000,
    'eval_every_steps': 250,
    'checkpoint_every_steps': 250,
    'optim.head_learning_rate': 1e-3,
  },
}


def get_config(variant: str | None = None):
  """The config of a variant; see the module's docstring."""
  return common.locked(
    common.base(), common.pick(variant, VARIANTS, default='movielens')
  )
