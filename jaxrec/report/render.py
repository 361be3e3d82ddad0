"""report.html: what a run reached, in one file that needs no network."""

import hashlib
import json
import pathlib
from collections.abc import Callable

from plotly.offline import get_plotlyjs

from jaxrec.config import flattened
from jaxrec.errors import UserError
from jaxrec.files import write_text
from jaxrec.report import added, ensemble, plain, sections, templates, words

HISTORY_SHOWN = 10


def write(
  path: pathlib.Path, results: dict, curves: dict, examples: list
) -> None:
  """Writes the report; whole or not at all.

  A part that is missing or None leaves its section out, a metric that is None
  or NaN is shown as a dash.

  Args:
    path: of the HTML file; an older one is replaced.
    results: what results.json holds.
    curves: see `curves.read_curves`.
    examples: dicts of 'user', 'kind', 'history' (items, oldest first),
      'recommended' (items with 'score' and 'clicked', best first) and 'clicked'
      (items with 'rank'); items are dicts of 'id' and 'text'.

  Raises:
    UserError: the file cannot be written.
  """
  text = render(results, curves, examples)
  try:
    write_text(path, text)
  except OSError as e:
    raise UserError(f'{path}: cannot be written: {e}') from e


def render(results: dict, curves: dict, examples: list) -> str:
  """The report's HTML; the arguments of `write`."""
  shown = [
    section
    for section in (
      sections.examples(examples),
      sections.metrics(results),
      sections.learning(results, curves),
      ensemble.section(results),
      sections.slices(results),
      sections.calibration(results),
      sections.popularity(results),
    )
    if section
  ]
  plots = {}
  for section in shown:
    for i, plot in enumerate(section['plots']):
      plot['id'] = f'{section["id"]}-plot-{i}'
      plot['height'] = plot['figure'].layout.height
      plots[plot['id']] = plot.pop('figure').to_plotly_json()
  # Markup that came past the escaping could still not run or load anything:
  # only scripts that know the nonce may, and it depends on every byte.
  everything = json.dumps([results, curves, examples], sort_keys=True)
  return templates.fill(
    'report.html.j2',
    nonce=hashlib.sha256(everything.encode()).hexdigest()[:32],
    plotly=get_plotlyjs(),
    figures=plots,
    title=f'{results["dataset"]}, {results["split"]} split',
    verdict=words.verdict(results),
    in_plain_words=plain.sentence(results),
    meanings=_meanings(shown),
    made_up=results['dataset'].startswith('demo'),
    protocol=_protocol(results),
    sampled=words.is_sampled(results),
    caveat=results.get('caveat'),
    training=(results.get('training') or {}).get('summary'),
    training_in_doubt=added.is_in_doubt(results),
    sections=shown,
    facts=_facts(results),
    history_shown=HISTORY_SHOWN,
    examples=examples,
  )


def _meanings(shown: list[dict]) -> dict[str, str]:
  """What the heads of the sections' tables mean."""
  heads = {
    name
    for section in shown
    for table in section.get('tables') or []
    for name in table['head']
  }
  known = plain.meanings(sorted(heads))
  ahead = {name: plain.AHEAD for name in heads if 'ahead' in name}
  return known | ahead


def _protocol(results: dict) -> list[str]:
  """What was evaluated and how, in phrases."""
  protocol = results.get('protocol') or {}
  phrases = {
    'name': 'protocol {}',
    'candidates': 'candidates: {}',
    'seen': 'seen items {}',
    'ties': 'ties {}',
    'examples': '{} examples',
    'users': '{} users',
    'catalog': 'a catalog of {} items',
  }
  return [
    phrase.format(f'{v:,}' if isinstance(v, int) else str(v).replace('_', ' '))
    for key, phrase in phrases.items()
    if (v := protocol.get(key)) is not None
  ]


def _facts(results: dict) -> dict[str, dict[str, str]]:
  """Tables of names and values for the foot of the page."""
  training = {
    'best_step': results.get('best_step'),
    'threshold': results.get('threshold'),
    **(results.get('train') or {}),
  }
  shown = {
    'Protocol': _flat(results.get('protocol')),
    'Data': _flat(results.get('data')),
    'Training': _flat(training),
    'Validation': _flat(results.get('validation')),
    'Versions': _flat(results.get('versions')),
    'Fingerprints': _flat(results.get('fingerprints')),
    'Config': _flat(results.get('config'), write=str),  # To be typed again.
  }
  for title in ('Protocol', 'Data', 'Training'):  # Not names to be typed.
    shown[title] = {
      name.replace('.', ', ').replace('_', ' '): value
      for name, value in shown[title].items()
    }
  return {title: values for title, values in shown.items() if values}


def _flat(tree: dict | None, write: Callable = words.count) -> dict[str, str]:
  """Dotted names -> values as text; what is None is left out."""

  def text(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return (write if is_number else str)(value)

  known = flattened(tree or {})
  return {name: text(x) for name, x in known.items() if x is not None}
