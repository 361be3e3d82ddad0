"""The tables of docs/scale.md, from what `benchmarks.plan` finds."""

from benchmarks.plan_model import PURPOSES


def markdown(found: dict) -> str:
  """All of them; `found` is the program's JSON."""
  parts = [_bytes_table(found['meshes'])]
  for name in found['machines']:
    parts.append(f'**{name}**\n\n' + _times_table(found['meshes'], name))
  for title, plans in found.get('scaling', {}).items():
    table = _scaling_table(plans, found['machines'])
    parts.append(f'**{title.capitalize()}**\n\n{table}')
  return '\n\n'.join(parts)


def _rows(head: list[str], rows: list[list[str]]) -> str:
  rule = ['---', *['---:'] * (len(head) - 1)]
  return '\n'.join(f'| {" | ".join(row)} |' for row in (head, rule, *rows))


def _mesh(x: dict) -> str:
  return f'({", ".join(map(str, x["mesh"]))})'


def _mega(x: float) -> str:
  return f'{x / 1e6:,.0f}'


def _milli(x: float) -> str:
  return f'{1e3 * x:.1f}'


def _bytes_table(plans: list[dict]) -> str:
  axes = sorted({axis for x in plans for axis in x['wire_bytes_by_axes']})
  head = ['mesh (data, fsdp, tensor)', 'TFLOP/chip', 'state', *PURPOSES]
  head += ['all', 'scattered', 'bfloat16', *axes, 'operations']
  rows = []
  for x in plans:
    sent = x['wire_bytes_by_purpose']
    compiled = sent['as_compiled']
    rows.append(
      [
        _mesh(x),
        f'{x["useful_flops_per_chip"] / 1e12:.2f}',
        _mega(x['state_bytes_per_chip']),
        *(_mega(compiled[k]) for k in PURPOSES),
        *(_mega(sum(by.values())) for by in sent.values()),
        *(_mega(x['wire_bytes_by_axes'].get(k, 0)) for k in axes),
        f'{x["collectives"]} / {x["collectives_run"]}',
      ]
    )
  return _rows(head, rows)


def _times_table(plans: list[dict], machine: str) -> str:
  head = ['mesh', 'compute', *PURPOSES, 'examples/s', 'efficiency']
  for key in ('scattered', 'bfloat16'):
    head += [f'{key}: sent', 'examples/s']
  head += ['own tables, best of', 'examples/s']
  rate = 'examples_per_second'
  rows = []
  for x in plans:
    m = x['machines'][machine]
    compiled, *better = m['variants'].values()
    row = [_mesh(x), _milli(m['compute_seconds'])]
    row += [_milli(compiled['sent_seconds_by_purpose'][k]) for k in PURPOSES]
    row += [_thousands(compiled, rate), _share(compiled)]
    for variant in better:
      row += [_milli(variant['sent_seconds']), _thousands(variant, rate)]
    own = m['own_tables']  # Empty for few chips.
    size = max(own, key=lambda size: own[size][rate], default=None)
    row += [f'{size} chips', _thousands(own[size], rate)] if own else ['', '']
    rows.append(row)
  return _rows(head, rows)


def _scaling_table(plans: list[dict], machines) -> str:
  head = ['mesh', 'batch', 'MB/chip', 'of it table']
  for name in machines:
    head += [f'{name}: compute', 'sent', 'efficiency', 'x one chip']
  rows = []
  for x in plans:
    sent = x['wire_bytes_by_purpose']['as_compiled']
    row = [_mesh(x), str(x['examples']), _mega(sum(sent.values()))]
    row.append(_mega(sent['table']))
    for name in machines:
      m = x['machines'][name]
      compiled = m['variants']['as_compiled']
      row += [_milli(m['compute_seconds']), _milli(compiled['sent_seconds'])]
      row += [_share(compiled), f'{m["times_one_chip"]:.1f}']
    rows.append(row)
  return _rows(head, rows)


def _thousands(x: dict, key: str) -> str:
  return _span(x, key, '{:,.0f}')


def _share(x: dict) -> str:
  return _span(x, 'efficiency', '{:.0%}')


def _span(x: dict, key: str, form: str) -> str:
  """Without and with overlap."""
  return f'{form.format(x[key])} .. {form.format(x[f"{key}_overlapped"])}'
