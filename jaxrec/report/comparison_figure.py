"""compare.svg: a panel for each dataset, a dot and whiskers for each method.

Laid out here, in pixels, and written by comparison.svg.j2: no browser, no
script, the same everywhere that shows an SVG.
"""

import math
import textwrap

from jaxrec.report import comparison, templates
from jaxrec.report.words import OURS

WIDTH, MARGIN = 960, 24
LEFT, RIGHT = 190, 740  # Of the plots; names before them, values behind.
ROW, LINE = 24, 18  # Heights of a method's row and a line of text.
HEAD, AXIS, GAP = 56, 48, 26  # Over the panels; under a plot; between panels.
LETTER = 7.2  # The widest that a letter of 13 pixels is on average.
TICKS = 6


def draw(datasets: dict) -> str:
  """The SVG's text; see `comparison.markdown` for the argument."""
  panels, top = [], MARGIN + HEAD
  for name, dataset in datasets.items():
    panel = _panel(name, dataset, top)
    panels.append(panel)
    top = panel['bottom'] + GAP
  note = 'Lines: 95 % bootstrap intervals over users.'
  if any(len(dataset.get('seeds', [])) > 1 for dataset in datasets.values()):
    note = f'Dots: means over seeds. Rings: single seeds. {note}'
  return templates.fill(
    'comparison.svg.j2',
    width=WIDTH,
    height=top - GAP + MARGIN,
    margin=MARGIN,
    left=LEFT,
    right=RIGHT,
    panels=panels,
    note=note,
    ours=OURS,
  )


def _panel(name: str, dataset: dict, top: float) -> dict:
  """One dataset, from `top` down; positions in pixels."""
  texts = []
  if 'methods' in dataset:
    texts.append(comparison.describe(dataset))
  texts += comparison.missing(dataset)
  wide = int((WIDTH - 2 * MARGIN) / LETTER)
  texts = [part for text in texts for part in textwrap.wrap(text, wide)]
  y = top + LINE
  lines = []
  for text in texts:
    y += LINE
    lines.append({'y': y, 'text': text})
  panel = {'title': name, 'y': top + LINE, 'lines': lines}
  rows = []
  if 'methods' in dataset:
    rows = [
      (name, method['kind'], method[dataset['metric']])
      for name, method in dataset['methods'].items()
      if method[dataset['metric']]['mean'] is not None
    ]
  if not rows:
    return panel | {'rows': [], 'ticks': [], 'bottom': y}
  ends = [v for *_, value in rows for v in _extent(value)]
  ticks, low, high = scale(min(ends), max(ends))
  place = lambda v: round(LEFT + (v - low) / (high - low) * (RIGHT - LEFT), 1)
  start = y + LINE
  drawn = []
  for i, (method, kind, value) in enumerate(rows):
    interval = value['interval'] or [value['mean']] * 2
    drawn.append(
      {
        'name': method,
        'kind': kind,
        'y': start + (i + 0.5) * ROW,
        'x': place(value['mean']),
        'whisker': [place(v) for v in interval],
        'seeds': [place(v) for v in value['values']]
        if kind == 'ours' and len(value['values']) > 1
        else [],
        'text': comparison.cell(value),
      }
    )
  end = start + len(rows) * ROW
  places = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
  return panel | {
    'rows': drawn,
    'start': start,
    'end': end,
    'height': ROW,
    'metric': comparison.metric_name(dataset),
    'ticks': [{'x': place(t), 'text': f'{t:.{places}f}'} for t in ticks],
    'bottom': end + AXIS,
  }


def _extent(value: dict) -> list[float]:
  return [*value['values'], *(value['interval'] or [])]


def scale(low: float, high: float) -> tuple[list[float], float, float]:
  """Round ticks around [low, high], and where the axis starts and ends."""
  span = (high - low) or abs(high) or 1.0
  raw = span / TICKS
  unit = 10 ** math.floor(math.log10(raw))
  step = unit * next(m for m in (1, 2, 5, 10) if m * unit >= raw * 0.999)
  first = math.floor(low / step + 1e-9)
  last = math.ceil(high / step - 1e-9)
  last += last == first
  ticks = [round(i * step, 12) for i in range(first, last + 1)]
  return ticks, ticks[0], ticks[-1]
