"""Music: songs with their artists, and who listened to them.

demo (default): the embedded world of songs, MiniLM frozen.

    python -m jaxrec.main --config=configs/music.py --workdir=/tmp/music

1,500 steps of 64 in 89 s on two CPU cores, nothing cached. Test AUC 0.8313; the
untrained mean of the history 0.7220, the true probabilities 0.9230.

lastfm_1k, interactions: from their own files, MiniLM frozen; each user's last
event is the test, ranked among the whole catalog. Untuned. sets: one's own
interactions where their order says nothing; on 488 users of HetRec Last.fm
nDCG@10 0.0585, EASE 0.0632 (docs/research-log.md).

impressions: own lists that were shown, as configs/news.py has it.

    python -m jaxrec.main --config=configs/music.py:lastfm_1k \
      --config.data.dir=DIR --workdir=/tmp/lastfm
"""

from jaxrec.presets.music import VARIANTS, get_config

__all__ = ['VARIANTS', 'get_config']
