"""Music: songs with their artists, and who listened to them.

configs/music.py has the commands, what they take and what they reach.
"""

from ml_collections import ConfigDict

from jaxrec.presets import common

ARTISTS = {'text_template': '{title} {artist}'}
VARIANTS = {
  'demo': common.merged(
    common.DEMO, {'data': {'name': 'demo_music', **ARTISTS}}
  ),
  'lastfm_1k': common.merged(
    common.SEQUENCES, {'data': {'name': 'lastfm_1k', **ARTISTS}}
  ),
  'interactions': common.OWN_LOGS,
  'impressions': common.OWN_LISTS,
  'interactions_v0_1': common.OWN_LOGS_V0_1,
  'sets': common.merged(
    common.SEQUENCES,
    {
      'data': {'name': 'interactions'},
      'input': {'ordered': False},
      'model': {
        'head': {'type': 'mean'},
        'terms': {
          'text': {'scale': 0.4, 'decay': 1.0},
          'ids': {
            'width': 256,
            'channels': 'together',
            'penalty': 75.0,
            'damping': 0.25,
            'texts': 1.5,
            'decays': {'together': 1.0, 'follows': 1.0},
          },
        },
      },
    },
  ),
}


def get_config(variant: str | None = None) -> ConfigDict:
  """The config of a variant, by default of the demo."""
  return common.config_of(variant, VARIANTS)
