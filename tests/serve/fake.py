"""A model without weights, that answers as a loaded bundle does.

As a command it is served: python -m tests.serve.fake --bundle=any --port=0.
"""

import copy
import dataclasses
import threading
import time
import zlib

import numpy as np

from jaxrec.errors import UserError

D = 32
SCALE, BIAS = 6.0, -3.0
TOPICS = {
  'sport': 'team cup striker goal match league coach stadium',
  'food': 'recipe bread soup oven spice chef dinner butter',
  'space': 'rocket orbit moon launch telescope comet astronaut crater',
}


@dataclasses.dataclass(frozen=True)
class Item:
  item_id: str
  text: str
  category: str | None
  fields: dict


@dataclasses.dataclass(frozen=True)
class Recommendation:
  item_id: str
  score: float
  logit: float
  probability: float
  contributions: list | None
  terms: dict | None = None


def vector(text):
  """A unit vector: the sum of its words'."""
  total = np.full(D, 1e-3)
  for word in text.lower().split():
    rng = np.random.default_rng(zlib.crc32(word.encode()))
    total += rng.normal(size=D)
  return total / np.linalg.norm(total)


def world(per_topic=20):
  """Items of three topics, four words each."""
  rng = np.random.default_rng(0)
  items = []
  for topic, words in TOPICS.items():
    for n in range(per_topic):
      title = ' '.join(rng.choice(words.split(), 4, replace=False))
      items.append(
        {'item_id': f'{topic}-{n}', 'title': title, 'category': topic}
      )
  return items


class Recommendations(list):
  """With what was read of the history, and what was skipped.

  `of_items`: whether each is an item, not a candidate given by its columns.
  """

  read: tuple = ()
  unknown: tuple = ()
  of_items: tuple = ()


class FakeModel:
  """A user is the mean of the vectors of the history."""

  def __init__(self, items=None, delay=0.0):
    self.manifest = {'dataset': 'fake', 'threshold': 0.5, 'sha256': {}}
    self.delay = delay
    self.calls = []  # Sizes of the calls of recommend_many and score_many.
    self.options = {}  # Of the last call of recommend_many.
    self.lists = []  # Diversity and k of each.
    self._lock = threading.Lock()
    self._index = {}  # Replaced, never changed.
    self.add_items(world() if items is None else items)

  def snapshot(self):
    """The model with the items as they are now."""
    return copy.copy(self)

  def items_of(self, answer, most=None):
    places = list(zip(answer, answer.of_items, strict=True))[:most]
    return [
      self.item(scored.item_id) if is_item else None
      for scored, is_item in places
    ]

  def __len__(self):
    return len(self._index)

  def __contains__(self, item_id):
    return item_id in self._index

  @property
  def categories(self):
    categories = (item.category for item, _ in self._index.values())
    return sorted(set(categories) - {None})

  history_length = 10

  @property
  def item_ids(self):
    return list(self._index)

  def item(self, item_id):
    try:
      return self._index[item_id][0]
    except KeyError:
      raise UserError(f'item {item_id!r} is unknown') from None

  def search(self, text, k):
    text = text.lower()
    items = (item for item, _ in list(self._index.values()))
    return [i for i in items if text in f'{i.item_id} {i.text}'.lower()][:k]

  def _history(self, history, index, unknown):
    """Vectors of the latest ten; their places, and ids skipped."""
    skipped = [
      e
      for e in history
      if unknown == 'skip' and isinstance(e, str) and e not in index
    ]
    places = [i for i, e in enumerate(history) if e not in skipped][-10:]
    return [self._read(history[i], index) for i in places], places, skipped

  def _read(self, entry, index):
    if isinstance(entry, str):
      if entry not in index:
        raise UserError(f'item {entry!r} is unknown')
      return index[entry][1]
    return vector(self._text(entry))

  def _text(self, columns):
    text = columns.get('text', columns.get('title'))
    if text is None:
      raise UserError('an item lacks title')
    return str(text)

  def _logit(self, vectors, item):
    if not len(vectors):
      return BIAS
    user = np.mean(vectors, axis=0)
    return float(SCALE * user @ item + BIAS)

  def _told(self, item_id, vectors, item, explain=False):
    logit = self._logit(vectors, item)
    contributions = None
    if explain:  # It is linear: each has its share.
      contributions = [float(SCALE * v @ item / len(vectors)) for v in vectors]
    return Recommendation(
      item_id,
      (logit - BIAS) / SCALE,
      logit,
      float(1 / (1 + np.exp(-logit))),
      contributions,
    )

  def recommend_many(
    self,
    histories,
    k=10,
    *,
    strategy='top_k',
    threshold=None,
    exclude_seen=True,
    categories=None,
    only=None,
    diversity=0.0,
    explain=False,
    behaviours=None,
    times=None,
    now=None,
    unknown='error',
  ):
    self.calls.append(len(histories))
    self.options.update(behaviours=behaviours, times=times, now=now)
    self.lists.append((diversity, k))
    time.sleep(self.delay)
    index = self._index
    answers = []
    for history in histories:
      vectors, places, skipped = self._history(history, index, unknown)
      seen = {e for e in history if isinstance(e, str)} if exclude_seen else ()
      ranked = [
        self._told(item_id, vectors, v, explain)
        for item_id, (item, v) in index.items()
        if item_id not in seen
        and (categories is None or item.category in categories)
        and (only is None or item_id in only)
      ]
      if strategy == 'probability':
        least = 0.5 if threshold == 'auto' else threshold or 0.0
        ranked = [
          dataclasses.replace(r, score=r.probability)
          for r in ranked
          if r.probability >= least
        ]
      best = Recommendations(sorted(ranked, key=lambda r: -r.logit)[:k])
      best.read, best.unknown = tuple(places), tuple(skipped)
      best.of_items = (True,) * len(best)
      answers.append(best)
    return answers

  def score_many(
    self,
    histories,
    candidates,
    *,
    strategy='top_k',
    explain=False,
    behaviours=None,
    times=None,
    now=None,
    unknown='error',
  ):
    self.calls.append(len(histories))
    index = self._index
    answers = []
    for history, its_candidates in zip(histories, candidates, strict=True):
      vectors, places, skipped = self._history(history, index, unknown)
      scores = Recommendations(
        self._told(
          c if isinstance(c, str) else c.get('item_id', f'#{i}'),
          vectors,
          self._read(c, index),
          explain,
        )
        for i, c in enumerate(its_candidates)
      )
      scores.read, scores.unknown = tuple(places), tuple(skipped)
      scores.of_items = tuple(isinstance(c, str) for c in its_candidates)
      answers.append(scores)
    return answers

  def add_items(self, items, strict=True):
    made = {}
    for columns in items:
      text = self._text(columns)
      item_id = columns['item_id']
      if item_id in made:
        raise UserError(f'item_id {item_id!r} is there twice')
      item = Item(item_id, text, columns.get('category'), dict(columns))
      made[item.item_id] = (item, vector(text))
    with self._lock:
      self._index = self._index | made

  def remove_items(self, ids):
    with self._lock:
      for item_id in ids:
        self.item(item_id)
      self._index = {k: v for k, v in self._index.items() if k not in ids}


if __name__ == '__main__':
  import os

  from jaxrec.cli.serve import run

  delay = float(os.environ.get('FAKE_DELAY', '0'))
  run(load=lambda _: FakeModel(delay=delay))
