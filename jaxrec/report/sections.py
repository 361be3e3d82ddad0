"""The report's sections: plots and tables, and how to read them.

A section is a dict for report.html.j2, see `parts.section`; one that has
nothing to show is None.
"""

from jaxrec.report import (
  added,
  both_ways,
  figures,
  parts,
  plot_style,
  words,
)
from jaxrec.report.words import CEILING, OURS, label

CURVES = {  # Those that are shown, in this order, where there are such.
  'train/loss': 'Training loss',
  'validation/{main}': '',
  'validation/mrr': '',
  'validation/ndcg@10': '',
  'train/grad_norm': 'Norm of the gradient',
}
MOST_CURVES = 4


def learning(results: dict, curves: dict) -> dict | None:
  main = words.main_metric(results)
  best = results.get('best_step')
  plots: dict[str, dict] = {}
  for tag, caption in CURVES.items():
    tag = tag.format(main=main)
    if curves.get(tag) and len(plots) < MOST_CURVES:
      metric = label(tag.removeprefix('validation/'))
      plots[tag] = {
        'caption': caption or f'Validation {metric}',
        'figure': figures.curve(tag, curves[tag], best),
      }
  table = added.table(results)
  if not plots and not table:
    return None
  read = 'What training did, by step.'
  if any(tag.startswith('validation/') for tag in plots):
    read = f'The loss should fall and {label(main)} on validation rise.'
    if best is not None:
      read += f' The dotted line marks step {best:,}, the best on validation: '
      read += 'its weights are what this report is about.'
  return parts.section(
    'learning',
    'Learning curves',
    read,
    list(plots.values()),
    [table] if table else [],
  )


def metrics(results: dict) -> dict:
  main = label(words.main_metric(results))
  rows = words.by_value(results)
  plots = [
    {
      'caption': f'{main} of each model',
      'figure': figures.ranking(results),
    }
  ]
  paired = figures.differences(results)
  plots.append({'caption': f'{OURS} minus each baseline', 'figure': paired})
  read = 'The further right the better.'
  if any(intervals for *_, intervals in rows):
    read += ' The line through a dot is its 95 % bootstrap interval.'
  if paired:
    read += (
      ' In the second plot the same examples are compared in pairs: where a '
      'line crosses zero, the difference may be chance.'
    )
  if CEILING in words.baselines(results):
    read += (
      ' The oracle knows the probabilities that the clicks were drawn from: a '
      'ceiling, not a baseline.'
    )
  tables = []
  present = words.ordered(name for _, reached, _ in rows for name in reached)
  for title, (note, names) in words.groups(present).items():
    table = parts.table(title, note, [label(name) for name in names])
    best = {
      name: parts.best({model: reached.get(name) for model, reached, _ in rows})
      for name in names
    }
    for model, reached, intervals in rows:
      cells = [
        parts.cell(
          words.number(reached.get(name)),
          words.brackets(words.interval_of(intervals, name)),
          strong=model in best[name] and name not in words.NEUTRAL,
        )
        for name in names
      ]
      table['rows'].append(parts.row(model, cells))
    tables.append(table)
  tables += [both_ways.table(results), _comparisons(results), _choices(results)]
  return parts.section(
    'metrics',
    'Metrics beside the baselines',
    read,
    [plot for plot in plots if plot['figure']],
    [table for table in tables if table['rows']],
  )


def _comparisons(results: dict) -> dict:
  compared = results.get('comparisons') or {}
  metrics = words.ordered(name for row in compared.values() for name in row)
  table = parts.table(
    f'{OURS} minus each baseline, all metrics',
    f'Bold where p < {words.ALPHA} and the interval leaves out zero; not '
    'corrected for the number of baselines.',
    [label(name) for name in metrics],
  )
  for model, _, _ in words.by_value(results):
    if model not in compared:
      continue
    cells = []
    for name in metrics:
      c = words.comparison(results, model, name)
      low_high = words.brackets(c.interval, sign=True)
      p = f'p {words.p_value(c.p)}' if c.p is not None else ''
      value = words.number(c.difference, sign=True)
      cells.append(parts.cell(value, low_high, p, strong=bool(c.significant)))
    table['rows'].append(parts.row(model, cells))
  return table


def _choices(results: dict) -> dict:
  table = parts.table(
    'Settings chosen on validation', '', ['setting'], text=True
  )
  for model, choice in (results.get('choices') or {}).items():
    settings = ', '.join(f'{k} = {v}' for k, v in (choice or {}).items())
    table['rows'].append(
      parts.row(model, [parts.cell(settings or 'none to choose')])
    )
  return table


