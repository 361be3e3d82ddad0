"""Paths, limits, the key: what is answered, and what is refused."""

import asyncio
import concurrent.futures
import gzip
import json
import re
import threading
import time

import numpy as np
import pytest

from jaxrec.serve.gate import Gate, Limits
from jaxrec.serve.metrics import Metrics
from tests.serve.conftest import connected
from tests.serve.fake import FakeModel

KEY = 'a-key'


def post(client, path, body, **more):
  return client.post(path, json=body, **more)


def best(client, **body):
  answer = post(client, '/recommend', body)
  assert answer.status_code == 200, answer.text
  return answer.json()['recommendations']


def refused(answer, status, words):
  assert answer.status_code == status, answer.text
  assert answer.headers['content-type'] == 'application/json'
  error = answer.json()['error']
  assert words in error and '\n' not in error, error


def test_what_the_model_says_is_what_is_answered(client):
  model = FakeModel()
  history = ['sport-1', {'text': 'rocket moon'}, 'sport-1']
  [wanted] = model.recommend_many([history], k=5, explain=True)
  answered = best(client, history=history, k=5, explain=True)
  assert [r['item_id'] for r in answered] == [r.item_id for r in wanted]
  for sent, scored in zip(answered, wanted, strict=True):
    assert sent['text'] == model.item(scored.item_id).text
    for name in ('score', 'logit', 'probability', 'contributions'):
      np.testing.assert_allclose(sent[name], getattr(scored, name))
  body = {'history': history, 'candidates': ['food-1', {'title': 'cup'}]}
  scores = post(client, '/score', body).json()['scores']
  [wanted] = model.score_many([history], [body['candidates']])
  assert [s['item_id'] for s in scores] == ['food-1', '#1']
  np.testing.assert_allclose(
    [s['logit'] for s in scores], [s.logit for s in wanted]
  )


def test_options_reach_the_model(client):
  everything = {r['item_id'] for r in best(client, k=100)}
  assert len(everything) == 60
  assert len(best(client)) == 10 and len(best(client, k=1)) == 1
  history = ['sport-1']
  assert 'sport-1' not in {
    r['item_id'] for r in best(client, history=history, k=100)
  }
  kept = best(client, history=history, k=100, exclude_seen=False)
  assert kept[0]['item_id'] == 'sport-1'
  food = best(client, history=history, k=100, categories=['food'])
  assert {r['category'] for r in food} == {'food'} and len(food) == 20
  only = ['food-1', 'space-2']
  among = best(client, history=history, only=only)
  assert {r['item_id'] for r in among} == set(only)
  assert best(client, history=history, only=[]) == []
  probable = best(client, history=history, k=100, strategy='probability')
  assert len(probable) == 59
  few = best(
    client, history=history, k=100, strategy='probability', threshold=0.5
  )
  assert 0 < len(few) < 59
  assert min(r['probability'] for r in few) >= 0.5
  auto = best(
    client, history=history, k=100, strategy='probability', threshold='auto'
  )
  assert auto == few


def test_lists_that_are_to_differ_are_each_of_their_own_length(client_of):
  model = FakeModel()
  client = client_of(model, window=0.05)
  asked = [{'k': k, 'diversity': d} for k, d in ((3, 0.5), (2, 0.5), (4, 0.0))]
  with concurrent.futures.ThreadPoolExecutor() as pool:
    lists = list(pool.map(lambda body: best(client, **body), asked))
  assert [len(items) for items in lists] == [3, 2, 4]
  # No list that is to differ is cut out of a longer one.
  assert {(0.5, 3), (0.5, 2)} <= set(model.lists)
  for wrong in (-0.1, 1.5, '0.5'):
    refused(post(client, '/recommend', {'diversity': wrong}), 422, 'diversity')


def test_unknown_ids(client):
  history = ['sport-1', 'nothing', 'food-1']
  refused(post(client, '/recommend', {'history': history}), 422, "'nothing'")
  answer = post(client, '/recommend', {'history': history, 'unknown': 'skip'})
  assert answer.json()['skipped'] == ['nothing']
  known = best(client, history=['sport-1', 'food-1'])
  assert answer.json()['recommendations'] == known
  assert answer.json()['read'] == [0, 2]
  body = {'history': [], 'candidates': ['nothing']}
  refused(post(client, '/score', body), 422, "'nothing'")
  refused(client.get('/items/nothing'), 404, "'nothing'")
  refused(client.delete('/items/nothing'), 404, "'nothing'")


