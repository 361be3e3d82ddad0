"""Music: songs with their artists, and who listened to them.

demo (default): the embedded world of songs, MiniLM frozen.

    python -m jaxrec.main --config=configs/music.py --workdir=/tmp/music

1,500 steps of 64 in 89 s on two CPU cores, nothing cached. Test AUC 0.8313; the
untrained mean of the history 0.7220, the true probabilities 0.9230.

lastfm_1k, interactions: from their own files, MiniLM frozen; each user's last
event is the test, ranked among the whole catalog. Untuned. sets: one's own
interactions where their order says nothing; on 488 users of HetRec Last.fm
nDCG@10 0.0585, EASE 0.0632 (docs/quality.md).

    python -m jaxrec.main --config=configs/music.py:lastfm_1k \
      --config.data.dir=DIR --workdir=/tmp/lastfm
"""

from configs import common

VARIANTS = {
  'demo': {
    'data.name': 'demo_music',
    'data.text_template': '{title} {artist}',
    **common.DEMO,
  },
  'lastfm_1k': {
    'data.name': 'lastfm_1k',
    'data.text_template': '{title} {artist}',
    **common.SEQUENCES,
  },
  'interactions': {'data.name': 'interactions', **common.SEQUENCES},
  'sets': {
    'data.name': 'interactions',
    **common.SEQUENCES,
    'data.ordered': False,
    'head.type': 'mean',
    'head.decays': '',
    'ids.channels': 'together',
    'ids.width': 256,
    'ids.penalty': 75.0,
    'ids.damping': 0.25,
    'ids.texts': 1.5,
    'scale': 0.4,
  },
}


def get_config(variant: str | None = None):
  """The config of a variant; see the module's docstring."""
  return common.locked(
    common.base(), common.pick(variant, VARIANTS, default='demo')
  )
