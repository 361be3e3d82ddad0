"""News: headlines, click histories and impressions.

demo (default): the embedded world, MiniLM frozen.

    python -m jaxrec.main --config=configs/news.py --workdir=/tmp/jaxrec-news

mind_small: MIND-small (Wu et al., 2020) from its own files, MiniLM frozen.

    python -m jaxrec.main --config=configs/news.py:mind_small \
      --config.data.dir=DIR --workdir=/tmp/mind

On a piece of 3,058 training impressions: test AUC 0.6582 (mean of three seeds),
the mean of the history 0.6206; minutes on two CPU cores, encoding included.
--config.model.head.type=mean, without the LSTM, is as good (0.6585) and trains
some 20 times as fast.

impressions: one's own lists that were shown, of any size, with the same terms;
docs/your-data.md has the tables.

    python -m jaxrec.main --config=configs/news.py:impressions \
      --config.data.impressions_file=FILE --config.data.items_file=FILE \
      --workdir=/tmp/lists

interactions: logs of who read what, without what was shown, as in
configs/ecommerce.py.

    python -m jaxrec.main --config=configs/news.py:interactions \
      --config.data.interactions_file=FILE --config.data.items_file=FILE \
      --workdir=/tmp/reads

mind_large: MIND-large, all of a BERT-base trained in bfloat16, for
accelerators; bert-base-uncased from the hub, or a local copy by
--config.model.text.pretrained=DIR.

    python -m jaxrec.main --config=configs/news.py:mind_large \
      --config.data.dir=DIR --workdir=/tmp/mind-large
"""

from jaxrec.presets.news import VARIANTS, get_config

__all__ = ['VARIANTS', 'get_config']
