"""The report: what it says, what it leaves out, and that it opens."""

import copy
import html.parser
import json
import struct

import pytest

from jaxrec.errors import UserError
from jaxrec.report import render
from tests.browser import look, requested, soon

HOSTILE = '</script><script>throw 1</script><img src=x onerror="throw 2">'
SECTIONS = (
  'learning',
  'metrics',
  'slices',
  'calibration',
  'popularity',
  'examples',
)
PLOTS = 4 + 2 + 2 + 1 + 1


@pytest.fixture
def curves():
  return {
    'train/loss': [[step, 1 / (step + 1)] for step in range(200)],
    'validation/auc': [[0, 0.5], [20, 0.63], [40, 0.6]],
    'validation/mrr': [[0, 0.3], [20, None], [40, 0.31]],
    'validation/ndcg@10': [[0, 0.3], [20, 0.33], [40, 0.31]],
  }


@pytest.fixture
def examples():
  item = {'id': 'N1', 'text': HOSTILE}
  recommended = {**item, 'score': 1.5, 'clicked': True}
  clicked = [{**item, 'rank': 1}]
  return [
    {
      'user': HOSTILE,
      'kind': kind,
      'history': [item] * seen,
      'recommended': [recommended, {**recommended, 'clicked': False}],
      'clicked': clicked,
    }
    for kind, seen in (('hit', 30), ('miss', 1), ('new user', 0))
  ]


def hostile(results):
  """Names in plots and tables, too."""
  results['slices'][HOSTILE] = results['slices'].pop('user')
  results['baselines'][HOSTILE] = results['baselines'].pop('random')
  results['config'][HOSTILE] = HOSTILE


@pytest.fixture(autouse=True)
def small_plotly(request, monkeypatch):
  """Without its 5 MB where nothing is drawn."""
  if 'browser' not in request.fixturenames:
    monkeypatch.setattr(render, 'get_plotlyjs', lambda: 'Plotly')


class Page(html.parser.HTMLParser):
  """Ids, text by tag, and all that is loaded or linked."""

  def __init__(self, text):
    super().__init__()
    self.ids, self.loaded, self.tags = set(), [], []
    self.texts, self.inside = [], []
    self.feed(text)
    self.text = ' '.join(self.texts)

  def handle_starttag(self, tag, attrs):
    attrs = dict(attrs)
    self.tags.append((tag, attrs))
    self.inside.append(tag)
    self.ids.add(attrs.get('id'))
    self.loaded += [attrs[k] for k in ('src', 'href', 'data') if k in attrs]

  def handle_endtag(self, tag):
    while self.inside and self.inside.pop() != tag:
      pass

  def handle_data(self, data):
    if not {'script', 'style'} & set(self.inside):
      self.texts.append(' '.join(data.split()))


def page_of(*arguments):
  return Page(render.render(*arguments))


def drawn(page_text):
  start = page_text.index('id="figures">') + len('id="figures">')
  return json.loads(page_text[start : page_text.index('</script>', start)])


def test_every_part_has_its_section(results, curves, examples):
  page = page_of(results, curves, examples)
  assert page.ids.issuperset({*SECTIONS, 'about', 'verdict'})
  for phrase in (
    '0.6300',
    '51,282',
    'decay = 0.8',
    'optimizer.learning_rate',
    '2e-05',
  ):
    assert phrase in page.text
  assert 'the last 10 of 30' in page.text and 'none yet' in page.text
  assert len(drawn(render.render(results, curves, examples))) == PLOTS


@pytest.mark.parametrize(
  ('part', 'section'),
  [
    ('slices', 'slices'),
    ('calibration', 'calibration'),
    ('popularity_bias', 'popularity'),
  ],
)
@pytest.mark.parametrize('how', ['absent', 'None', 'empty'])
def test_what_is_missing_is_left_out(
  results, curves, examples, part, section, how
):
  results[part] = {} if how == 'empty' else None
  if how == 'absent':
    del results[part]
  page = page_of(results, curves, examples)
  assert {s for s in SECTIONS if s not in page.ids} == {section}
  assert f'#{section}' not in page.loaded


def test_what_is_no_test_says_so(results):
  assert 'caveat' not in page_of(results, {}, []).ids
  page = page_of(results | {'caveat': 'trained on <these>'}, {}, [])
  assert 'caveat' in page.ids and 'trained on <these>' in page.text


def test_a_catalogs_calibration_is_told_by_history(results):
  part = {
    'examples': 1234,
    'probability': [0.25, 0.125],
    'hits': [0.2, 0.0625],
    'ece': 0.01,
  }
  catalog = results['calibration'] | {
    'kind': 'softmax',
    'by_history': {'5': part, 'all': part},
  }
  text = page_of(results | {'calibration': catalog}, {}, []).text
  for phrase in ('what is done next', '0.3750', '0.2625', '1,234'):
    assert phrase in text


