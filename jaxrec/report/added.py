"""What training added to the model's own start: a plain sentence, a table."""

from jaxrec.report import parts, words
from jaxrec.report.words import Comparison, brackets, finite, label, number


def sentence(results: dict) -> str:
  """Whether training helped, by how much, and what one gets where it did not.

  Args:
    results: what results.json holds, `training` among it.
  """
  of_training = results['training']
  step, main = of_training['chosen_step'], words.main_metric(results)
  if not step:
    return (
      'Training did not help here: validation chose step 0, and what one gets '
      f'is {start(results)}.'
    )
  by_main = comparison(results, main)
  at_start = number(words.value_of(of_training.get('step_0'), main))
  value = number(by_main.difference, sign=True)
  reached = f'{value} {brackets(by_main.interval, sign=True)}'.rstrip()
  p = f', p {words.p_value(by_main.p)}' if by_main.p is not None else ''
  # What closed forms beside it add is no work of training.
  whose = ' of the network alone' if results.get('ensemble') else ''
  figures = f'{reached} {label(main)}{whose} against {at_start} at step 0{p}'
  if not by_main.significant:
    return (
      f'Whether training helped cannot be told: step {step:,} adds {figures}; '
      f'what is sure is {start(results)}.'
    )
  if (by_main.difference or 0) < 0:
    return (
      f'Training did harm here: step {step:,}, which validation chose, adds '
      f'{figures}; {start(results)} is better.'
    )
  return f'Training helped: step {step:,} adds {figures}.'


def start(results: dict) -> str:
  """What a model is before it is trained, by its terms."""
  config = results.get('config') or {}
  terms = ', '.join((config.get('model') or {}).get('terms') or {})
  beside = ', '.join((results.get('ensemble') or {}).get('gains') or {})
  untrained = f'what its terms start from{f" ({terms})" if terms else ""}'
  closed_forms = f', with the closed forms beside it ({beside})'
  return f'{untrained}{closed_forms if beside else ""}'


def comparison(results: dict, metric: str) -> Comparison:
  """The chosen step minus step 0; what is not known is None."""
  of_training = results.get('training') or {}
  return words.comparison_of((of_training.get('added') or {}).get(metric))


def table(results: dict) -> dict | None:
  """By metric, for the report; None where it is not known."""
  of_training = results.get('training') or {}
  metrics = words.ordered(of_training.get('added') or {})
  if not metrics:
    return None
  step = of_training.get('chosen_step')
  shown = parts.table(
    f'What training added: step {words.count(step)} minus step 0',
    'Bold where p < 0.05 and the interval leaves out zero.',
    [label(metric) for metric in metrics],
  )
  cells = []
  for metric in metrics:
    c = comparison(results, metric)
    p = f'p {words.p_value(c.p)}' if c.p is not None else ''
    value, low_high = (
      number(c.difference, sign=True),
      brackets(c.interval, True),
    )
    cells.append(parts.cell(value, low_high, p, strong=bool(c.significant)))
  at_start = of_training.get('step_0')
  values = [words.value_of(at_start, metric) for metric in metrics]
  shown['rows'] += [
    parts.row('step 0', [parts.cell(number(value)) for value in values]),
    parts.row('added', cells),
  ]
  return shown


def is_in_doubt(results: dict) -> bool:
  """Whether training was not shown to help by the main metric."""
  by_main = comparison(results, words.main_metric(results))
  return not (by_main.significant and (finite(by_main.difference) or 0) > 0)
