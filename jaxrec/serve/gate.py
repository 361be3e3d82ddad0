"""What a request has to pass before the application sees it.

In this order: the host it names, the API key, how many others are under way,
the type, size and speed of its body, compressed or not, and that the body is
JSON. The application
then never meets a body that Python's json would read and others would not: NaN,
halves of surrogates, a thousand brackets.
"""

import asyncio
import dataclasses
import hmac
import json
import logging
import time
import zlib
from collections.abc import Iterable

import pydantic_core

from jaxrec.serve.metrics import Metrics

OPEN = ('/', '/docs', '/healthz')  # Without a key, as is all of /page/.
UNCOUNTED = ('/healthz', '/metrics')  # Answered when nothing else is.
_SAFE = [
  (b'x-content-type-options', b'nosniff'),
  (b'referrer-policy', b'no-referrer'),
  (b'cross-origin-resource-policy', b'same-origin'),
  (b'cache-control', b'no-store'),
  (
    b'content-security-policy',
    b"default-src 'none'; script-src 'self'; style-src 'self'; "
    b"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'",
  ),
]
_log = logging.getLogger('jaxrec.serve')
VERSIONS = ('1.0', '1.1', '2', '2.0', '3')
_METHODS = ('GET', 'HEAD', 'POST', 'DELETE')


@dataclasses.dataclass(frozen=True)
class Limits:
  """What one server takes.

  Attributes:
    api_key: None where there is none.
    hosts: names a request may be sent to; None: any.
    max_body_bytes: of one request.
    max_requests: under way at a time.
    body_seconds: in which a body has to arrive.
    root_path: where a proxy has the server, '/jaxrec'; '': at its root.
  """

  api_key: str | None = None
  hosts: tuple[str, ...] | None = None
  max_body_bytes: int = 1 << 20
  max_requests: int = 256
  body_seconds: float = 10.0
  root_path: str = ''


class Refused(Exception):
  """An answer that is an error: status, one line, headers."""

  def __init__(
    self,
    status: int,
    words: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
  ):
    super().__init__(words)
    self.status = status
    self.headers = list(headers)


def _header(scope, name: bytes) -> bytes:
  return next((v for k, v in scope['headers'] if k == name), b'')


def _host(value: bytes) -> str:
  """Without the port: 'localhost:80' -> 'localhost', '[::1]:80' -> '::1'."""
  text = value.decode('latin1').lower()
  if text.startswith('['):
    return text[1:].partition(']')[0]
  return text.partition(':')[0]


