"""The report: what it says, what it leaves out, and that it opens."""

import copy
import html.parser
import json
import struct

import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2
from tensorboard.summary.writer import record_writer

from jaxrec.errors import UserError
from jaxrec.report import render, words
from jaxrec.report.curves import read_curves
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


def metrics_of(auc):
  return {'auc': auc, 'mrr': auc / 2, 'ndcg@10': auc / 1.5, 'hr@10': auc}


def around(metrics, width=0.02):
  return {name: [v - width, v + width] for name, v in metrics.items()}


@pytest.fixture
def results():
  """What a run on impressions leaves, every part of it."""
  ours, baselines = (
    metrics_of(0.63),
    {
      'random': metrics_of(0.5),
      'mean_of_history': metrics_of(0.62),
      'oracle': metrics_of(0.9),
    },
  )
  answer = {
    'examples': 31,
    'metrics': ours,
    'intervals': around(ours),
    'baselines': baselines,
  }
  empty = {
    'examples': 0,
    'metrics': dict.fromkeys(ours),
    'intervals': {name: [None, None] for name in ours},
    'baselines': {name: dict.fromkeys(ours) for name in baselines},
  }
  return {
    'dataset': 'mind_small',
    'split': 'test',
    'best_step': 20,
    'threshold': -1.2,
    'protocol': {
      'name': 'impressions',
      'candidates': 'those shown',
      'seen': None,
      'ties': 'against the scorer',
      'examples': 974,
      'users': 800,
      'catalog': 51282,
      'left_out': {'no click': 3},
    },
    'metrics': ours,
    'intervals': around(ours),
    'baselines': baselines,
    'baseline_intervals': {n: around(m) for n, m in baselines.items()},
    'comparisons': {
      name: {
        'auc': {
          'difference': ours['auc'] - theirs['auc'],
          'interval': [ours['auc'] - theirs['auc'] - 0.014, 0.2],
          'p': 0.17,
        }
      }
      for name, theirs in baselines.items()
    },
    'choices': {'random': {}, 'mean_of_history': {'decay': 0.8}},
    'slices': {
      'history length': {'0': answer, '1-5': answer, '6+': empty},
      'user': {'new': answer, 'known': answer},
    },
    'calibration': {
      'ece': 0.03,
      'bins': [
        {
          'low': p / 2,
          'high': p,
          'predicted': p,
          'clicked': p / 1.5,
          'count': 100,
        }
        for p in (0.05, 0.2, 0.4)
      ],
    },
    'popularity_bias': {
      'bins': ['0', '1-2 users', '3+ users'],
      'catalog': [0.7, 0.2, 0.1],
      'clicked': [0.2, 0.3, 0.5],
      'jaxrec': [0.3, 0.3, 0.4],
      'random': [0.6, 0.3, 0.1],
    },
    'validation': ours,
    'train': {'steps': 40, 'examples_per_second': 1505.5, 'mfu': None},
    'config': {'optim': {'head_learning_rate': 2e-5}, 'seed': 0},
    'fingerprints': {'data': 'cd018c8824e81fd9'},
    'data': {'items': {'catalog: read': 51282}},
    'versions': {'jax': '0.10.2'},
  }


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
  for told in (
    '0.6300',
    '51,282',
    'decay = 0.8',
    'optim.head_learning_rate',
    '2e-05',
  ):
    assert told in page.text
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


def test_a_fitted_calibration_is_drawn_beside_the_other(results):
  found = results['calibration']
  fitted = found | {'slope': 0.96, 'intercept': -1.9, 'ece': 0.0073}
  both = results | {'calibration': found | {'fitted': fitted}}
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


def compared(results, difference, interval, p):
  results['metrics']['auc'] = 0.62 + difference
  results['comparisons']['mean_of_history']['auc'] = {
    'difference': difference,
    'interval': interval,
    'p': p,
  }
  return words.verdict(results)