def test_a_field_that_is_unknown_is_answered_by_near_misses(client):
  body = {'histroy': ['sport-1']}
  refused(post(client, '/recommend', body), 422, "did you mean 'history'")
  body = {'y' * 500_000: 1}
  assert len(post(client, '/recommend', body).json()['error']) < 400


def test_extremes_have_an_answer(client):
  assert len(best(client, history=['sport-1'] * 10_000)) == 10
  assert len(best(client, history=[{'text': '🚀🍞' * 1000}])) == 10
  assert len(best(client, history=[{'text': ''}])) == 10
  body = {'history': ['sport-1'] * 10_001}
  refused(post(client, '/recommend', body), 422, 'at most 10000 items')
  texts = [{'text': 'x'}] * 101
  refused(post(client, '/recommend', {'history': texts}), 422, 'at most 100')
  large = {'history': [{'text': 'x' * (1 << 20)}]}
  refused(post(client, '/recommend', large), 413, 'larger than 1048576')


def test_items_come_and_go(client):
  item = {'item_id': 'odd id/ü?#', 'title': 'cup goal', 'price': 3}
  path = '/items/odd%20id/%C3%BC%3F%23'
  refused(client.get(path), 404, 'no item has the id')
  answer = post(client, '/items', {'items': [item]})
  assert answer.json() == {'added': [item['item_id']], 'replaced': []}
  added = client.get(path).json()
  assert added['text'] == 'cup goal' and added['fields']['price'] == '3'
  seen = client.get('/items', params={'q': 'odd id', 'k': 5}).json()['items']
  assert [i['item_id'] for i in seen] == [item['item_id']]
  assert (
    best(client, history=[{'text': 'cup goal'}])[0]['item_id']
    == (item['item_id'])
  )
  replaced = post(client, '/items', {'items': [item | {'title': 'soup'}]})
  assert replaced.json()['replaced'] == [item['item_id']]
  assert client.get(path).json()['text'] == 'soup'
  assert client.delete(path).json() == {'removed': item['item_id']}
  refused(client.delete(path), 404, 'no item')
  assert client.get('/about').json()['items'] == 60


def test_what_was_done_and_when(client_of):
  model = FakeModel()
  client = client_of(model)
  acts = {'behaviours': ['click', 'buy'], 'times': [1.5, 2], 'now': 3}
  best(client, history=['sport-1', 'food-1'], **acts)
  assert model.options == {
    'behaviours': [['click', 'buy']],
    'times': [[1.5, 2.0]],
    'now': 3,
  }
  best(client, history=['sport-1'])
  assert set(model.options.values()) == {None}


def changing_after(model, name, change):
  """Lets `change` happen as soon as the model has ranked or scored."""
  call = getattr(model, name)

  def changed(*args, **kwargs):
    answer = call(*args, **kwargs)
    change()
    return answer

  setattr(model, name, changed)


def test_scores_and_texts_are_of_the_same_items(client_of):
  """Whatever is added or removed between ranking and answering."""
  model = FakeModel()
  client = client_of(model)
  wanted = best(client, history=['food-1'], k=3)
  body = {
    'history': ['food-1'],
    'candidates': ['food-2', 'sport-1', {'item_id': 'food-3', 'title': 'cup'}],
  }
  scores = post(client, '/score', body).json()['scores']
  assert [x['text'] is None for x in scores] == [False, False, True]
  first = wanted[0]['item_id']

  def change():
    model.add_items([{'item_id': first, 'title': 'rocket', 'category': 'new'}])
    model.add_items([{'item_id': 'food-2', 'title': 'rocket'}])
    if 'sport-1' in model:
      model.remove_items(['sport-1', wanted[1]['item_id']])

  for name in ('recommend_many', 'score_many'):
    model._index = FakeModel()._index
    changing_after(model, name, change)
  assert best(client, history=['food-1'], k=3) == wanted
  model._index = FakeModel()._index
  assert post(client, '/score', body).json()['scores'] == scores


def test_items_and_categories_are_counted_at_one_moment(client_of):
  class Changing(FakeModel):
    changes = False

    def __len__(self):
      count = super().__len__()
      if self.changes:
        model.add_items([{'item_id': 'a', 'title': 'x', 'category': 'new'}])
      return count

  model = Changing()
  client = client_of(model)
  model.changes = True
  about = client.get('/about').json()
  assert about['items'] == 60 and 'new' not in about['categories']


