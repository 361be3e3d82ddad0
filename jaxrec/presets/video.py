"""Video: films, and who watched them when.

configs/video.py has the commands, what they take and what they reach.
"""

from ml_collections import ConfigDict

from jaxrec.presets import common

VARIANTS = {
  'demo': common.merged(
    common.DEMO,
    {'data': {'name': 'demo_video', 'text_template': '{title} {plot}'}},
  ),
  'movielens': common.merged(
    common.SEQUENCES,
    {
      'data': {'name': 'movielens', 'text_template': '{title} {category}'},
      'model': {'terms': {'ids': {'penalty': 50.0}}},
    },
  ),
  'interactions': common.OWN_LOGS,
  'impressions': common.OWN_LISTS,
  'interactions_v0_1': common.OWN_LOGS_V0_1,
}


def get_config(variant: str | None = None) -> ConfigDict:
  """The config of a variant, by default of the demo."""
  return common.config_of(variant, VARIANTS)