def test_verdicts(results):
  verdict = compared(results, 0.01, [-0.004, 0.024], 0.17)
  assert verdict.text == (
    'jaxrec: AUC 0.6300 [0.610, 0.650], first of 3, ahead of the best baseline '
    '(mean_of_history) by 0.010 [−0.004, 0.024], p = 0.17: not significant'
  )
  assert verdict.tone == 'unsure'
  verdict = compared(results, 0.02, [0.01, 0.03], 0.0002)
  assert verdict.text.endswith('[0.010, 0.030], p < 0.001: significant')
  assert verdict.tone == 'ahead'
  verdict = compared(results, -0.02, [-0.03, -0.01], 0.004)
  assert verdict.text.endswith(
    'second of 3, behind the best baseline (mean_of_history) by 0.020 '
    '[0.010, 0.030], p = 0.004: significant'
  )
  assert verdict.tone == 'behind'
  # A tie counts against ours.
  verdict = compared(results, 0.0, [-0.01, 0.01], 1.0)
  assert 'second of 3, level with the best baseline' in verdict.text
  # Without p the interval decides, without both nothing does.
  assert compared(results, 0.02, [0.01, 0.03], None).tone == 'ahead'
  assert compared(results, 0.02, [-0.01, 0.05], None).tone == 'unsure'
  # Where they disagree, it is not said to be sure.
  assert compared(results, 0.02, [-0.01, 0.05], 0.04).tone == 'unsure'
  del results['comparisons']
  verdict = words.verdict(results)
  assert verdict.text.endswith('by 0.0200; how sure is not known')


def test_verdicts_with_nothing_beside(results):
  results['baselines'] = {'oracle': results['baselines']['oracle']}
  assert words.verdict(results).text == (
    'jaxrec: AUC 0.6300 [0.610, 0.650]; no baseline beside it'
  )


def test_the_main_metric_and_sampling_are_told(results):
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


@pytest.mark.parametrize(
  ('value', 'shown'),
  [
    (None, '–'),
    (float('nan'), '–'),
    (0.12345, '0.1235'),
    (-0.5, '−0.5000'),
    (-1e-9, '0.0000'),
    (12.3456, '12.35'),
    (1234.56, '1,234.6'),
  ],
)
def test_numbers(value, shown):
  assert words.number(value) == shown


def test_an_end_that_is_not_zero_does_not_look_like_it():
  assert words.brackets([-0.0003, 0.0252]) == '[−0.0003, 0.0252]'
  assert words.brackets([0.0, 0.0252]) == '[0.000, 0.025]'


def write_events(path, scalars):
  """An event file of (wall time, tag, step, value)."""
  with path.open('wb') as file:
    writer = record_writer.RecordWriter(file)
    for at, tag, step, value in scalars:
      summary = summary_pb2.Summary()
      tensor = summary.value.add(tag=tag).tensor
      tensor.dtype = types_pb2.DT_FLOAT
      tensor.tensor_content = struct.pack('<f', value)
      event = event_pb2.Event(wall_time=at, step=step, summary=summary)
      writer.write(event.SerializeToString())


def test_the_last_written_counts(tmp_path):
  assert read_curves(tmp_path) == {}
  write_events(
    tmp_path / 'events.out.tfevents.20.host',
    [(20.0, 'train/loss', 2, 0.25), (20.0, 'validation/auc', 2, 0.5)],
  )
  # The interrupted run got further, and came before.
  write_events(
    tmp_path / 'events.out.tfevents.1.host',
    [
      (3.0, 'train/loss', 3, 4.0),
      (1.0, 'train/loss', 1, 1.0),
      (2.0, 'train/loss', 2, 2.0),
    ],
  )
  assert read_curves(tmp_path) == {
    'train/loss': [[1, 1.0], [2, 0.25], [3, 4.0]],
    'validation/auc': [[2, 0.5]],
  }


def test_a_file_that_breaks_off_counts_up_to_there(tmp_path):
  path = tmp_path / 'events.out.tfevents.1.host'
  write_events(path, [(1.0, 'a', step, float(step)) for step in range(3)])
  whole = path.read_bytes()
  for cut in (1, 20, len(whole) // 3):
    path.write_bytes(whole[:-cut])
    assert read_curves(tmp_path) == {'a': [[0, 0.0], [1, 1.0]]}


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
  asked = requested(browser, path.as_uri())
  assert path.as_uri() in asked
  inside = ('file:', 'data:', 'blob:')
  assert [url for url in asked if not url.startswith(inside)] == []
