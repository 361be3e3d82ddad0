"""Shops: products, and who saw, chose or bought them.

configs/ecommerce.py has the commands, what they take and what they reach.
"""

from ml_collections import ConfigDict

from jaxrec.presets import common

VARIANTS = {
  'demo': common.merged(common.DEMO, {'data': {'name': 'demo_shop'}}),
  'online_retail': common.merged(
    common.SEQUENCES,
    {
      'data': {'name': 'online_retail'},
      # Invoices are long, and the same is bought again and again.
      'input': {'history_length': 200},
      'model': {
        'head': {'type': 'lstm', 'once': True},
        'terms': {
          'text': {'scale': 0.8, 'decay': 0.75},
          # What was bought together of late says most; no order within an
          # invoice.
          'ids': {
            'channels': 'together',
            'fade_days': 120.0,
            'texts': 5.0,
            'decays': {'together': 0.75, 'follows': 1.0},
          },
          # A season's articles.
          'trend': {'half_life': 4.0, 'gain': 0.7},
        },
      },
      # Validation has never chosen a later step than the start.
      'training': {'num_steps': 40, 'eval_every': 20},
    },
  ),
  'amazon': common.merged(
    common.SEQUENCES,
    {'data': {'name': 'amazon', 'text_template': '{title} {category}'}},
  ),
  'interactions': common.OWN_LOGS,
  'impressions': common.OWN_LISTS,
  'interactions_v0_1': common.OWN_LOGS_V0_1,
}


def get_config(variant: str | None = None) -> ConfigDict:
  """The config of a variant, by default of the demo."""
  return common.config_of(variant, VARIANTS)