def test_a_refused_item_changes_nothing(client):
  items = [{'item_id': 'a', 'title': 'x'}, {'item_id': 'b', 'price': 1}]
  refused(post(client, '/items', {'items': items}), 422, 'lacks title')
  assert client.get('/about').json()['items'] == 60


def test_without_a_place_to_keep_them_items_are_fixed(client_of):
  client = client_of(writable=False)
  item = {'item_id': 'a', 'title': 'x'}
  for answer in (
    post(client, '/items', {'items': [item]}),
    client.delete('/items/food-1'),
  ):
    refused(answer, 403, '--data_dir')
  about = client.get('/about').json()
  assert about['items'] == 60 and about['writable'] is False


def test_what_cannot_be_stored_is_not_acknowledged(client_of, monkeypatch):
  client = client_of()

  def full(*_):
    raise OSError(28, 'No space left on device')

  monkeypatch.setattr('os.fsync', full)
  item = {'item_id': 'a', 'title': 'x'}
  answer = post(client, '/items', {'items': [item]})
  refused(answer, 503, 'No space left')
  refused(client.get('/items/a'), 404, 'no item')
  refused(client.delete('/items/food-1'), 503, 'taken back')
  assert client.get('/items/food-1').status_code == 200


def test_the_key(client_of):
  client = client_of(api_key=KEY)
  right = {'authorization': f'Bearer {KEY}'}
  for path in ('/', '/docs', '/healthz', '/page/page.js'):
    assert client.get(path).status_code == 200, path
  for path in ('/about', '/metrics', '/openapi.json', '/items?q=x', '/no'):
    for headers in (
      {},
      {'authorization': KEY},
      {'authorization': f'Bearer {KEY}x'},
      {'authorization': f'Bearer {KEY[:-1]}'},
      {'authorization': b'Bearer \xff'},
      {'x-api-key': KEY},
    ):
      answer = client.get(path, headers=headers)
      refused(answer, 401, 'Authorization: Bearer')
      assert answer.headers['www-authenticate'] == 'Bearer'
    assert client.get(path, headers=right).status_code in (200, 404)
  # Before anything is read or told.
  refused(client.post('/recommend', content=b'x' * 2_000_000), 401, 'API key')
  answer = client.post('/recommend', json={}, headers=right)
  assert answer.status_code == 200


@pytest.mark.parametrize('scheme', ['bearer', 'BEARER', 'Bearer'])
def test_the_keys_scheme_is_in_any_case(client_of, scheme):
  client = client_of(api_key=KEY)
  headers = {'authorization': f'{scheme} {KEY}'}
  assert client.get('/about', headers=headers).status_code == 200
  headers = {'authorization': f'Basic {KEY}'}
  refused(client.get('/about', headers=headers), 401, 'Bearer')


@pytest.mark.parametrize(
  'path',
  [
    *('/', '/docs', '/page/page.js', '/healthz', '/about', '/metrics'),
    *('/items', '/items?q=x', '/items/food-1', '/openapi.json', '/no'),
  ],
)
def test_head_is_get_without_its_body(client, path):
  asked, whole = client.head(path), client.get(path)
  assert asked.status_code == whole.status_code and asked.content == b''
  assert asked.headers['content-type'] == whole.headers['content-type']


def test_head_is_counted_as_itself(client):
  client.head('/about')
  counted = client.get('/metrics').text
  assert 'method="HEAD",route="/about",status="200"' in counted
  assert client.head('/recommend').status_code == 405


@pytest.mark.parametrize('before', ['', '/a/b'])
def test_under_a_proxys_path(client_of, before):
  """Whether the proxy takes its path away or leaves it."""
  client = client_of(root_path='/a/b', api_key=KEY)
  right = {'authorization': f'Bearer {KEY}'}
  for path in ('/', '/docs', '/healthz', '/page/page.js'):
    assert client.get(before + path).status_code == 200
  refused(client.get(f'{before}/about'), 401, 'API key')
  answer = client.get(f'{before}/about', headers=right)
  assert answer.status_code == 200
  answer = client.post(f'{before}/recommend', json={}, headers=right)
  assert answer.status_code == 200
  served = client.get(f'{before}/openapi.json', headers=right).json()
  assert served['servers'] == [{'url': '/a/b'}]
  # What the page names lies under it.
  answer = client.get('/a/b', follow_redirects=False)
  assert answer.status_code == 307 and answer.headers['location'] == '/a/b/'


