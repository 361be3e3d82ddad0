"""The application: what is asked at which path, and who answers."""

import importlib.resources
from collections.abc import Mapping
from typing import Annotated, Any

import fastapi
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

import jaxrec
from jaxrec.errors import UserError
from jaxrec.serve import schema
from jaxrec.serve.gate import Gate, Limits
from jaxrec.serve.known_users import UnknownUser
from jaxrec.serve.live_items import NotStored, UnknownItem
from jaxrec.serve.metrics import Metrics
from jaxrec.serve.service import Service

_PAGES = {
  'index.html': 'text/html; charset=utf-8',
  'docs.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'docs.js': 'text/javascript; charset=utf-8',
  'shared.js': 'text/javascript; charset=utf-8',
}
_ERRORS: dict[int | str, dict[str, Any]] = {
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


def _mistake(error: Mapping[str, Any]) -> str:
  place = '.'.join(str(part) for part in error['loc'] if part != 'body')
  words = error['msg'].removeprefix('Value error, ')
  return f'{place}: {words}' if place else words


def _error(status: int, words: str, headers: Any = None) -> JSONResponse:
  return JSONResponse({'error': words}, status, headers)


async def _invalid(_, e: RequestValidationError) -> JSONResponse:
  # What was sent is not sent back: it may be large, or no JSON at all.
  mistakes = [_mistake(error) for error in e.errors()]
  more = f' (and {len(mistakes) - 3} more)' if len(mistakes) > 3 else ''
  return _error(422, '; '.join(mistakes[:3]) + more)


def _handlers() -> dict:
  async def http(_, e: HTTPException):
    return _error(e.status_code, str(e.detail), e.headers)

  async def user(_, e: UserError):
    return _error(422, str(e))

  async def unknown_item(_, e: UnknownItem):
    return _error(404, str(e))

  async def unknown_user(_, e: UnknownUser):
    return _error(404, str(e))

  async def not_stored(_, e: NotStored):
    return _error(503, str(e))

  return {
    RequestValidationError: _invalid,
    HTTPException: http,
    UserError: user,
    NotStored: not_stored,
    UnknownItem: unknown_item,
    UnknownUser: unknown_user,
  }


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

  app.add_api_route('/', index, include_in_schema=False)
  app.add_api_route('/docs', docs, include_in_schema=False)
  app.add_api_route('/page/{name}', page, include_in_schema=False)


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
  live_items = service.live_items

  def writable() -> None:
    if live_items.journal is None:
      raise HTTPException(
        403, 'items cannot be changed: start the server with --data_dir'
      )

  @app.post(
    '/recommend',
    response_model=schema.RecommendAnswer,
    summary='The best items for a history, or a known user',
  )
  async def recommend(
    request: schema.RecommendRequest,
  ) -> dict:
    return await service.recommend(request)

  @app.post(
    '/score',
    response_model=schema.ScoreAnswer,
    summary='Scores of given items for a history',
  )
  async def score(request: schema.ScoreRequest) -> dict:
    return await service.score(request)

  @app.get('/items', response_model=schema.ItemsAnswer, summary='Search items')
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
  ) -> dict:
    return {'items': [_item(item) for item in live_items.model.search(q, k)]}

  own_names = live_items.model.manifest.get('own_names') or {}
  AddRequest = schema.add_request(
    [name for name, ours in own_names.items() if ours == 'item_id']
  )

  @app.post(
    '/items',
    response_model=schema.Added,
    summary='Add items, or replace them',
  )
  async def add(request: AddRequest) -> dict:  # type: ignore[valid-type]
    writable()
    given: schema.AddRequest = request
    items = [item.model_dump() for item in given.items]
    replaced = await service.change(live_items.add, items)
    metrics.changes.labels('add').inc(len(items))
    ids = dict.fromkeys(item['item_id'] for item in items)
    return {'added': list(ids), 'replaced': replaced}

  # Ids may have slashes.
  @app.get(
    '/items/{item_id:path}',
    response_model=schema.ItemAnswer,
    summary='One item',
  )
  async def one(item_id: str) -> dict:
    return _item(live_items.item(item_id))

  @app.delete(
    '/items/{item_id:path}',
    response_model=schema.Removed,
    summary='Remove an item',
  )
  async def remove(item_id: str) -> dict:
    writable()
    await service.change(live_items.remove, [item_id])
    metrics.changes.labels('remove').inc()
    return {'removed': item_id}

  @app.get('/about', response_model=schema.About, summary='What is served')
  def about() -> dict:
    snapshot = live_items.model.snapshot()
    manifest = snapshot.manifest
    return {
      'dataset': manifest.get('dataset'),
      'items': len(snapshot),
      'categories': snapshot.categories,
      'threshold': manifest.get('threshold'),
      'writable': live_items.journal is not None,
      'users': None if service.users is None else len(service.users),
      'bundle': service.bundle,
    }

  @app.get(
    '/healthz', response_model=schema.Health, summary='Ready for requests'
  )
  async def healthz() -> dict:
    return {'status': 'ok', 'items': len(live_items.model)}

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
