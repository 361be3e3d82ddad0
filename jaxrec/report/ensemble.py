"""What the network and the closed forms beside it are worth."""

from jaxrec.report import parts, words
from jaxrec.report.words import label, number

READ = (
  'The logit is the sum of the network and of closed forms of the data, each '
  'times a gain that was chosen on validation. Without: the list when that '
  'part says nothing; alone: when no other does.'
)


def rows(results: dict) -> dict[str, dict[str, str]]:
  """By part, for the terminal; {} where there is no ensemble."""
  ensemble = results.get('ensemble') or {}
  return {
    name: {
      'gain': f'{part["gain"]:.2f}',
      'alone': number(part['alone']),
      'whole without it': number(part['without']),
    }
    for name, part in (ensemble.get('parts') or {}).items()
  }


def title(results: dict) -> str:
  """Of the table: what of, and how much the whole reaches."""
  ensemble = results['ensemble']
  whole = next(iter(ensemble['parts'].values()))['whole']
  return (
    f'What speaks: {ensemble["metric"]} of {ensemble["examples"]:,} '
    f'examples, the whole {number(whole)}'
  )


def section(results: dict) -> dict | None:
  """For the report; None where there is no ensemble."""
  ensemble = results.get('ensemble')
  if not ensemble:
    return None
  metric = label(ensemble['metric'])
  table = parts.table(
    f'{metric} of {words.count(ensemble["examples"])} examples',
    '',
    ['gain', 'alone', 'whole without it', 'whole'],
  )
  for name, part in ensemble['parts'].items():
    values = (part[key] for key in ('gain', 'alone', 'without', 'whole'))
    cells = [parts.cell(number(value)) for value in values]
    table['rows'].append(parts.row(name, cells))
  return parts.section('ensemble', 'What speaks', READ, [], [table])