class Gate:
  """ASGI middleware around the whole application."""

  def __init__(self, app, limits: Limits, metrics: Metrics):
    self._app = app
    self._limits = limits
    self._metrics = metrics
    self._in_flight = 0

  async def __call__(self, scope, receive, send):
    if scope['type'] == 'lifespan':
      await self._app(scope, receive, send)
      return
    if scope['type'] != 'http':  # A websocket: there are none.
      await send({'type': 'websocket.close', 'code': 1000})
      return
    began = time.perf_counter()
    status = 0
    is_head, scope = scope['method'] == 'HEAD', self._placed(scope)

    async def answer(message):
      nonlocal status
      if message['type'] == 'http.response.start':
        status = message['status']
        message = message | {'headers': [*message['headers'], *_SAFE]}
      elif is_head:
        message = message | {'body': b''}
      await send(message)

    counted = self._route(scope) not in UNCOUNTED
    self._in_flight += counted
    self._metrics.in_flight.set(self._in_flight)
    try:
      self._check_head(scope, counted)
      await self._app(scope, await self._body(scope, receive), answer)
    except Refused as e:
      await self._refuse(e, answer)
    except Exception:
      _log.exception('%s %s failed', scope['method'], scope['path'])
      if not status:
        await self._refuse(Refused(500, 'an error of the server'), answer)
    finally:
      self._in_flight -= counted
      self._metrics.in_flight.set(self._in_flight)
      method = 'HEAD' if is_head else scope['method']
      self._count(method, scope, status, time.perf_counter() - began)

  def _placed(self, scope) -> dict:
    """The scope as the application takes it.

    HEAD is GET whose body is not sent. A proxy may leave its own path before
    the request's, or take it away.
    """
    root, path = self._limits.root_path, scope['path']
    if root and not (path == root or path.startswith(f'{root}/')):
      path = root + path
    method = 'GET' if scope['method'] == 'HEAD' else scope['method']
    return scope | {'method': method, 'path': path, 'root_path': root}

  def _route(self, scope) -> str:
    """The path within the application."""
    return scope['path'].removeprefix(self._limits.root_path)

  def _count(self, method: str, scope, status: int, seconds: float) -> None:
    # Names from a fixed set: whoever asks for nonsense makes no new series.
    route = getattr(scope.get('route'), 'path', None) or 'other'
    method = method if method in _METHODS else 'other'
    self._metrics.requests.labels(method, route, str(status)).inc()
    self._metrics.seconds.labels(route).observe(seconds)

  def _check_head(self, scope, counted: bool) -> None:
    limits = self._limits
    version = scope.get('http_version', '1.1')
    if version not in VERSIONS:  # Not every parser of HTTP refuses it.
      raise Refused(400, f'there is no HTTP/{version[:10]}')
    if limits.hosts is not None:
      # Else a page of any site could name this machine and read its answers.
      host = _host(_header(scope, b'host'))
      if host not in limits.hosts:
        raise Refused(
          421, 'this server does not answer to that host: see --allowed_hosts'
        )
    path = self._route(scope)
    if not path and scope['method'] == 'GET':
      # Else what the page names lies beside it, not under it.
      place = limits.root_path.encode() + b'/'
      raise Refused(307, 'the page is at /', [(b'location', place)])
    if not (limits.api_key is None or path in OPEN or path[:6] == '/page/'):
      scheme, _, sent = _header(scope, b'authorization').partition(b' ')
      right = hmac.compare_digest(sent.strip(), limits.api_key.encode())
      if scheme.lower() != b'bearer' or not right:  # RFC 9110: in any case.
        raise Refused(
          401,
          'the API key is missing or wrong: send Authorization: Bearer KEY',
          [(b'www-authenticate', b'Bearer')],
        )
    if counted and self._in_flight > limits.max_requests:
      raise Refused(
        503,
        f'{limits.max_requests} requests are under way: try again',
        [(b'retry-after', b'1')],
      )

  async def _body(self, scope, receive):
    """A `receive` that hands over the whole body, checked."""
    limit = self._limits.max_body_bytes
    length = _header(scope, b'content-length')
    if length.isdigit() and int(length[:20]) > limit:
      raise Refused(413, f'the body is larger than {limit} bytes')
    body = bytearray()
    try:
      async with asyncio.timeout(self._limits.body_seconds):
        while True:
          message = await receive()
          if message['type'] == 'http.disconnect':
            break
          body += message.get('body', b'')
          if len(body) > limit:
            raise Refused(413, f'the body is larger than {limit} bytes')
          if not message.get('more_body'):
            break
    except TimeoutError:
      raise Refused(408, 'the body did not arrive in time') from None
    sent = self._unpacked(scope, bytes(body))
    if sent:
      self._check_json(scope, sent)
    whole = {'type': 'http.request', 'body': sent, 'more_body': False}
    handed_over = False

    async def again():
      nonlocal handed_over
      if handed_over:
        return await receive()  # Waits until the client leaves.
      handed_over = True
      return whole

    return again

  def _unpacked(self, scope, body: bytes) -> bytes:
    """The body without its compression; the limit is of what comes out."""
    coding = _header(scope, b'content-encoding').strip().lower()
    if coding in (b'', b'identity') or not body:
      return body
    if coding not in (b'gzip', b'x-gzip'):
      raise Refused(
        415,
        'the body is compressed in another way than gzip',
        [(b'accept-encoding', b'gzip')],
      )
    limit = self._limits.max_body_bytes
    unpacker = zlib.decompressobj(wbits=31)  # gzip alone.
    try:
      unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
      raise Refused(400, 'the body is no whole gzip') from None
    if len(unpacked) > limit:
      raise Refused(413, f'the body is larger than {limit} bytes')
    if not unpacker.eof or unpacker.unused_data:
      raise Refused(400, 'the body is no whole gzip')
    return unpacked

  def _check_json(self, scope, body: bytes) -> None:
    kind = _header(scope, b'content-type').partition(b';')[0].strip().lower()
    if kind != b'application/json':
      # Pages of other sites can send text and forms here, but not JSON.
      raise Refused(415, 'a body has to be of content-type application/json')
    try:
      pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as e:
      raise Refused(400, f'the body is not JSON: {e}') from None

  async def _refuse(self, refused: Refused, send) -> None:
    body = json.dumps({'error': str(refused)}).encode()
    head = [
      (b'content-type', b'application/json'),
      (b'content-length', str(len(body)).encode()),
      (b'connection', b'close'),  # The rest of a body is not read.
      *refused.headers,
    ]
    await send(
      {
        'type': 'http.response.start',
        'status': refused.status,
        'headers': head,
      }
    )
    await send({'type': 'http.response.body', 'body': body})
