"""Video: films, and who watched them when.

demo (default): the embedded world of films, MiniLM frozen.

    python -m jaxrec.main --config=configs/video.py --workdir=/tmp/video

1,500 steps of 64 in 95 s on two CPU cores, nothing cached. Test AUC 0.8696; the
untrained mean of the history 0.8494, the true probabilities 0.9226.

movielens: MovieLens from its own files (latest-small, 100K, 1M, 10M, 25M, 32M),
MiniLM frozen, titles and genres as texts; each user's last event is the test,
ranked among the whole catalog without what was seen.

    python -m jaxrec.main --config=configs/video.py:movielens \
      --config.data.dir=DIR --workdir=/tmp/movielens

On latest-small nDCG@10 0.0847 (mean of three seeds), sequential rules 0.0654,
in minutes on two CPU cores; docs/research-log.md says where that comes from.

interactions: any log of who acted on what, as configs/ecommerce.py has it.
impressions: any log of lists that were shown, as configs/news.py has it.
"""

from jaxrec.presets.video import VARIANTS, get_config

__all__ = ['VARIANTS', 'get_config']