def test_pages_name_nothing_by_the_root(client):
  for path in ('/', '/docs'):
    assert not re.findall('(?:href|src)="/', client.get(path).text)


def packed(body: bytes) -> dict:
  return {
    'content': gzip.compress(body),
    'headers': {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    },
  }


def test_compressed_bodies(client_of):
  client = client_of(max_body_bytes=1000)
  plain = post(client, '/recommend', {'k': 3}).json()
  answer = client.post('/recommend', **packed(b'{"k": 3}'))
  assert answer.status_code == 200 and answer.json() == plain
  # A few bytes that become many.
  bomb = packed(b'{"k": 3' + b' ' * 10_000_000 + b'}')
  refused(client.post('/recommend', **bomb), 413, 'larger than 1000')
  for damaged in (b'{}', gzip.compress(b'{"k": 3}')[:-4], b'\x1f\x8b'):
    request = packed(b'') | {'content': damaged}
    refused(client.post('/recommend', **request), 400, 'no whole gzip')
  twice = packed(b'{}') | {'content': 2 * gzip.compress(b'{}')}
  refused(client.post('/recommend', **twice), 400, 'no whole gzip')
  other = packed(b'{}')
  other['headers'] |= {'content-encoding': 'br'}
  refused(client.post('/recommend', **other), 415, 'gzip')


def test_only_hosts_that_are_allowed(client_of):
  client = client_of(hosts=('localhost', '::1'))
  for host in ('localhost', 'localhost:80', 'LOCALHOST', '[::1]:8000'):
    answer = client.get('/healthz', headers={'host': host})
    assert answer.status_code == 200, host
  for host in ('evil.example', 'localhost.evil.example', '', '::1'):
    refused(client.get('/about', headers={'host': host}), 421, 'host')


def test_other_sites_may_not(client):
  origin = {'origin': 'https://evil.example'}
  headers = origin | {'access-control-request-method': 'POST'}
  answer = client.options('/recommend', headers=headers)
  assert answer.status_code == 405
  answers = [answer, client.get('/about', headers=origin)]
  # What a form of another site can send without asking first.
  for kind in ('text/plain', 'application/x-www-form-urlencoded', ''):
    headers = origin | {'content-type': kind}
    answer = client.post('/recommend', content=b'{}', headers=headers)
    refused(answer, 415, 'application/json')
    answers.append(answer)
  for answer in answers:
    assert not [h for h in answer.headers if h.startswith('access-control')]
    assert answer.headers['x-content-type-options'] == 'nosniff'
    assert "default-src 'none'" in answer.headers['content-security-policy']


def test_pages_load_nothing_from_elsewhere(client):
  for path in ('/', '/docs'):
    page = client.get(path)
    assert page.headers['content-type'] == 'text/html; charset=utf-8'
    assert 'http' not in page.text.replace('http-equiv', '')
  for name in ('page.css', 'page.js', 'shared.js', 'docs.js'):
    assert 'http:' not in client.get(f'/page/{name}').text
  for path in ('/page/../app.py', '/page/%2e%2e/app.py', '/page/', '/redoc'):
    refused(client.get(path), 404, '')


def test_too_many_at_a_time(client_of):
  client = client_of(FakeModel(delay=0.5), max_requests=2)
  ask = lambda _: post(client, '/recommend', {})
  with concurrent.futures.ThreadPoolExecutor(6) as pool:
    waiting = pool.map(ask, range(6))
    time.sleep(0.2)  # While they wait, it can still be asked how it is.
    assert client.get('/healthz').status_code == 200
    assert client.get('/metrics').status_code == 200
    answers = list(waiting)
  assert [a.status_code for a in answers].count(200) == 2
  for answer in answers:
    if answer.status_code != 200:
      refused(answer, 503, 'try again')
      assert answer.headers['retry-after'] == '1'
  assert ask(0).status_code == 200


def test_a_body_that_does_not_come():
  sent = []

  async def app(scope, receive, send):
    raise AssertionError('it is not reached')

  async def receive():
    await asyncio.sleep(60)

  async def send(message):
    sent.append(message)

  gate = Gate(app, Limits(body_seconds=0.05), Metrics())
  scope = {'type': 'http', 'method': 'POST', 'path': '/score', 'headers': []}
  asyncio.run(gate(scope, receive, send))
  assert sent[0]['status'] == 408
  assert 'in time' in json.loads(sent[1]['body'])['error']


