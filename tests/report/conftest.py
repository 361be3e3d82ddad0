"""Results of a run, as results.json holds them."""

import pytest

from jaxrec.report.seeds import combine
from tests.report.runs import one_seed


def metrics_of(auc):
  return {'auc': auc, 'mrr': auc / 2, 'ndcg@10': auc / 1.5, 'hr@10': auc}


def around(metrics, width=0.02):
  return {name: [v - width, v + width] for name, v in metrics.items()}


@pytest.fixture
def results():
  """What a run on impressions leaves, every part of it."""
  ours, baselines = (
    metrics_of(0.63),
    {
      'random': metrics_of(0.5),
      'mean_of_history': metrics_of(0.62),
      'oracle': metrics_of(0.9),
    },
  )
  answer = {
    'examples': 31,
    'metrics': ours,
    'intervals': around(ours),
    'baselines': baselines,
  }
  empty = {
    'examples': 0,
    'metrics': dict.fromkeys(ours),
    'intervals': {name: [None, None] for name in ours},
    'baselines': {name: dict.fromkeys(ours) for name in baselines},
  }
  return {
    'dataset': 'mind_small',
    'split': 'test',
    'best_step': 20,
    'threshold': -1.2,
    'protocol': {
      'name': 'impressions',
      'candidates': 'those shown',
      'seen': None,
      'ties': 'against the scorer',
      'examples': 974,
      'users': 800,
      'catalog': 51282,
      'left_out': {'no click': 3},
    },
    'metrics': ours,
    'intervals': around(ours),
    'baselines': baselines,
    'baseline_intervals': {n: around(m) for n, m in baselines.items()},
    'comparisons': {
      name: {
        'auc': {
          'difference': ours['auc'] - rival['auc'],
          'interval': [ours['auc'] - rival['auc'] - 0.014, 0.2],
          'p': 0.17,
        }
      }
      for name, rival in baselines.items()
    },
    'choices': {'random': {}, 'mean_of_history': {'decay': 0.8}},
    'slices': {
      'history length': {'0': answer, '1-5': answer, '6+': empty},
      'user': {'new': answer, 'known': answer},
    },
    'calibration': {
      'ece': 0.03,
      'bins': [
        {
          'low': p / 2,
          'high': p,
          'predicted': p,
          'clicked': p / 1.5,
          'count': 100,
        }
        for p in (0.05, 0.2, 0.4)
      ],
    },
    'popularity_bias': {
      'bins': ['0', '1-2 users', '3+ users'],
      'catalog': [0.7, 0.2, 0.1],
      'clicked': [0.2, 0.3, 0.5],
      'jaxrec': [0.3, 0.3, 0.4],
      'random': [0.6, 0.3, 0.1],
    },
    'validation': ours,
    'train': {'steps': 40, 'examples_per_second': 1505.5, 'mfu': None},
    'config': {'optimizer': {'learning_rate': 2e-5}, 'seed': 0},
    'fingerprints': {'data': 'cd018c8824e81fd9'},
    'data': {'items': {'catalog: read': 51282}},
    'versions': {'jax': '0.10.2'},
  }


@pytest.fixture
def three():
  return combine(
    {
      2: one_seed(0.66, 0.5, 0.16, 0.002),
      0: one_seed(0.60, 0.5, 0.10, 0.03),
      1: one_seed(0.63, 0.5, 0.13, 0.01),
    }
  )


@pytest.fixture
def datasets(three):
  films = combine(
    {0: one_seed(0.02, 0.05, -0.03, 0.002, 'leave_one_out', ease=0.04)}
  )
  return {
    'news-demo': three | {'missing': {}},
    'video-movielens': films | {'missing': {'1': 'failed: disk | <full>'}},
    'video-nowhere': {'missing': {'0': 'failed: no such file', '1': 'so'}},
  }
