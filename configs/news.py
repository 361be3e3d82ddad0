"""News: headlines, click histories and impressions.

demo (default): the embedded world, MiniLM frozen.

    python -m jaxrec.main --config=configs/news.py --workdir=/tmp/jaxrec-news

mind_small: MIND-small (Wu et al., 2020) from its own files, MiniLM frozen.

    python -m jaxrec.main --config=configs/news.py:mind_small \
      --config.data.dir=DIR --workdir=/tmp/mind

On a piece of 3,058 training impressions: test AUC 0.6582 (mean of three seeds),
the mean of the history 0.6206; minutes on two CPU cores, encoding included.

mind_large: MIND-large, all of a BERT-base trained in bfloat16, for
accelerators; bert-base-uncased from the hub, or a local copy by
--config.encoder.pretrained=DIR.

    python -m jaxrec.main --config=configs/news.py:mind_large \
      --config.data.dir=DIR --workdir=/tmp/mind-large
"""

from configs import common

VARIANTS = {
  'demo': {'data.name': 'demo', **common.DEMO},
  'mind_small': {
    'data.name': 'mind_small',
    'data.history_length': 100,
    'centered': 'histories',
    'appeal': True,
    'fields.names': 'category',
    'ids.bias': True,
    'ids.bias_start': 0.5,
    'impressions.loss': 'softmax',
    'num_train_steps': 200,
    'eval_every_steps': 100,
    'checkpoint_every_steps': 100,
    'refit': True,
    'optim.head_learning_rate': 1e-5,
    'optim.fields_learning_rate': 0.0,
    'optim.ids_learning_rate': 1e-2,
    'optim.warmup_steps': 20,
  },
  'mind_large': {
    'data.name': 'mind_large',
    'batch_size': 512,
    'eval_batch_size': 512,
    'num_train_steps': 20_000,
    'eval_every_steps': 2_000,
    'checkpoint_every_steps': 1_000,
    'encoder.pretrained': 'google-bert/bert-base-uncased',
    'encoder.trainable_layers': -1,
    'encoder.dtype': 'bfloat16',
    'optim.warmup_steps': 1_000,
  },
}


def get_config(variant: str | None = None):
  """The config of a variant; see the module's docstring."""
  return common.locked(
    common.base(), common.pick(variant, VARIANTS, default='demo')
  )