def test_requests_of_a_moment_are_one_call(client_of):
  model = FakeModel(delay=0.05)
  client = client_of(model, window=0.02)
  wanted = {k: best(client, history=[f'sport-{k}'], k=k) for k in range(1, 13)}
  model.calls.clear()
  with concurrent.futures.ThreadPoolExecutor(12) as pool:
    answers = pool.map(
      lambda k: best(client, history=[f'sport-{k}'], k=k), range(1, 13)
    )
    assert dict(zip(range(1, 13), answers, strict=True)) == wanted
  assert sum(model.calls) == 12 and len(model.calls) <= 6


def test_readers_see_all_of_a_change_or_nothing(client_of):
  client = client_of()
  pair = [{'item_id': f'pair-{n}', 'title': 'zebra'} for n in range(2)]
  stop = threading.Event()

  def change():
    while not stop.is_set():
      post(client, '/items', {'items': pair}).raise_for_status()
      for item in pair:
        client.delete(f'/items/{item["item_id"]}').raise_for_status()

  thread = threading.Thread(target=change)
  thread.start()
  try:
    sizes = set()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and len(sizes) < 2:
      items = best(client, history=[{'text': 'zebra'}], k=100)
      sizes.add(len(items))
      assert len({r['item_id'] for r in items}) == len(items)
      assert set(sizes) <= {60, 61, 62}
  finally:
    stop.set()
    thread.join(20)
  assert len(sizes) > 1


def test_counters(client):
  best(client)
  client.get('/nonsense/1')
  client.get('/nonsense/2')
  client.request('BREW', '/about')
  post(client, '/items', {'items': [{'item_id': 'a', 'title': 'x'}]})
  text = client.get('/metrics').text
  for line in (
    'jaxrec_requests_total{method="POST",route="/recommend",status="200"} 1.0',
    'jaxrec_requests_total{method="GET",route="other",status="404"} 2.0',
    'jaxrec_item_changes_total{change="add"} 1.0',
    'jaxrec_items 61.0',
    'jaxrec_batch_size_count{call="recommend, score"} 1.0',
    'jaxrec_requests_in_flight 0.0',
  ):
    assert line in text.splitlines(), line
  assert 'nonsense' not in text and 'BREW' not in text


def test_an_error_of_ours_is_one_line_and_counted(client_of, caplog):
  model = FakeModel()
  client = client_of(model)
  model.recommend_many = lambda *_, **__: 1 / 0
  refused(post(client, '/recommend', {}), 500, 'an error of the server')
  assert 'ZeroDivisionError' in caplog.text
  assert 'status="500"} 1.0' in client.get('/metrics').text
  assert client.get('/healthz').status_code == 200


def test_the_schema_says_what_is_refused(client):
  api = client.get('/openapi.json').json()
  paths = api['paths']
  assert set(paths) == {
    '/recommend',
    '/score',
    '/items',
    '/items/{item_id}',
    '/about',
    '/healthz',
    '/metrics',
  }
  for methods in paths.values():
    for method in methods.values():
      assert {'401', '413', '422', '503'} <= set(method['responses'])
  for name in ('RecommendRequest', 'ScoreRequest'):
    for example in api['components']['schemas'][name]['examples']:
      path = f'/{name.removesuffix("Request").lower()}'
      assert post(client, path, example).status_code == 200


def test_stopping_lets_go_of_the_journal(app_of):
  item = {'item_id': 'a', 'title': 'x'}
  with connected(app_of()) as client:
    post(client, '/items', {'items': [item]}).raise_for_status()
  with connected(app_of()) as client:  # The same directory.
    assert client.get('/items/a').json()['text'] == 'x'


def test_ids_may_have_the_name_of_their_file(app_of):
  model = FakeModel()
  model.manifest['own_names'] = {'sku': 'item_id', 'name': 'title'}
  with connected(app_of(model)) as client:
    answer = post(client, '/items', {'items': [{'sku': 'a', 'title': 'x'}]})
    assert answer.json()['added'] == ['a']
    answer = post(client, '/items', {'items': [{'item_id': 'b', 'title': 'x'}]})
    assert answer.json()['added'] == ['b']
    refused(post(client, '/items', {'items': [{'title': 'x'}]}), 422, 'item_id')
    assert client.get('/openapi.json').status_code == 200
