"""Requests that are wrong, each in a way of its own, drawn from a seed."""

import copy
import dataclasses
import json
import random
from collections.abc import Iterator

JSON = 'application/json'
GOOD = {
  '/recommend': {
    'history': ['sport-1', {'text': 'cup goal'}],
    'k': 3,
    'strategy': 'probability',
    'threshold': 0.2,
    'exclude_seen': True,
    'behaviours': ['click', 'click'],
    'times': [1, 2.5],
    'now': 3,
    'categories': ['sport'],
    'only': ['sport-2'],
    'explain': False,
    'unknown': 'error',
  },
  '/score': {'history': ['sport-1'], 'candidates': ['food-1', {'text': 'x'}]},
  '/items': {'items': [{'item_id': 'a', 'title': 'x', 'price': 2.5}]},
}
# No value of any field, wherever it is put.
NEVER = [
  [[]],
  [{'a': {'b': 1}}],
  [[['sport-1']]],
  {'a': {'b': []}},
  'never-known',
  [None],
  [True],
  -7,
  10**30,
  1e308,
]
NUMBERS = [
  'NaN',
  'Infinity',
  '-Infinity',
  '1e999',
  '-1e999',
  '0x10',
  '01',
  '+1',
]
METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'BREW']
ALLOWED = {
  '/': {'GET'},
  '/docs': {'GET'},
  '/page/page.js': {'GET'},
  '/recommend': {'POST'},
  '/score': {'POST'},
  '/items': {'GET', 'POST'},
  '/items/sport-1': {'GET', 'DELETE'},
  '/about': {'GET'},
  '/healthz': {'GET'},
  '/metrics': {'GET'},
  '/openapi.json': {'GET'},
}
KINDS = [
  'text/plain',
  'text/json',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/jsonx',
  'json',
  '',
  '\u00ff',
]


@dataclasses.dataclass(frozen=True)
class Sent:
  """One request, and the way in which it is wrong."""

  way: str
  method: str
  path: str
  kind: str | None = None
  body: bytes = b''


def _good(rng: random.Random) -> tuple[str, dict]:
  path = rng.choice(list(GOOD))
  return path, copy.deepcopy(GOOD[path])


def _post(way, path, body, kind=JSON) -> Sent:
  if not isinstance(body, bytes):
    body = json.dumps(body).encode()
  return Sent(way, 'POST', path, kind, body)


def wrong_type(rng):
  path, body = _good(rng)
  body[rng.choice(list(body))] = copy.deepcopy(rng.choice(NEVER))
  return _post('wrong type', path, body)


def wrong_entry(rng):
  path, body = _good(rng)
  name = {'/items': 'items'}.get(path, 'history')
  entry = rng.choice(
    [
      *(None, 3, True, [], {}, [[]], '', 'x' * 513),
      *({'text': None}, {'text': [1]}, {'': 'x'}, {'a': {'b': 'c'}}),
      {f'c{n}': 'x' for n in range(101)},
    ]
  )
  body[name].insert(rng.randrange(len(body[name]) + 1), entry)
  return _post('wrong entry', path, body)


def not_a_number(rng):
  path, body = _good(rng)
  number = rng.choice(NUMBERS)
  if path == '/recommend':
    body[rng.choice(['k', 'threshold'])] = '@'
  elif path == '/score':
    body['history'][0] = {'price': '@'}
  else:
    body['items'][0]['price'] = '@'
  text = json.dumps(body).replace('"@"', number)
  return _post('not a number', path, text.encode())


def out_of_range(rng):
  _, body = '/recommend', copy.deepcopy(GOOD['/recommend'])
  name, value = rng.choice(
    [('k', k) for k in (0, -1, 1001, 2**63, -(2**70), 1.5, '3', True)]
    + [('threshold', t) for t in (-0.1, 1.1, 1e300, 'Auto', True)]
    + [('strategy', s) for s in ('', 'TOP_K', 'a' * 10_000, 0)]
    + [('exclude_seen', b) for b in (0, 1, 'true', None)]
  )
  return _post('out of range', '/recommend', body | {name: value})


def too_long(rng):
  path, body = _good(rng)
  if path == '/items':
    body['items'] *= 1001
  else:
    body['history'] = rng.choice(
      [['sport-1'] * 10_001, [{'text': 'x'}] * 101, ['a' * 100_000]]
    )
  return _post('too long', path, body)


def too_large(rng):
  path, body = _good(rng)
  spaces = b' ' * (1 << 20)
  return _post('too large', path, json.dumps(body).encode() + spaces)


def missing_or_more(rng):
  path = rng.choice(['/score', '/items'])
  body = copy.deepcopy(GOOD[path])
  if rng.random() < 0.5:
    del body['candidates' if path == '/score' else 'items']
  else:
    body[f'more{rng.random()}'] = rng.choice([1, 'x', [], {}])
  return _post('missing or more', path, body)


def unknown_id(rng):
  path = rng.choice(['/recommend', '/score'])
  body = copy.deepcopy(GOOD[path])
  odd = rng.choice(['nothing', '\u0000', '🚀', "'; --", '../../etc', 'SPORT-1'])
  body['history'].append(f'{odd}{rng.randrange(10**6)}')
  return _post('unknown id', path, body)


