"""compare.md: several datasets, ours beside the baselines.

Each dataset is what `seeds.combine` gives. comparison_figure.py draws them.
"""

from jaxrec.report import words
from jaxrec.report.words import CEILING, OURS, label

FOOT = (
  f'{OURS} is the mean over the seeds, ± their standard deviation (n − 1) '
  'where there are several. Baselines are fitted anew beside each seed; those '
  'that draw nothing are the same each time.',
  'Brackets are 95 % bootstrap intervals over users; with several seeds they '
  'reach from the lowest to the highest end of any seed’s.',
  'Added by training is the step that validation chose minus step 0, the start '
  'that terms have in closed form; 0 where step 0 was chosen.',
  'p is two-sided, of the bootstrap over users, paired: both are measured on '
  'the same draws. With several seeds it is the largest of them, and 1 where '
  'seeds differ in who is ahead. It is not corrected for the number of '
  'baselines, metrics and datasets.',
  'The best baseline is picked on the test split itself, by the very numbers '
  f'shown: that flatters it, not {OURS}, and neither intervals nor p know of '
  'it. Checkpoints and settings are chosen on validation.',
)
CEILING_FOOT = (
  f'The {CEILING} knows the probabilities that the clicks were drawn from: a '
  'ceiling, not a baseline; only made-up data has one.'
)


def foot(datasets: dict) -> list[str]:
  """What a reader must know of the numbers: notes under the tables."""
  methods = {m for x in datasets.values() for m in x.get('methods', {})}
  return [*FOOT, *([CEILING_FOOT] if CEILING in methods else [])]


def markdown(datasets: dict) -> str:
  """The tables.

  Args:
    datasets: by config's name, what `seeds.combine` gives, and 'missing': by
      seed, why it is not there; where no seed is, nothing but that.
  """
  lines = [
    f'# {OURS} beside the baselines',
    '',
    '![The main metric of each method on each dataset](compare.svg)',
    '',
    *_table(
      'config',
      'protocol',
      'metric',
      OURS,
      'best baseline',
      f'{OURS} ahead by',
      'ratio',
      'p',
      'added by training',
    ),
  ]
  for name, dataset in datasets.items():
    if 'methods' in dataset:
      lines.append(_row(name, *summary(dataset).values()))
    lines += [_row(name, line, *[''] * 7) for line in missing(dataset)]
  for name, dataset in datasets.items():
    if 'methods' in dataset:
      lines += ['', f'## {name}', '', f'{describe(dataset)}.', '']
      if said := training(dataset):
        lines += [f'{said[0].upper()}{said[1:]}.', '']
      lines += _methods(dataset)
  lines += ['', *(f'- {note}' for note in foot(datasets))]
  return '\n'.join(lines) + '\n'


def summary(dataset: dict) -> dict[str, str]:
  """One dataset on one line: a cell for each column of the first table.

  Args:
    dataset: what `seeds.combine` gives; of every function here likewise.
  """
  main, best = dataset['metric'], dataset['best_baseline']
  against = dataset['methods'][best]['against'][main] if best else {}
  return {
    'protocol': dataset['protocol']['name'],
    'metric': metric_name(dataset),
    'ours': cell(dataset['methods'][OURS][main], spread=True),
    'best baseline': f'{best} {cell(dataset["methods"][best][main])}'
    if best
    else '',
    'ahead': difference(against),
    'ratio': words.number(dataset['ratio'], 3) if best else '',
    'p': p_of(against),
    'added': difference(added_in(dataset)),
  }


def added_in(dataset: dict) -> dict:
  """What training added by the main metric; {} where it is not known."""
  training = dataset.get('training') or {}
  return training.get('added', {}).get(dataset['metric'], {})


def training(dataset: dict) -> str:
  """What training added, in a sentence without its full stop; '' if unknown."""
  against = added_in(dataset)
  if not against:
    return ''
  steps = dataset['training']['chosen_steps']
  mean = ', the mean over seeds' if len(steps) > 1 else ''
  p = f', p {words.p_value(against["p"])}' if against['p'] is not None else ''
  chosen = f'step{"s" if len(steps) > 1 else ""} {", ".join(map(str, steps))}'
  return (
    f'training added {difference(against)} {label(dataset["metric"])} to '
    f'step 0{mean}{p}; validation chose {chosen}'
  )


def brief(dataset: dict) -> dict[str, str]:
  """Likewise, for a terminal."""
  main, best = dataset['metric'], dataset['best_baseline']
  mean = lambda name: words.number(dataset['methods'][name][main]['mean'])
  return {
    'metric': label(main),
    OURS: mean(OURS),
    'best baseline': best or '',
    'its mean': mean(best) if best else '',
    'ratio': words.number(dataset['ratio'], 3) if best else '',
    'p': summary(dataset)['p'],
  }


def missing(dataset: dict) -> list[str]:
  """A line for each seed that is not there."""
  return [f'seed {seed} {why}' for seed, why in dataset['missing'].items()]


def metric_name(dataset: dict) -> str:
  """The main metric's name; says so where candidates were sampled."""
  sampled = ' (sampled candidates)' if words.is_sampled(dataset) else ''
  return label(dataset['metric']) + sampled


def describe(dataset: dict) -> str:
  """The dataset and its protocol, in a sentence without its full stop."""
  protocol, seeds = dataset['protocol'], dataset['seeds']
  trained = f'seed{"s" if len(seeds) > 1 else ""} {", ".join(map(str, seeds))}'
  return (
    f'{dataset["dataset"]}, {dataset["split"]} split; '
    f'protocol {protocol["name"]}, ranked among {protocol["candidates"]}; '
    f'{words.count(protocol.get("examples"))} examples of '
    f'{words.count(protocol.get("users"))} users; {trained}'
  )


def cell(value: dict, *, spread: bool = False) -> str:
  """'0.8617 ± 0.0012 [0.854, 0.869]'; `spread`: with the ± of the seeds."""
  text = words.number(value['mean'])
  if spread and value['sd'] is not None:
    text += f' ± {words.number(value["sd"])}'
  return f'{text} {words.brackets(value["interval"])}'.rstrip()


def difference(against: dict) -> str:
  """'+0.0366 [+0.030, +0.043]'; empty of no comparison."""
  if not against:
    return ''
  value = words.number(against['difference'], sign=True)
  return f'{value} {words.brackets(against["interval"], sign=True)}'.rstrip()


def p_of(against: dict) -> str:
  """'0.002'; empty where it is not known."""
  if not against or against['p'] is None:
    return ''
  return words.p_value(against['p']).removeprefix('= ')


def _methods(dataset: dict) -> list[str]:
  """The table of one dataset."""
  main, *rest = dataset['metrics']
  lines = _table(
    '', metric_name(dataset), *map(label, rest), f'{OURS} ahead by', 'p'
  )
  for name, method in dataset['methods'].items():
    ours = method['kind'] == 'ours'
    shown = name if method['kind'] != 'ceiling' else f'{name} (a ceiling)'
    against = {} if ours else method['against'][main]
    cells = [
      shown,
      *(cell(method[m], spread=ours) for m in dataset['metrics']),
      difference(against),
      p_of(against),
    ]
    lines.append(_row(*(f'**{c}**' if ours and c else c for c in cells)))
  return lines


def _table(*head: str) -> list[str]:
  """The first lines of a table."""
  return [_row(*head), _row(*['---'] * len(head))]


def _row(*cells: str) -> str:
  """A line of a table; what would end a cell or start a tag is escaped."""
  safe = (c.replace('|', r'\|').replace('<', '&lt;') for c in cells)
  return f'| {" | ".join(safe)} |'