def test_a_fitted_calibration_is_drawn_beside_the_other(results):
  trained = results['calibration']
  fitted = trained | {'slope': 0.96, 'intercept': -1.9, 'ece': 0.0073}
  both = results | {'calibration': trained | {'fitted': fitted}}
  once, twice = (render.render(r, {}, []) for r in (results, both))
  assert len(drawn(twice)) == len(drawn(once)) + 1
  text = Page(twice).text
  assert '0.0073 with slope 0.960 and intercept' in text
  assert 'As trained, in figures' in text  # Folded, under a name.


def test_the_least_that_can_be_shown(results):
  least = {key: results[key] for key in ('dataset', 'split', 'metrics')}
  page = page_of(least, {}, [])
  assert not page.ids & (set(SECTIONS) - {'metrics'})
  least['metrics'] = dict.fromkeys(least['metrics'], float('nan'))
  page = page_of(least, {'validation/auc': []}, [])
  assert 'could not be computed' in page.text
  assert '–' in page.text and 'nan' not in page.text.lower().split()
  assert drawn(render.render(least, {}, [])) == {}


def test_titles_are_text(results, curves, examples):
  hostile(results)
  page = page_of(results, curves, examples)
  scripts = [attrs for tag, attrs in page.tags if tag == 'script']
  assert len(scripts) == 3  # The figures, Plotly and what draws.
  assert not [tag for tag, _ in page.tags if tag == 'img']
  assert HOSTILE in page.text


def test_nothing_is_loaded(results, curves, examples):
  page = page_of(results, curves, examples)
  assert page.loaded and all(
    link.startswith(('#', 'data:')) for link in page.loaded
  )
  policy = next(
    attrs['content'] for _, attrs in page.tags if 'http-equiv' in attrs
  )
  assert "default-src 'none'" in policy and 'http' not in policy


def test_it_is_a_function_of_its_arguments(results, curves, examples):
  given = copy.deepcopy((results, curves, examples))
  first = render.render(results, curves, examples)
  assert (results, curves, examples) == given
  assert render.render(*given) == first


def test_whole_or_not_at_all(results, tmp_path, monkeypatch):
  path = tmp_path / 'report.html'
  path.write_text('older')
  with pytest.raises(KeyError):
    render.write(path, {}, {}, [])
  assert path.read_text() == 'older'

  def full(self, text, encoding):
    self.write_bytes(text.encode()[:10])
    raise OSError('no space left')

  with monkeypatch.context() as patch:
    patch.setattr('pathlib.Path.write_text', full)
    with pytest.raises(UserError, match=r'report\.html: cannot be written'):
      render.write(path, results, {}, [])
  assert [p.name for p in tmp_path.iterdir()] == ['report.html']
  assert path.read_text() == 'older'
  render.write(path, results, {}, [])
  assert [p.name for p in tmp_path.iterdir()] == ['report.html']
  assert path.read_text(encoding='utf8').endswith('</html>')


def test_the_main_metric_and_sampling_are_named(results):
  results['protocol'] |= {
    'name': 'leave_one_out',
    'candidates': 'the whole catalog',
    'seen': 'masked',
  }
  page = page_of(results, {}, [])
  assert 'jaxrec: nDCG@10 0.4200' in page.text
  assert 'seen items masked' in page.text
  assert 'sampled' not in page.ids and 'ampled' not in page.text
  results['protocol']['candidates'] = 'SAMPLED: 100 a user'
  page = page_of(results, {}, [])
  assert 'sampled' in page.ids
  assert 'jaxrec: nDCG@10 (sampled candidates) 0.4200' in page.text


def test_it_opens(browser, results, curves, examples, tmp_path):
  hostile(results)
  path = tmp_path / 'report.html'
  render.write(path, results, curves, examples)
  for kind in ('browser', 'performance'):
    browser.get_log(kind)
  look(browser, 1280, 'light')
  browser.get(path.as_uri())
  sections = soon(
    browser,
    f"""const drawn = [...document.querySelectorAll('.plot')].filter(
          (plot) => plot.querySelector('.main-svg .trace'));
        return drawn.length === {PLOTS}
          && drawn.map((plot) => plot.closest('section').id)""",
  )
  assert set(sections) == set(SECTIONS) - {'examples'}
  for width, scheme, ink in (
    (1280, 'light', 'rgb(27, 31, 36)'),
    (390, 'dark', 'rgb(230, 233, 237)'),
  ):
    look(browser, width, scheme)
    # Plots follow the scheme and the width; only tables may be wider.
    soon(
      browser,
      f"""const text = document.querySelector('.xtick text');
          const wide = [document.documentElement,
            ...document.querySelectorAll('.plot')].some(
              (part) => part.scrollWidth > {width});
          return getComputedStyle(text).fill === '{ink}' && !wide""",
    )
    shot = tmp_path / f'{width}.png'
    assert browser.save_screenshot(str(shot))
    assert shot.read_bytes()[16:20] == struct.pack('>I', width)
  assert browser.get_log('browser') == []
  requests = requested(browser, path.as_uri())
  assert path.as_uri() in requests
  inside = ('file:', 'data:', 'blob:')
  assert [url for url in requests if not url.startswith(inside)] == []
