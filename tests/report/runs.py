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