def damaged_bytes(rng):
  path, body = _good(rng)
  whole = json.dumps(body).encode()
  at = rng.randrange(1, len(whole) - 1)
  return _post(
    'damaged bytes',
    path,
    rng.choice(
      [
        whole[:at],
        whole[at:],
        whole[:at] + b'\xff' + whole[at:],
        whole[:at] + b'\x00' + whole[at:],
        whole + b'}',
        whole + whole,
        whole.decode().encode('utf-16'),
        b'\xef\xbb\xbf' + whole,
        b'{"history": ["\xed\xa0\x80"], "candidates": ["\xed\xa0\x80"]}',
        b'{"history": ["\\ud800"], "candidates": ["\\udc00"]}',
        b'{"history": ["\xc0\xaf"]}',
        rng.randbytes(rng.randrange(1, 200)),
      ]
    ),
  )


def nested(rng):
  path, _ = _good(rng)
  depth = rng.choice([201, 1_000, 100_000])
  head, tail = rng.choice([(b'[', b']'), (b'{"a":', b'}')])
  body = head * depth + b'1' + tail * (depth if rng.random() < 0.5 else 0)
  if len(body) <= 1 << 20 and rng.random() < 0.5:
    body = b'{"history": ' + body + b'}'
  return _post('nested', path, body)


def not_an_object(rng):
  path, _ = _good(rng)
  body = rng.choice([b'', b'null', b'[]', b'1', b'"x"', b'true', b'{}x', b' '])
  return _post('not an object', path, body, rng.choice([JSON, 'text/plain']))


def wrong_kind(rng):
  path, body = _good(rng)
  return _post('wrong kind', path, body, rng.choice(KINDS))


def wrong_method(rng):
  path = rng.choice(list(ALLOWED))
  method = rng.choice([m for m in METHODS if m not in ALLOWED[path]])
  body = rng.choice([b'', b'{}'])
  return Sent('wrong method', method, path, JSON if body else None, body)


def wrong_path(rng):
  path = rng.choice(
    [
      *('/recommend/', '/Score', '/items/', '/page/', '/redoc'),
      *('/page/../app.py', '/page/%2e%2e%2fapp.py', '/page/page.js%00'),
      *('/items/%00', '/items/%ff', '/items/%ed%a0%80', '/items/%F0%9F%9A%80'),
      *('/items/' + 'a' * 5_000, '/%', '/%zz', '/recommend%20', '/.git/config'),
    ]
  )
  if not path.startswith('/items/'):
    return Sent('wrong path', rng.choice(['GET', 'POST']), path)
  return Sent('wrong path', rng.choice(['GET', 'DELETE']), path)


def wrong_query(rng):
  query = rng.choice(
    [
      *('k=0', 'q=x&k=0', 'q=x&k=-1', 'q=x&k=101', 'q=x&k=NaN'),
      *(
        'q=x&k=1e1',
        'q=x&k=1.5',
        'q=x&k=',
        'q=x&k=%00',
        'q=x&k=' + '9' * 5_000,
      ),
      *('k=', 'k=x', 'q=' + 'a' * 501),
      'q=' + '%F0%9F%9A%80' * 501,
    ]
  )
  return Sent('wrong query', 'GET', f'/items?{query}')


WAYS = (
  wrong_type,
  wrong_entry,
  not_a_number,
  out_of_range,
  too_long,
  too_large,
  missing_or_more,
  unknown_id,
  damaged_bytes,
  nested,
  not_an_object,
  wrong_kind,
  wrong_method,
  wrong_path,
  wrong_query,
)


def requests(count: int, seed: int) -> Iterator[Sent]:
  """`count` of them, every way as often as any other."""
  rng = random.Random(seed)
  for n in range(count):
    yield WAYS[n % len(WAYS)](rng)


HEAD = b'Host: localhost\r\nConnection: close\r\n'


def raw(count: int, seed: int) -> Iterator[bytes]:
  """Bytes that are no HTTP, or HTTP that no client library would send."""
  rng = random.Random(seed)
  good = b'POST /recommend HTTP/1.1\r\n' + HEAD
  kind = b'Content-Type: application/json\r\n'
  chunks = b'Transfer-Encoding: chunked\r\n\r\n'
  makers = [
    lambda: b'GET / HTTP/9.9\r\n' + HEAD + b'\r\n',
    lambda: b'GET /%b HTTP/1.1\r\n' % rng.randbytes(9).hex().encode() + b'\r\n',
    lambda: b'GET /items/\xff\xfe HTTP/1.1\r\n' + HEAD + b'\r\n',
    lambda: b'GET /items/.. HTTP/1.1\r\n' + HEAD + b'\r\n',
    lambda: b'GET //about HTTP/1.1\r\n' + HEAD + b'\r\n',
    lambda: b'GET /page/../app.py HTTP/1.1\r\n' + HEAD + b'\r\n',
    lambda: b'get / HTTP/1.1\r\n' + HEAD + b'\r\n',
    lambda: b'GET\r\n\r\n',
    lambda: b'{"history": []}\r\n\r\n',
    lambda: b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + rng.randbytes(50),
    lambda: good + b'No colon\r\n\r\n',
    lambda: good + b'Content-Length: -1\r\n\r\n',
    lambda: good + b'Content-Length: many\r\n\r\n',
    lambda: good + b'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x',
    lambda: good + kind + b'Content-Length: ' + b'9' * 18 + b'\r\n\r\n{}',
    lambda: good + kind + chunks + b'xx\r\n{}\r\n',
    lambda: good + kind + chunks + b'2\r\n{x\r\n0\r\n\r\n',
    lambda: good + chunks + b'2\r\n{}\r\n0\r\n\r\n',
    lambda: good + b'X: ' + b'y' * 200_000 + b'\r\n\r\n',
  ]
  for n in range(count):
    yield makers[n % len(makers)]()
