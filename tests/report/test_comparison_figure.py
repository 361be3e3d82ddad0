"""A figure that fits."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from jaxrec.report import comparison_figure

SVG = '{http://www.w3.org/2000/svg}'


def boxes(root):
  """(kind, left, right, top, bottom) of all that is drawn, in pixels."""
  number = lambda e, key: float(e.get(key))
  for e in root.iter():
    kind = e.tag.removeprefix(SVG)
    if kind == 'text':
      # A wide guess; what a reader's fonts do is not known here.
      wide = 7.2 * len(e.text) * (1.5 if e.get('class') == 'head' else 1)
      x, y = number(e, 'x'), number(e, 'y')
      left = {'middle': x - wide / 2, 'end': x - wide}.get(
        e.get('text-anchor'), x
      )
      yield e, left, left + wide, y - 11, y + 4
    elif kind == 'circle':
      x, y, r = (number(e, key) for key in ('cx', 'cy', 'r'))
      yield e, x - r, x + r, y - r, y + r
    elif kind == 'line':
      x, y = sorted([number(e, 'x1'), number(e, 'x2')]), number(e, 'y1')
      yield e, *x, y, number(e, 'y2')
    elif kind == 'rect' and e.get('x'):
      x, y = number(e, 'x'), number(e, 'y')
      yield e, x, x + number(e, 'width'), y, y + number(e, 'height')


def test_all_of_the_figure_is_inside_and_no_texts_overlap(datasets):
  long = 'item_knn & a <rather> long failure ' * 12
  datasets['long'] = {'missing': {'0': f'failed: {long}'}}
  root = ET.fromstring(comparison_figure.draw(datasets))
  width, height = map(float, root.get('viewBox').split()[2:])
  drawn = list(boxes(root))
  assert len(drawn) > 60
  for e, left, right, top, bottom in drawn:
    assert left >= 0 and top >= 0, ET.tostring(e)
    assert right <= width and bottom <= height, ET.tostring(e)
  texts = [box for box in drawn if box[0].tag == f'{SVG}text']
  for i, (e, left, right, top, bottom) in enumerate(texts):
    for other, left2, right2, top2, bottom2 in texts[:i]:
      beside = left >= right2 or right <= left2
      assert beside or top >= bottom2 or bottom <= top2, (e.text, other.text)


def test_the_figure_shows_the_numbers_in_order(datasets):
  root = ET.fromstring(comparison_figure.draw(datasets))
  panel = next(iter(root.iter(f'{SVG}g')))
  dots = [e for e in panel.iter(f'{SVG}circle') if 'dot' in e.get('class')]
  lines = [e for e in panel.iter(f'{SVG}line') if 'whisker' in e.get('class')]
  kinds = [e.get('class').split()[1] for e in dots]
  assert kinds == ['ceiling', 'ours', 'baseline']
  combined = datasets['news-demo']
  values = [m['auc']['mean'] for m in combined['methods'].values()]
  x = [float(e.get('cx')) for e in dots]
  # On one straight scale, that of the ticks.
  ticks = [e for e in panel.iter(f'{SVG}text') if e.get('class') == 'tick']
  at = [float(e.get('x')) for e in ticks]
  labels = [float(e.text) for e in ticks]
  np.testing.assert_allclose(np.interp(values, labels, at), x, atol=0.2)
  for dot, line, method in zip(
    dots, lines, combined['methods'].values(), strict=True
  ):
    ends = [float(line.get(key)) for key in ('x1', 'x2')]
    want = np.interp(method['auc']['interval'], labels, at)
    np.testing.assert_allclose(ends, want, atol=0.2)
    assert line.get('y1') == line.get('y2') == dot.get('cy')
  rings = [e for e in panel.iter(f'{SVG}circle') if e.get('class') == 'seed']
  assert len(rings) == 3


@pytest.mark.parametrize(
  ('low', 'high'), [(0.5, 0.9), (0.0, 0.0), (0.019, 0.051), (-0.03, 1.0)]
)
def test_ticks_are_few_and_around(low, high):
  ticks, start, end = comparison_figure.scale(low, high)
  assert start <= low + 1e-12 and end >= high - 1e-12 and start < end
  assert 2 <= len(ticks) <= 9 and (ticks[0], ticks[-1]) == (start, end)
  np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-9)
