"""The demo page, clicked through in Chromium."""

import itertools
import struct

import pytest

from tests.browser import look, requested, soon
from tests.serve.fake import FakeModel
from tests.serve.servers import Server

KEYS = {'enter': '\ue007', 'down': '\ue015', 'up': '\ue013', 'esc': '\ue00c'}
TITLES = (
  "[...document.querySelectorAll('#list .title')].map(e => e.textContent)"
)
PICKS = "[...document.querySelectorAll('#picks .what')].map(e => e.textContent)"
READY = "document.getElementById('list').getAttribute('aria-busy') === 'false'"


class Page:
  """What a person does at the page, and what they see."""

  def __init__(self, browser):
    self.browser = browser

  def all(self, selector):
    return self.browser.find_elements('css selector', selector)

  def one(self, selector):
    [element] = self.all(selector)
    return element

  def type(self, *keys):
    self.one('#query').send_keys(*(KEYS.get(key, key) for key in keys))

  def search(self, words):
    """Types; the results, the last of which is the text itself."""
    self.type(words)
    return soon(
      self.browser,
      f"""const found = [...document.querySelectorAll('#found li')];
          return found.at(-1)?.textContent.includes('“{words}”')
            && found.map((e) => e.firstChild.textContent)""",
    )

  def list(self, other_than=()):
    """Titles recommended, once they are other ones."""
    return soon(
      self.browser,
      f"""const titles = {TITLES};
          return {READY} && titles.join() !== {','.join(other_than)!r}
            && titles""",
    )

  def picks(self, count):
    return soon(
      self.browser,
      f'const picks = {PICKS}; return picks.length === {count} && [picks]',
    )[0]

  def script(self, script):
    return self.browser.execute_script(script)


@pytest.fixture(scope='module')
def server():
  with Server() as running:
    yield running


@pytest.fixture
def page(browser, server):
  look(browser, 1280, 'light')
  for kind in ('browser', 'performance'):
    browser.get_log(kind)
  browser.get(server.url)
  page = Page(browser)
  page.list()
  return page


def test_pick_watch_and_remove(page, server):
  model = FakeModel()
  text_of = lambda item_id: model.item(item_id).text
  first = page.list()
  assert len(first) == 10 and not page.all('#picks li')
  # By the keyboard alone: the second item that the search finds.
  titles = page.search('moon')
  assert all('moon' in text for text in titles)
  page.type('down', 'down', 'enter')
  [picked] = page.picks(1)
  assert picked.startswith(titles[1])
  second = page.list(first)
  item_id = next(i for i in model.item_ids if text_of(i) == titles[1])
  [best] = model.recommend_many([[item_id]])
  assert second == [text_of(r.item_id) for r in best]
  assert page.all('.moved.new')
  # A text that is no item, by the mouse.
  page.search('soup with bread')
  page.all('#found li')[-1].click()
  assert page.picks(2)[1] == 'soup with breadyour text'
  third = page.list(second)
  history = [item_id, {'text': 'soup with bread'}]
  [best] = model.recommend_many([history], explain=True)
  assert third == [text_of(r.item_id) for r in best]
  # Why the first is there.
  shown = page.script(
    """const why = document.querySelector('#list li .why');
       return [...why.querySelectorAll('.from')].map((e, n) => [e.textContent,
         why.querySelectorAll('.value')[n].textContent,
         why.querySelectorAll('.bar i')[n].getBoundingClientRect().width])"""
  )
  wanted = sorted(
    zip(best[0].contributions, [titles[1], 'soup with bread'], strict=True),
    key=lambda pair: -abs(pair[0]),
  )
  assert [row[0] for row in shown] == [text for _, text in wanted]
  for (_, label, width), (value, _) in zip(shown, wanted, strict=True):
    assert label == f'{value:+.2f}'.replace('-', '−')
    assert width > 0
  widths, values = [row[2] for row in shown], [abs(v) for v, _ in wanted]
  assert widths[0] / widths[1] == pytest.approx(values[0] / values[1], rel=0.1)
  # One that is recommended is picked, and all but it are removed.
  page.all('#list button')[0].click()
  assert page.picks(3)[2].startswith(third[0])
  fourth = page.list(third)
  assert third[0] not in fourth
  page.all('#picks button')[0].click()
  page.picks(2)
  page.list(fourth)
  page.one('#clear').click()
  assert page.picks(0) == []
  assert page.list(page.list(first) if page.list() != first else ()) == first


def test_strategy_threshold_and_category(page):
  page.search('goal')
  page.type('enter')
  page.picks(1)
  soon(page.browser, f"return {READY} && document.querySelector('.why')")
  before = page.list()
  page.script("document.querySelector('[value=food]').selected = true")
  page.script(
    "document.querySelector('#category').dispatchEvent("
    "new Event('change', {bubbles: true}))"
  )
  page.list(before)
  facts = [e.text for e in page.all('#list .facts')]
  assert len(facts) == 10 and all(text.startswith('food') for text in facts)
  assert not page.one('#threshold').is_displayed()
  page.one('[value=probability]').click()
  soon(page.browser, "return !document.getElementById('nothing').hidden")
  assert page.one('#threshold').is_displayed()
  assert 'ask for less' in page.one('#nothing').text
  page.script(
    """const slider = document.getElementById('threshold');
       slider.value = 0; slider.dispatchEvent(new Event('input'))"""
  )
  assert len(page.list()) == 10
  assert page.one('#threshold-text').text == '0 %'


