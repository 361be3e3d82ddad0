"""The application: what is asked at which path, and who answers."""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import fastapi
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

import jaxrec
from jaxrec.errors import UserError
from jaxrec.serve import schema
from jaxrec.serve.batcher import Batcher
from jaxrec.serve.gate import Gate, Limits
from jaxrec.serve.live_items import Catalog, NotStored
from jaxrec.serve.metrics import Metrics

_PAGES = {
  'index.html': 'text/html; charset=utf-8',
  'docs.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'docs.js': 'text/javascript; charset=utf-8',
  'shared.js': 'text/javascript; charset=utf-8',
}
_ERRORS = {
  status: {'model': schema.Error, 'description': words}
  for status, words in {
    400: 'The body is not JSON',
    401: 'The API key is missing or wrong',
    403: 'Started without --data_dir',
    404: 'Not known',
    408: 'The body did not arrive in time',
    413: 'The body is too large',
    415: 'The body is of another type than JSON',
    421: 'Another host was asked for',
    422: 'What is asked for does not hold together',
    503: 'Too much is under way, or a change could not be stored',
  }.items()
}


def fingerprint(manifest: Mapping[str, Any]) -> str:
  """16 hex digits that tell one bundle from another."""
  text = json.dumps(manifest, sort_keys=True, default=str)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def _mistake(error: Mapping[str, Any]) -> str:
  place = '.'.join(str(part) for part in error['loc'] if part != 'body')
  words = error['msg'].removeprefix('Value error, ')
  return f'{place}: {words}' if place else words


def _answer(status: int, words: str, headers: Any = None) -> JSONResponse:
  return JSONResponse({'error': words}, status, headers)


async def _invalid(_, e: RequestValidationError) -> JSONResponse:
  # What was sent is not sent back: it may be large, or no JSON at all.
  mistakes = [_mistake(error) for error in e.errors()]
  more = f' (and {len(mistakes) - 3} more)' if len(mistakes) > 3 else ''
  return _answer(422, '; '.join(mistakes[:3]) + more)


def _handlers() -> dict:
  async def http(_, e: HTTPException):
    return _answer(e.status_code, str(e.detail), e.headers)

  async def user(_, e: UserError):
    return _answer(422, str(e))

  async def not_stored(_, e: NotStored):
    return _answer(503, str(e))

  return {
    RequestValidationError: _invalid,
    HTTPException: http,
    UserError: user,
    NotStored: not_stored,
  }


