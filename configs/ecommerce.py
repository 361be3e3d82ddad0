"""Shops: products, and who saw, chose or bought them.

demo (default): the embedded world of a shop, MiniLM frozen.

    python -m jaxrec.main --config=configs/ecommerce.py --workdir=/tmp/shop

1,500 steps of 64 in 77 s on two CPU cores, nothing cached. Test AUC 0.8606; the
untrained mean of the history 0.7814, the true probabilities 0.9267.

online_retail, amazon, interactions: from their own files, MiniLM frozen; each
user's last event is the test, ranked among the whole catalog. Only
online_retail is tuned: nDCG@10 0.1194 (mean of three seeds), EASE with recency
0.1023, in minutes on two CPU cores (docs/quality.md).

    python -m jaxrec.main --config=configs/ecommerce.py:online_retail \
      --config.data.dir=DIR --workdir=/tmp/retail
"""

from configs import common

VARIANTS = {
  'demo': {'data.name': 'demo_shop', **common.DEMO},
  'online_retail': {
    'data.name': 'online_retail',
    **common.SEQUENCES,
    # What was bought together of late says most; no order within an invoice.
    'ids.channels': 'together',
    'ids.fade_days': 120.0,
    'ids.texts': 5.0,
    'head.decays': '0.75,0.75',
    'scale': 0.8,
    # Invoices are long, and the same is bought again and again.
    'data.history_length': 200,
    'head.once': True,
    # Validation has never chosen a later step than the start.
    'num_train_steps': 40,
    'eval_every_steps': 20,
    # A season's articles.
    'trend.half_life': 4.0,
    'trend.gain': 0.7,
  },
  'amazon': {
    'data.name': 'amazon',
    'data.text_template': '{title} {category}',
    **common.SEQUENCES,
  },
  'interactions': {'data.name': 'interactions', **common.SEQUENCES},
}


def get_config(variant: str | None = None):
  """The config of a variant; see the module's docstring."""
  return common.locked(
    common.base(), common.pick(variant, VARIANTS, default='demo')
  )
