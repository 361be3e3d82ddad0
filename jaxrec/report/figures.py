"""The report's plots, from what results.json holds; see plot_style.py."""

import math

import numpy as np
import plotly.graph_objects as go

from jaxrec.report import plot_style, words
from jaxrec.report.plot_style import BLUE, FAINT, GREY, MUTED, PAPER
from jaxrec.report.words import CEILING, OURS

MAX_POINTS = 1000  # Of a curve: more than a screen shows.
ROW = 25  # Pixels of a model's line.
SMOOTHED_FROM = 40  # Points from which a curve of training is smoothed.


def curve(tag: str, points: list, best_step: int | None) -> go.Figure:
  """One learning curve.

  Args:
    tag: of the curve, such as 'train/loss'.
    points: [step, value] each, steps rising.
    best_step: marked in curves of validation.
  """
  every = math.ceil(len(points) / MAX_POINTS)
  steps = [step for step, _ in points]
  values = [words.finite(value) for _, value in points]
  thin = slice((len(points) - 1) % every, None, every)  # The last one stays.
  x, y = steps[thin], values[thin]
  line = {'color': BLUE, 'width': 2}
  tip = 'step %{x}: %{y:.4f}<extra></extra>'
  if tag.startswith('validation/') or len(points) < SMOOTHED_FROM:
    traces = [plot_style.line(x, y, 'lines+markers', line, tip)]
  else:
    smooth = _running_mean(values, max(len(values) // 20, 2))[thin]
    traces = [
      plot_style.line(x, y, 'lines', {'color': FAINT, 'width': 1}, None),
      plot_style.line(x, smooth, 'lines', line, tip),
    ]
  figure = plot_style.figure(traces, 200, xaxis={'title': {'text': 'step'}})
  if tag.startswith('validation/') and best_step in steps:
    figure.add_vline(
      best_step, line={'color': MUTED, 'dash': 'dot', 'width': 1.5}
    )
    best = values[steps.index(best_step)]
    figure.add_trace(
      go.Scatter(
        x=[best_step],
        y=[best],
        mode='markers',
        marker={'size': 11, 'color': BLUE, 'line': plot_style.rim()},
        hovertemplate=tip,
      )
    )
  return figure


def ranking(results: dict) -> go.Figure | None:
  """The main metric of every model with its interval, best on top."""
  main = words.main_metric(results)
  rows = [
    (name, words.value_of(metrics, main), words.interval_of(intervals, main))
    for name, metrics, intervals in words.by_value(results)
    if words.value_of(metrics, main) is not None
  ]
  return _dots(rows, words.label(main)) if rows else None


def differences(results: dict) -> go.Figure | None:
  """Ours minus each baseline in the main metric, in the order of `ranking`."""
  main = words.main_metric(results)
  rows = []
  for name, _, _ in words.by_value(results):
    against = words.comparison(results, name, main)
    if name not in (OURS, CEILING) and against.difference is not None:
      rows.append((name, against.difference, against.interval))
  if not rows:
    return None
  figure = _dots(rows, f'difference in {words.label(main)}')
  figure.add_vline(0, line={'color': MUTED, 'width': 1.5})
  return figure


def slices(results: dict) -> dict[str, go.Figure]:
  """By question: the main metric for each answer, on one common scale."""
  main = words.main_metric(results)
  rivals = [name for name, *_ in words.by_value(results)]
  rivals = [name for name in rivals if name not in (OURS, CEILING)]
  questions = results['slices']
  drawn = [
    value
    for answers in questions.values()
    for part in answers.values()
    for value in (
      words.value_of(part.get('metrics'), main),
      *(words.interval_of(part.get('intervals'), main) or []),
      *(words.value_of(part.get('baselines', {}).get(r), main) for r in rivals),
    )
    if value is not None
  ]
  if not drawn:
    return {}
  pad = 0.06 * (max(drawn) - min(drawn)) or 0.01
  scale = [min(drawn) - pad, max(drawn) + pad]
  return {
    question: _slice(answers, main, rivals, scale)
    for question, answers in questions.items()
    if answers
  }


def reliability(bins: list[dict]) -> go.Figure | None:
  """Share clicked over predicted probability; `bins` as in results.json."""
  bins = [b for b in bins if b.get('count')]
  bins = [b for b in bins if words.finite(b.get('predicted')) is not None]
  if not bins:
    return None
  x = [b['predicted'] for b in bins]
  y = [b['clicked'] for b in bins]
  end = 1.08 * max(*x, *y, 1e-3)
  most = max(b['count'] for b in bins)
  traces = [
    plot_style.line(
      [0, end], [0, end], 'lines', {'color': MUTED, 'dash': 'dash'}, None
    ),
    go.Scatter(
      x=x,
      y=y,
      mode='lines+markers',
      line={'color': BLUE, 'width': 2},
      marker={
        'size': [6 + 8 * math.sqrt(b['count'] / most) for b in bins],
        'color': BLUE,
        'opacity': 1,
        'line': plot_style.rim(),
      },
      customdata=[b['count'] for b in bins],
      hovertemplate='predicted %{x:.3f}, clicked %{y:.3f}, '
      '%{customdata:,} candidates<extra></extra>',
    ),
  ]
  return plot_style.figure(
    traces,
    340,
    xaxis={'title': {'text': 'predicted probability'}, 'range': [0, end]},
    yaxis={'title': {'text': 'share clicked'}, 'range': [0, end]},
  )


def popularity(bias: dict, order: list[str]) -> go.Figure:
  """One bar of shares by popularity for each of `order`, the first on top."""
  bins = bias['bins']
  names = [name for name in order if bias.get(name)]
  traces = []
  for i, title in enumerate(bins):
    traces.append(
      go.Bar(
        y=names,
        x=[bias[name][i] for name in names],
        name=title,
        orientation='h',
        marker={
          'color': plot_style.shade(i, len(bins)),
          'line': {'color': PAPER, 'width': 1},
        },
        hovertemplate=f'%{{y}}, {title}: %{{x:.1%}}<extra></extra>',
      )
    )
  return plot_style.figure(
    traces,
    40 + ROW * len(names),
    barmode='stack',
    bargap=0.28,
    xaxis={
      'tickformat': '.0%',
      'range': [0, 1],
      'dtick': 0.25,
      'showgrid': False,
    },
    yaxis=plot_style.names_axis(names),
  )


def _dots(rows: list, title: str) -> go.Figure:
  """A line per (name, value, interval), the first on top."""
  colours = {OURS: BLUE, CEILING: FAINT}
  traces = []
  for name, value, interval in rows:
    low, high = interval or (value, value)
    colour = colours.get(name, GREY)
    tip = f'{words.number(value)} {words.brackets(interval)}'
    traces.append(
      go.Scatter(
        x=[value],
        y=[name],
        mode='markers',
        marker={'size': 10 if name == OURS else 8, 'color': colour},
        error_x={
          'type': 'data',
          'array': [high - value],
          'arrayminus': [value - low],
          'color': colour,
          'thickness': 2.5 if name == OURS else 1.5,
          'width': 0,
        },
        hovertemplate=f'{name}: {tip}<extra></extra>',
      )
    )
  return plot_style.figure(
    traces,
    70 + ROW * len(rows),
    xaxis={'title': {'text': title}, 'nticks': 6},
    yaxis=plot_style.names_axis([name for name, *_ in rows]),
  )


def _slice(
  answers: dict, main: str, rivals: list[str], scale: list[float]
) -> go.Figure:
  """The plot of one question; `rivals` best first, `scale` of the y axis."""
  names = [
    f'{name.replace(" ", "<br>")}<br>n={words.count(part.get("examples"))}'
    for name, part in answers.items()
  ]
  parts = list(answers.values())
  ours = []  # Names, values and intervals of the answers that have them.
  for name, part in zip(names, parts, strict=True):
    value = words.value_of(part.get('metrics'), main)
    if value is not None:
      interval = words.interval_of(part.get('intervals'), main)
      ours.append((name, value, *(interval or (value, value))))
  values_of = lambda rival: [
    words.value_of(part.get('baselines', {}).get(rival), main) for part in parts
  ]
  traces = []
  for rival in rivals[::-1]:  # The best one on top of the others.
    best = rival == rivals[0]
    mark = {'symbol': 'diamond', 'size': 9, 'color': GREY}
    tick = {'symbol': 'line-ew', 'size': 12}
    tick |= {'line': {'color': FAINT, 'width': 1.5}}
    traces.append(
      go.Scatter(
        x=names,
        y=values_of(rival),
        mode='markers',
        marker=mark if best else tick,
        hovertemplate=f'{rival}: %{{y:.4f}}<extra></extra>',
      )
    )
  traces.append(
    go.Scatter(
      x=[name for name, *_ in ours],
      y=[value for _, value, _, _ in ours],
      mode='markers',
      marker={'size': 10, 'color': BLUE},
      error_y={
        'type': 'data',
        'array': [high - value for _, value, _, high in ours],
        'arrayminus': [value - low for _, value, low, _ in ours],
        'color': BLUE,
        'thickness': 2,
        'width': 0,
      },
      hovertemplate=f'{OURS}: %{{y:.4f}}<extra></extra>',
    )
  )
  return plot_style.figure(
    traces,
    280,
    xaxis={
      'type': 'category',
      'categoryorder': 'array',
      'categoryarray': names,
      'showgrid': False,
      'tickangle': 0,
      'range': [-0.5, len(names) - 0.5],
    },
    yaxis={'title': {'text': words.label(main)}, 'range': scale},
  )


def _running_mean(values: list, width: int) -> list:
  """The mean of up to `width` values around each; those that are None out."""
  known = np.array([value is not None for value in values])
  sums = np.cumsum([0.0, *(value or 0.0 for value in values)])
  counts = np.cumsum([0, *known])
  at = np.arange(len(values))
  low = np.maximum(at - width // 2, 0)
  high = np.minimum(at + (width + 1) // 2, len(values))
  number = counts[high] - counts[low]
  mean = (sums[high] - sums[low]) / np.maximum(number, 1)
  return [float(m) if n else None for m, n in zip(mean, number, strict=True)]
