"""What runs leave in results.json, as much as comparisons read."""


def one_seed(ours, knn, difference, p, name='impressions', **others):
  """What a run leaves, as much of it as is looked at."""
  values = {'jaxrec': ours, 'item_knn': knn, 'oracle': 0.9} | others
  main = 'auc' if name == 'impressions' else 'ndcg@10'
  metrics = {k: {main: v, 'mrr': v / 2} for k, v in values.items()}
  around = {
    k: {m: [v - 0.01, v + 0.02] for m, v in of.items()}
    for k, of in metrics.items()
  }
  against = {
    m: {
      'difference': difference,
      'interval': [difference - 0.1, difference + 0.2],
      'p': p,
    }
    for m in (main, 'mrr')
  }
  rivals = [k for k in values if k != 'jaxrec']
  return {
    'dataset': 'mind_small',
    'split': 'test',
    'protocol': {
      'name': name,
      'candidates': 'those shown',
      'main_metric': main,
      'examples': 1974,
      'users': 800,
    },
    'metrics': metrics['jaxrec'],
    'intervals': around['jaxrec'],
    'baselines': {k: metrics[k] for k in rivals},
    'baseline_intervals': {k: around[k] for k in rivals},
    'comparisons': dict.fromkeys(rivals, against),
    'fingerprints': {'data': 'd', 'encoder': 'e'},
  }


def of_training(step, difference, interval, p, *, at_start=0.6, name='auc'):
  """What results.json says of a training, `summary` apart."""
  of_metric = {'difference': difference, 'interval': interval, 'p': p}
  return {
    'chosen_step': step,
    'step_0': {name: at_start, 'mrr': at_start / 2},
    'added': {name: of_metric, 'mrr': of_metric},
  }


def of_way(seen, ours, rivals):
  """What results.json says of a catalog that was ranked, seen items so."""
  names = ('recall@5', 'recall@10', 'ndcg@5', 'ndcg@10')
  metrics = lambda value: dict.fromkeys(names, value)
  around = lambda value: {name: [value - 0.01, value + 0.01] for name in names}
  return {
    'protocol': {
      'name': 'leave_one_out',
      'candidates': f'the whole catalog, seen items {seen}',
      'seen': seen,
      'main_metric': 'ndcg@10',
      'examples': 31,
    },
    'metrics': metrics(ours),
    'intervals': around(ours),
    'baselines': {name: metrics(value) for name, value in rivals.items()},
    'baseline_intervals': {n: around(value) for n, value in rivals.items()},
    'comparisons': {
      name: {
        'ndcg@10': {
          'difference': ours - value,
          'interval': [ours - value - 0.005, ours - value + 0.005],
          'p': 0.02,
        }
      }
      for name, value in rivals.items()
    },
  }