class Service:
  """The model behind the paths: batches, and items that come and go."""

  def __init__(
    self,
    catalog: Catalog,
    metrics: Metrics,
    max_batch: int = 64,
    window: float = 0.002,
  ):
    """
    Args:
      catalog: of the model that answers.
      metrics: where batches are counted.
      max_batch: requests computed together; one with texts counts for more.
      window: seconds that a batch waits to be filled.
    """
    self.catalog = catalog
    self.model = catalog.model
    self.bundle = fingerprint(self.model.manifest)
    self._batcher = Batcher(
      self._compute, max_batch, window, metrics.batches('recommend, score')
    )
    self._writer = concurrent.futures.ThreadPoolExecutor(
      1, thread_name_prefix='writer'
    )
    metrics.watch('items', 'Items in the index', lambda: len(self.model))
    metrics.watch(
      'requests_waiting', 'Requests in no batch yet', self._batcher.__len__
    )

  @contextlib.asynccontextmanager
  async def running(self, app: fastapi.FastAPI):
    """Until all that is under way is finished."""
    self._batcher.start()
    try:
      yield
    finally:
      await self._batcher.stop()
      self._writer.shutdown()
      if self.catalog.store is not None:
        self.catalog.store.close()

  def _compute(self, options: tuple, payloads: Sequence[tuple]) -> list:
    """One call of the model for requests of the same options; in a thread."""
    call, *rest = options
    columns = zip(*payloads, strict=True)
    histories, ways, times, others = map(list, columns)
    options = dict(rest) | {
      # None for all, where nobody said: no array is made of nothing.
      'behaviours': ways if any(w is not None for w in ways) else None,
      'times': times if any(t is not None for t in times) else None,
    }
    if call == 'score':
      return self.model.score_many(histories, others, **options)
    # Of the best of the longest list asked for, each takes its first.
    found = self.model.recommend_many(histories, max(others), **options)
    return [(best, best[:k]) for best, k in zip(found, others, strict=True)]

  async def recommend(self, asked: schema.RecommendRequest) -> dict:
    """Raises UserError: what is asked for does not hold together."""
    fixed = lambda names: None if names is None else tuple(names)
    options = {
      **_common(asked),
      'threshold': asked.threshold,
      'exclude_seen': asked.exclude_seen,
      'categories': fixed(asked.categories),
      'only': fixed(asked.only),
    }
    found, best = await self._batcher.submit(
      ('recommend', *options.items()),
      (asked.history, asked.behaviours, asked.times, asked.k),
      _cost(asked.history),
    )
    return {
      'recommendations': [self._told(one) for one in best],
      'read': found.read,
      'skipped': found.unknown,
    }

  async def score(self, asked: schema.ScoreRequest) -> dict:
    """Raises UserError: what is asked for does not hold together."""
    found = await self._batcher.submit(
      ('score', *_common(asked).items()),
      (asked.history, asked.behaviours, asked.times, asked.candidates),
      _cost(asked.history) + _cost(asked.candidates) - 1,
    )
    return {
      'scores': [self._told(one) for one in found],
      'read': found.read,
      'skipped': found.unknown,
    }

  def _told(self, one: Any) -> dict:
    item = self.catalog.find(one.item_id)
    return {
      'item_id': one.item_id,
      'text': item.text if item else None,
      'category': item.category if item else None,
      'score': one.score,
      'logit': one.logit,
      'probability': one.probability,
      'contributions': one.contributions,
    }

  async def change(self, call, what: list) -> Any:
    """A change of the items, in the writer's thread."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(self._writer, call, what)


def _common(asked: schema.UserRequest) -> dict[str, Any]:
  return {
    'strategy': asked.strategy,
    'explain': asked.explain,
    'now': asked.now,
    'unknown': asked.unknown,
  }


def _cost(entries: Sequence) -> int:
  return 1 + sum(isinstance(entry, dict) for entry in entries)


def _pages(app: fastapi.FastAPI) -> None:
  """The files of page/, read once."""
  directory = importlib.resources.files('jaxrec.serve').joinpath('page')
  pages = {
    name: Response(directory.joinpath(name).read_bytes(), media_type=kind)
    for name, kind in _PAGES.items()
  }

  async def page(name: str):
    if name not in pages:
      raise HTTPException(404, 'no such page')
    return pages[name]

  async def index():
    return pages['index.html']

  async def docs():
    return pages['docs.html']

  for path, call in {'/': index, '/docs': docs, '/page/{name}': page}.items():
    app.add_api_route(path, call, include_in_schema=False)


def create_app(
  service: Service, metrics: Metrics, limits: Limits
) -> fastapi.FastAPI:
  """The ASGI application.

  Args:
    service: what answers.
    metrics: what `/metrics` tells, and the gate counts in.
    limits: of requests; the API key is among them.
  """
  key = [fastapi.Depends(HTTPBearer(auto_error=False))]
  app = fastapi.FastAPI(
    title='jaxrec',
    version=jaxrec.__version__,
    description='Recommendations, scores and items of one bundle.',
    docs_url=None,  # FastAPI's own pages load their scripts from elsewhere.
    redoc_url=None,
    redirect_slashes=False,
    lifespan=service.running,
    exception_handlers=_handlers(),
    responses=_ERRORS,
    dependencies=key if limits.api_key else [],
  )
  app.add_middleware(Gate, limits=limits, metrics=metrics)
  _pages(app)
  catalog = service.catalog

  def writable() -> None:
    if catalog.store is None:
      raise HTTPException(
        403, 'items cannot be changed: start the server with --data_dir'
      )

  @app.post('/recommend', summary='The best items for a history')
  async def recommend(
    asked: schema.RecommendRequest,
  ) -> schema.RecommendAnswer:
    return await service.recommend(asked)

  @app.post('/score', summary='Scores of given items for a history')
  async def score(asked: schema.ScoreRequest) -> schema.ScoreAnswer:
    return await service.score(asked)

  @app.get('/items', summary='Search items')
  def search(
    q: Annotated[
      str,
      fastapi.Query(
        max_length=500,
        description='A part of an id or a text, or what it is about; '
        'without it, the most popular items',
      ),
    ] = '',
    k: Annotated[int, fastapi.Query(ge=1, le=100)] = 20,
  ) -> schema.Items:
    return {'items': [_item(item) for item in catalog.model.search(q, k)]}

  @app.post('/items', summary='Add items, or replace them')
  async def add(asked: schema.AddRequest) -> schema.Added:
    writable()
    items = [item.model_dump() for item in asked.items]
    replaced = await service.change(catalog.add, items)
    metrics.changes.labels('add').inc(len(items))
    ids = dict.fromkeys(item['item_id'] for item in items)
    return {'added': list(ids), 'replaced': replaced}

  # Ids may have slashes.
  @app.get('/items/{item_id:path}', summary='One item')
  async def one(item_id: str) -> schema.Item:
    return _item(_found(item_id))

  @app.delete('/items/{item_id:path}', summary='Remove an item')
  async def remove(item_id: str) -> schema.Removed:
    writable()
    _found(item_id)
    await service.change(catalog.remove, [item_id])
    metrics.changes.labels('remove').inc()
    return {'removed': item_id}

  def _found(item_id: str):
    item = catalog.find(item_id)
    if item is None:
      raise HTTPException(404, f'no item has the id {item_id[:100]!r}')
    return item

  @app.get('/about', summary='What is served')
  def about() -> schema.About:
    manifest = catalog.model.manifest
    return {
      'dataset': manifest.get('dataset'),
      'items': len(catalog.model),
      'categories': catalog.model.categories,
      'threshold': manifest.get('threshold'),
      'writable': catalog.store is not None,
      'bundle': service.bundle,
    }

  @app.get('/healthz', summary='Ready for requests')
  async def healthz() -> schema.Health:
    return {'status': 'ok', 'items': len(catalog.model)}

  @app.get('/metrics', summary='Counters, in the text format of Prometheus')
  def counters() -> Response:
    return Response(
      metrics.text(), media_type='text/plain; version=0.0.4; charset=utf-8'
    )

  return app


def _item(item: Any) -> dict:
  return {
    'item_id': item.item_id,
    'text': item.text,
    'category': item.category,
    'fields': item.fields,
  }