def test_the_search_by_keys(page):
  page.search('goal')
  page.type('up')  # From the end: the text itself.
  chosen = page.one('[aria-selected=true]')
  assert chosen.text.startswith('“goal”')
  assert page.one('#query').get_attribute('aria-activedescendant') == (
    chosen.get_attribute('id')
  )
  page.type('esc')
  assert not page.one('#found').is_displayed()
  assert page.one('#query').get_attribute('aria-expanded') == 'false'
  page.one('#query').clear()
  assert page.search('<img src=x onerror=1>') == ['“<img src=x onerror=1>”']
  page.type('enter')
  assert page.picks(1) == ['<img src=x onerror=1>your text']
  assert not page.all('main img')


def test_errors_are_told_and_mended(browser, server):
  with Server(FAKE_DELAY='0.6') as own:
    look(browser, 1280, 'light')
    browser.get(own.url)
    page = Page(browser)
    soon(browser, "return document.querySelector('#busy.on')")
    page.list()
    own.end()
  page.type('goal')
  words = soon(
    browser,
    """const box = document.getElementById('error');
       return !box.hidden && box.textContent""",
  )
  assert 'The server does not answer.' in words
  # An error of the model's, and the way on.
  browser.get(server.url)
  page.list()
  browser.execute_cdp_cmd('Network.enable', {})
  browser.execute_cdp_cmd('Network.setBlockedURLs', {'urls': ['*/recommend']})
  page.search('goal')
  page.type('enter')
  soon(browser, "return !document.getElementById('error').hidden")
  assert len(page.all('#list li')) == 10  # What was there stays.
  browser.execute_cdp_cmd('Network.setBlockedURLs', {'urls': []})
  page.one('#again').click()
  soon(browser, "return document.getElementById('error').hidden")
  assert page.all('#list .why')


def test_the_key_is_asked_for(browser):
  with Server(JAXREC_API_KEY='the-key') as server:
    look(browser, 360, 'light')
    browser.get(server.url)
    page = Page(browser)
    for key, accepted in (('wrong', False), ('schlüssel', False), (None, True)):
      soon(browser, "return !document.getElementById('key').hidden")
      box = page.one('#key-text')
      box.clear()
      box.send_keys(key or 'the-key', KEYS['enter'])
      if accepted:
        assert len(page.list()) == 10
        assert not page.one('#key').is_displayed()
      else:
        soon(
          browser,
          "return !document.getElementById('key-note').textContent"
          ".startsWith('It is kept')",
        )
        assert not page.all('#list li')
    browser.get(f'{server.url}/docs')  # It holds for this tab.
    soon(browser, "return document.querySelectorAll('section').length === 9")


@pytest.mark.parametrize('path', ['/', '/docs'])
def test_it_fits_and_loads_nothing_from_elsewhere(
  browser,
  server,
  path,
  tmp_path,
):
  browser.get('about:blank')
  for kind in ('browser', 'performance'):
    browser.get_log(kind)
  grounds = set()
  for width, scheme in itertools.product((1280, 360), ('light', 'dark')):
    look(browser, width, scheme)
    browser.get(server.url + path)
    if path == '/':
      page = Page(browser)
      page.list()
      page.search('goal')
      page.type('enter')
      page.picks(1)
      soon(browser, "return document.querySelector('.why')")
    else:
      soon(browser, "return document.querySelectorAll('section').length === 9")
      browser.execute_script(
        "document.querySelectorAll('details').forEach((d) => (d.open = true))"
      )
    script = 'return document.documentElement.scrollWidth'
    assert browser.execute_script(script) <= width
    small = browser.execute_script(
      """return [...document.querySelectorAll('button, input, select')].filter(
           (e) => e.offsetParent && !['radio', 'range'].includes(e.type)
             && e.getBoundingClientRect().height < 32).map((e) => e.id)"""
    )
    assert small == []
    grounds.add(
      browser.execute_script(
        'return getComputedStyle(document.body).backgroundColor'
      )
    )
    shot = tmp_path / f'{width}-{scheme}.png'
    assert browser.save_screenshot(str(shot))
    assert shot.read_bytes()[16:20] == struct.pack('>I', width)
  assert len(grounds) == 2
  assert browser.get_log('browser') == []
  addresses = requested(browser, server.url)
  assert f'{server.url}/page/page.css' in addresses
  assert not [u for u in addresses if not u.startswith((server.url, 'data:'))]


def test_the_api_can_be_tried(browser, server):
  look(browser, 1280, 'light')
  browser.get(f'{server.url}/docs')
  soon(browser, "return document.querySelectorAll('section').length === 9")
  said = {}
  for n, name in enumerate(('/recommend', '/score')):
    browser.execute_script(
      'const section = document.querySelectorAll("section")[arguments[0]];'
      'section.querySelector("details").open = true;'
      'section.querySelector("form .send").click()',
      n,
    )
    said[name] = soon(
      browser,
      f'return document.querySelectorAll("section")[{n}]'
      '.querySelector("pre").textContent',
    )
  assert '"recommendations"' in said['/recommend']
  assert '"#0"' in said['/score']
