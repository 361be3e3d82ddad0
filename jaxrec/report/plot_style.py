"""How the report's plots look.

Colours are CSS variables of the page, put in by its script, so that the plots
follow the reader's light or dark mode.
"""

from typing import Any

import plotly.graph_objects as go

from jaxrec.report.words import OURS

INK, MUTED, GRID = 'var(--ink)', 'var(--muted)', 'var(--rule)'
PAPER, BLUE, GREY = 'var(--paper)', 'var(--ours)', 'var(--base)'
FAINT = 'var(--faint)'
NOTHING = 'rgba(0,0,0,0)'
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
RAMP = 8  # Shades, --ramp0 to --ramp7.
SMALL = 12.5  # Letters, in pixels.


def shade(i: int, number: int) -> str:
  """The colour of the i-th of some ordered parts."""
  return f'var(--ramp{round(i * (RAMP - 1) / max(number - 1, 1))})'


def figure(
  traces: list,
  height: int,
  *,
  xaxis: dict | None = None,
  yaxis: dict | None = None,
  **layout: Any,
) -> go.Figure:
  """A plot as all of them look.

  Args:
    traces: Plotly's.
    height: in pixels; the width is the page's.
    xaxis, yaxis: what an axis has beside what all have.
    layout: likewise, of the rest.
  """
  axis = {
    'gridcolor': GRID,
    'linecolor': GRID,
    'zeroline': False,
    'automargin': True,
    'fixedrange': True,  # A finger scrolls the page, not the plot.
    'title': {'standoff': 8, 'font': {'size': SMALL, 'color': MUTED}},
  }
  title = lambda given: {
    'title': axis['title'] | (given or {}).get('title', {})
  }
  return go.Figure(
    traces,
    {
      'template': 'none',
      'height': height,
      'margin': {'l': 8, 'r': 12, 't': 8, 'b': 8},
      'paper_bgcolor': NOTHING,
      'plot_bgcolor': NOTHING,
      'font': {'family': FONT, 'size': SMALL, 'color': INK},
      'hoverlabel': {'bgcolor': PAPER, 'font': {'color': INK}},
      'showlegend': False,
      'dragmode': False,
      'xaxis': axis | (xaxis or {}) | title(xaxis),
      'yaxis': axis | (yaxis or {}) | title(yaxis),
      **layout,
    },
  )


def line(
  x: list, y: list, mode: str, look: dict, tip: str | None
) -> go.Scatter:
  """A line; `tip` is what is shown under the pointer, None for nothing."""
  hover = {'hovertemplate': tip} if tip else {'hoverinfo': 'skip'}
  return go.Scatter(x=x, y=y, mode=mode, line=look, marker={'size': 5}, **hover)


def names_axis(names: list[str]) -> dict:
  """The vertical axis of a row for each model, the first on top."""
  bold = lambda name: f'<b>{name}</b>' if name == OURS else name
  return {
    'type': 'category',
    'categoryorder': 'array',
    'categoryarray': names[::-1],
    'range': [-0.6, len(names) - 0.4],
    'tickmode': 'array',
    'tickvals': names,
    'ticktext': [f'{bold(name)} ' for name in names],
  }


def rim() -> dict:
  """The line around a dot that lies on others."""
  return {'color': PAPER, 'width': 1.5}
