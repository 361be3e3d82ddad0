"""Shops: products, and who saw, chose or bought them.

demo (default): the embedded world of a shop, MiniLM frozen.

    python -m jaxrec.main --config=configs/ecommerce.py --workdir=/tmp/shop

1,500 steps of 64 in 77 s on two CPU cores, nothing cached. Test AUC 0.8606; the
untrained mean of the history 0.7814, the true probabilities 0.9267.

online_retail, amazon, interactions: from their own files, MiniLM frozen; each
user's last event is the test, ranked among the whole catalog. online_retail is
tuned: nDCG@10 0.1194 (mean of three seeds), EASE with recency 0.1023, in
minutes on two CPU cores. interactions, for own logs of any size, is tuned on
Amazon Beauty: 0.0749, sequential rules 0.0597 (docs/results.md).

impressions: own lists that were shown, as configs/news.py has it.

    python -m jaxrec.main --config=configs/ecommerce.py:online_retail \
      --config.data.dir=DIR --workdir=/tmp/retail
"""

from jaxrec.presets.ecommerce import VARIANTS, get_config

__all__ = ['VARIANTS', 'get_config']