def slices(results: dict) -> dict | None:
  questions = {
    question: answers
    for question, answers in (results.get('slices') or {}).items()
    if answers
  }
  if not questions:
    return None
  main = words.main_metric(results)
  order = [name for name, *_ in words.by_value(results)]
  tables = []
  for question, answers in questions.items():
    table = parts.table(
      f'{label(main)} by {question}', '', ['examples', *order]
    )
    for answer, part in answers.items():
      models = {OURS: part.get('metrics')} | (part.get('baselines') or {})
      values = {name: words.value_of(models.get(name), main) for name in order}
      best = parts.best(values)
      interval = words.brackets(words.interval_of(part.get('intervals'), main))
      cells = [parts.cell(words.count(part.get('examples')))]
      for name, value in values.items():
        sub = interval if name == OURS else ''
        cells.append(parts.cell(words.number(value), sub, strong=name in best))
      table['rows'].append(parts.row(answer, cells))
    tables.append(table)
  plots = [
    {'caption': f'By {question}', 'figure': figure}
    for question, figure in figures.slices(results).items()
  ]
  rivals = [name for name in order if name not in (OURS, CEILING)]
  marks = f'The dot is {OURS} with its 95 % interval'
  if rivals:
    marks += f', the diamond {rivals[0]}, the best baseline over all'
  if rivals[1:]:
    marks += ', each tick another'
  read = (
    f'{label(main)} for parts of the split. {marks}. Where n, the number of '
    'examples, is small, the interval is wide and says little.'
  )
  return parts.section('slices', 'Slices', read, plots, tables)


def calibration(results: dict) -> dict | None:
  trained = results.get('calibration')
  if not trained:
    return None
  figure = figures.reliability(trained['bins'])
  if figure is None:
    return None
  if trained.get('kind') == 'softmax':
    return _catalog_calibration(trained, figure)
  fitted = trained.get('fitted')
  again = figures.reliability(fitted['bins']) if fitted else None
  title = 'As trained, in figures' if again is not None else ''
  table = parts.table(title, '', ['predicted', 'clicked', 'candidates'])
  for b in trained['bins']:
    cells = [
      parts.cell(words.number(b.get('predicted'))),
      parts.cell(words.number(b.get('clicked'))),
      parts.cell(words.count(b.get('count'))),
    ]
    name = f'{words.number(b["low"], 3)}–{words.number(b["high"], 3)}'
    table['rows'].append(parts.row(name, cells))
  read = (
    'On the dashed line, what is called 10 % likely is clicked in 10 % of the '
    f'cases; under it, {OURS} promises more clicks than there are. The '
    'expected calibration error, the mean distance from it, is '
    f'{words.number(trained.get("ece"))}'
  )
  plots = [{'caption': 'As trained', 'figure': figure}]
  if fitted and again is not None:
    read += (
      f', and {words.number(fitted["ece"])} with slope '
      f'{words.number(fitted["slope"], 3)} and intercept '
      f'{words.number(fitted["intercept"], 3)}, fitted on validation'
    )
    plots.append({'caption': 'Fitted on validation', 'figure': again})
  return parts.section(
    'calibration',
    'Calibration',
    f'{read}.',
    plots,
    [table],
    beside=again is None,
  )


def _catalog_calibration(trained: dict, figure) -> dict:
  """Of whole catalogs: the first ten places, by how much is read of a user."""
  table = parts.table(
    'By how many items of a history are read',
    '',
    ['first: predicted', 'hit', 'ten: predicted', 'hit', 'ECE', 'examples'],
  )
  for name, part in trained.get('by_history', {}).items():
    chances, hits = part['probability'], part['hits']
    values = (chances[0], hits[0], sum(chances), sum(hits), part['ece'])
    cells = [parts.cell(words.number(value)) for value in values]
    cells.append(parts.cell(words.count(part['examples'])))
    table['rows'].append(parts.row(name, cells))
  read = (
    'Of the first ten places of each list: on the dashed line, what is called '
    '10 % likely is what is done next in 10 % of the cases. Of several things '
    'done at one moment that counts which stands highest. The probabilities of '
    'a list add up to at most 1; they were fitted on validation. The expected '
    'calibration error, the mean distance from the line, is '
    f'{words.number(trained.get("ece"))}.'
  )
  plots = [{'caption': 'Fitted on validation', 'figure': figure}]
  return parts.section('calibration', 'Calibration', read, plots, [table])


def popularity(results: dict) -> dict | None:
  bias = results.get('popularity_bias') or {}
  if not bias.get('bins'):
    return None
  models = [name for name, *_ in words.by_value(results)]
  order = ['catalog', 'clicked', OURS]
  order += [name for name in models if name != OURS]
  order = [name for name in order if bias.get(name)]
  if not order:
    return None
  table = parts.table('Popularity bias in figures', '', bias['bins'])
  for name in order:
    cells = [parts.cell(_percent(share)) for share in bias[name]]
    table['rows'].append(parts.row(name, cells))
  read = (
    'How the places of recommended lists spread over items that few or many '
    'users know, beside the whole catalog and what was clicked: where the '
    'popular end, on the right, takes more of a bar than of the clicks, the '
    'list leans on what is popular anyway.'
  )
  plot = {
    'caption': 'Shares by how many users know the item',
    'figure': figures.popularity(bias, order),
    'legend': {
      name: plot_style.shade(i, len(bias['bins']))
      for i, name in enumerate(bias['bins'])
    },
  }
  return parts.section('popularity', 'Popularity bias', read, [plot], [table])


def examples(examples: list) -> dict | None:
  if not examples:
    return None
  read = (
    'Some users: what they had acted on, oldest first, what was ranked '
    'on top for them, and what they clicked, with the place it was given.'
  )
  return parts.section('examples', 'Examples', read, [])


def _percent(value: float | None) -> str:
  share = words.finite(value)
  return '–' if share is None else f'{share:.1%}'
