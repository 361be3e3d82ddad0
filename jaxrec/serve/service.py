"""The model behind the paths: requests go to it by the batch."""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import fastapi

from jaxrec.serve import schema
from jaxrec.serve.batcher import Batcher
from jaxrec.serve.known_users import KnownUsers, UnknownUser
from jaxrec.serve.live_items import LiveItems
from jaxrec.serve.metrics import Metrics

KNOWN = ('history', 'times', 'behaviours')  # Of a user, in a file.
Request = TypeVar('Request', bound=schema.UserRequest)


def fingerprint(manifest: Mapping[str, Any]) -> str:
  """16 hex digits that tell one bundle from another."""
  text = json.dumps(manifest, sort_keys=True, default=str)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


class Service:
  """The model behind the paths: batches, and items that come and go."""

  def __init__(
    self,
    live_items: LiveItems,
    metrics: Metrics,
    max_batch: int = 64,
    window: float = 0.002,
    users: KnownUsers | None = None,
  ):
    """
    Args:
      live_items: of the model that answers.
      metrics: where batches are counted.
      max_batch: requests computed together; one with texts counts for more.
      window: seconds that a batch waits to be filled.
      users: who are known by their ids; None: nobody is.
    """
    self.users = users
    self.live_items = live_items
    self.model = live_items.model
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
  async def running(self, app: fastapi.FastAPI) -> AsyncIterator[None]:
    """Until all that is under way is finished."""
    self._batcher.start()
    try:
      yield
    finally:
      await self._batcher.stop()
      self._writer.shutdown()
      if self.live_items.journal is not None:
        self.live_items.journal.close()

  def _compute(self, options: tuple, payloads: Sequence[tuple]) -> list[dict]:
    """One call of the model for requests of the same options; in a thread."""
    call, *rest = options
    columns = zip(*payloads, strict=True)
    histories, behaviours, times, others = map(list, columns)
    arguments = dict(rest) | {
      # None for all, where nobody said: no array is made of nothing.
      'behaviours': _unless_all_none(behaviours),
      'times': _unless_all_none(times),
    }
    # Ranked, scored and described from the same items, whatever changes.
    snapshot = self.model.snapshot()
    if call == 'score':
      answers = snapshot.score_many(histories, others, **arguments)
      return [_body('scores', snapshot, answer, None) for answer in answers]
    # The longest list that is wanted; of it each request has its first `k`.
    # Of lists that are to differ, all are of one length.
    arguments.pop('alike', None)
    answers = snapshot.recommend_many(histories, max(others), **arguments)
    return [
      _body('recommendations', snapshot, answer, k)
      for answer, k in zip(answers, others, strict=True)
    ]

  async def recommend(self, request: schema.RecommendRequest) -> dict:
    """What a RecommendAnswer holds.

    Raises:
      UserError: the request does not hold together; UnknownUser: of a user
        who is not known.
    """
    request = self._with_history(request)
    options = {
      **_common_options(request),
      'threshold': request.threshold,
      'exclude_seen': request.exclude_seen,
      'categories': _hashable(request.categories),
      'only': _hashable(request.only),
    }
    if request.diversity:  # A shorter list is no beginning of a longer one.
      options |= {'diversity': request.diversity, 'alike': request.k}
    return await self._batcher.submit(
      ('recommend', *options.items()),
      (request.history, request.behaviours, request.times, request.k),
      _cost(request.history),
    )

  async def score(self, request: schema.ScoreRequest) -> dict:
    """What a ScoreAnswer holds; raises as `recommend` does."""
    request = self._with_history(request)
    return await self._batcher.submit(
      ('score', *_common_options(request).items()),
      (request.history, request.behaviours, request.times, request.candidates),
      _cost(request.history) + _cost(request.candidates) - 1,
    )

  def _with_history(self, request: Request) -> Request:
    """The request, with what is known of its user where it names one."""
    if request.user_id is None:
      return request
    if self.users is None:
      raise UnknownUser(
        'user_id: no user is known here: start the server with --users=FILE, '
        'or send a history'
      )
    user = self.users[request.user_id]
    known = {name: getattr(user, name) for name in KNOWN}
    return request.model_copy(update=known | {'unknown': 'skip'})

  async def change(self, call: Callable[[list], Any], changed: list) -> Any:
    """A change of the items, in the writer's thread."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(self._writer, call, changed)


def _common_options(request: schema.UserRequest) -> dict[str, Any]:
  return {
    'strategy': request.strategy,
    'explain': request.explain,
    'now': request.now,
    'unknown': request.unknown,
  }


def _hashable(names: Sequence[str] | None) -> tuple[str, ...] | None:
  return None if names is None else tuple(names)


def _unless_all_none(column: list) -> list | None:
  return column if any(x is not None for x in column) else None


def _body(key: str, snapshot: Any, answer: Any, most: int | None) -> dict:
  """What is sent of a snapshot's answer: the first `most` items as `key`."""
  items = snapshot.items_of(answer, most)
  return {
    key: [
      {
        'item_id': scored.item_id,
        # A candidate that was given by its columns is no item of the catalog.
        'text': item.text if item else None,
        'category': item.category if item else None,
        'score': scored.score,
        'logit': scored.logit,
        'probability': scored.probability,
        'contributions': scored.contributions,
        'terms': scored.terms,
      }
      for scored, item in zip(answer[:most], items, strict=True)
    ],
    'read': answer.read,
    'skipped': answer.unknown,
  }


def _cost(entries: Sequence) -> int:
  """Of a request's entries, in a batch: each text is encoded."""
  return 1 + sum(isinstance(entry, dict) for entry in entries)
