"""The embedded demo worlds: users whose interests drift, and what they see.

One world a domain, alike but for its texts (news, a shop's products, songs,
films) and for how long an item is shown. Nothing is read or downloaded: a world
is drawn from a fixed seed. A user has a few current interests (subtopics). A
click on anything else may start a new interest, which replaces the oldest; what
was replaced fades. A click is a Bernoulli draw of

  sigmoid(BASE + interest + topic + appeal of the title - age of the item)

so the true probability of every label is known, and with it the best AUC
that any model can hope for. The interest, the largest term by far, can be
read from the titles in the history, the latest telling most; age and part of
the appeal cannot be read from a title.
"""

import dataclasses
import functools
import hashlib
import inspect
import pathlib
from collections.abc import Iterator

import numpy as np

from jaxrec.data.datasets import demo_texts
from jaxrec.data.datasets.builder import Builder, Item
from jaxrec.data.datasets.demo_texts import TextSource
from jaxrec.data.datasets.demo_texts.music import MUSIC
from jaxrec.data.datasets.demo_texts.news import NEWS
from jaxrec.data.datasets.demo_texts.shop import SHOP
from jaxrec.data.datasets.demo_texts.video import VIDEO

SEED = 20
START = 1767571200  # Monday 5 January 2026, 00:00 UTC, in unix seconds.
DAY = 86400
# First day of each split; the days before 'train' only build histories.
FIRST_DAY = {'train': 20, 'validation': 31, 'test': 32}
DAYS = 34

USERS = 2000
ITEMS_PER_SUBTOPIC = 72
IMPRESSIONS_PER_DAY = 1000  # Those kept; every session builds the histories.
MAX_HISTORY = 60
CANDIDATES = (6, 20)  # Fewest and most.

INTERESTS = 2
ADOPT = 0.5  # Chance that a click on something else starts an interest.
FADE = 0.3  # What is left, a day later, of a replaced interest.
SHOW_CURRENT, SHOW_FORMER = 6.0, 2.0  # Odds of being shown, against 1.

BASE = -4.0
INTEREST, TOPIC = 3.8, 0.8
TITLE_APPEAL, SUBTOPIC_APPEAL, ITEM_APPEAL = 0.5, 0.35, 0.15


@dataclasses.dataclass(frozen=True, eq=False)
class Domain:
  """What differs from world to world."""

  texts: TextSource
  shelf_days: float  # Older items are no longer shown.
  age: float  # Logit lost per day since publication.


DOMAINS = {
  'news': Domain(NEWS, shelf_days=10, age=0.03),
  'shop': Domain(SHOP, shelf_days=15, age=0.01),
  'music': Domain(MUSIC, shelf_days=12, age=0.02),
  'video': Domain(VIDEO, shelf_days=15, age=0.01),
}


@dataclasses.dataclass
class World:
  """All that is drawn: N items in order of publication, all impressions."""

  texts: list[dict[str, str]]  # [N] by column, 'title' among them.
  topics: list[str]  # [N]
  subtopics: np.ndarray  # [N] int
  published: np.ndarray  # [N] int64, unix seconds
  impressions: list[dict]  # As `Builder.impressions` yields them, by time.

  @property
  def titles(self) -> list[str]:
    """[N] distinct."""
    return [texts['title'] for texts in self.texts]


def draw_items(rng: np.random.Generator, source: TextSource) -> World:
  """A world of distinct titles without impressions."""
  subtopics = source.subtopics
  subtopic = np.tile(np.arange(len(subtopics)), ITEMS_PER_SUBTOPIC)
  # From three days before the first session, which needs something to show.
  published = rng.integers(-3 * DAY, DAYS * DAY, size=len(subtopic))
  published = START + np.sort(published)
  rng.shuffle(subtopic)
  texts: dict[str, dict[str, str]] = {}  # By title.
  for s, time in zip(subtopic, published, strict=True):
    known = 0.6 + 0.4 * (time - START) / (DAYS * DAY)
    size = len(texts)
    while len(texts) == size:  # An old title: drawn again, from more words.
      drawn = source.draw(subtopics[s], rng, known)
      texts.setdefault(drawn['title'], drawn)
      known = min(1, known + 0.02)
  topics = [subtopics[s].topic for s in subtopic]
  return World(list(texts.values()), topics, subtopic, published, [])


def draw_appeal(
  rng: np.random.Generator, world: World, source: TextSource
) -> np.ndarray:
  """[N] what an item adds to everyone's logit."""
  of_title = np.array([source.appeals(title) for title in world.titles])
  of_subtopic = rng.normal(0, SUBTOPIC_APPEAL, world.subtopics.max() + 1)
  of_item = rng.normal(0, ITEM_APPEAL, len(of_title))
  return TITLE_APPEAL * of_title + of_subtopic[world.subtopics] + of_item


def draw_candidates(
  rng: np.random.Generator, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Columns [B, C] drawn without replacement per row of weights, and counts.

  The first counts[b] of row b are its candidates, in random order. The draw
  is an exponential race: column i arrives at Exp(1) / weight, and the first
  to arrive win. Their order would tell the weight, so it is shuffled.
  """
  low, high = CANDIDATES
  arrival = rng.standard_exponential(weights.shape, np.float32)
  never = np.full_like(arrival, np.inf)
  arrival = np.divide(arrival, weights, out=never, where=weights > 0)
  columns = np.argpartition(arrival, high, axis=1)[:, :high]
  rank = np.take_along_axis(arrival, columns, axis=1).argsort(1).argsort(1)
  counts = rng.integers(low, high + 1, len(weights))
  place = rng.random(rank.shape) + (rank >= counts[:, None])
  return np.take_along_axis(columns, place.argsort(1), axis=1), counts


def given_kept(p: np.ndarray) -> np.ndarray:
  """Click probabilities [C], given that neither all nor none are clicked.

  Impressions of one label only are dropped, which would leave the plain
  probabilities too low. The order of the candidates does not change.
  """
  every, none = np.prod(p), np.prod(1 - p)
  return (p - every) / (1 - every - none)


class Readers:
  """The users' interests [U, S], one per subtopic, day by day."""

  def __init__(self, rng: np.random.Generator, subtopics: int) -> None:
    self.rng = rng
    self.current = np.argsort(rng.random((USERS, subtopics)))[:, :INTERESTS]
    self.former = np.zeros((USERS, subtopics))
    self.interest = np.zeros((USERS, subtopics))
    self.next_day()

  def next_day(self) -> None:
    """What is no longer current fades."""
    self.former = np.maximum(self.former, self.interest)
    self.interest *= FADE
    np.put_along_axis(self.interest, self.current, 1.0, axis=1)

  def click(self, user: int, subtopics: np.ndarray) -> None:
    """Clicks on something else may start interests; the oldest goes."""
    current = self.current[user].tolist()
    for s in subtopics.tolist():
      if s not in current and self.rng.random() < ADOPT:
        current = [*current[1:], s]
    self.current[user] = current


def make_world(name: str, seed: int = SEED) -> World:
  """Draws all of the world of DOMAINS[name]; the same for the same seed."""
  domain = DOMAINS[name]
  rng = np.random.default_rng(seed)
  world = draw_items(rng, domain.texts)
  appeal = draw_appeal(rng, world, domain.texts)
  topic_of = [s.topic for s in domain.texts.subtopics]
  same_topic = np.array([[a == b for b in topic_of] for a in topic_of], float)
  readers = Readers(rng, len(topic_of))
  rate = rng.uniform(0.6, 1, USERS)  # Sessions a day.
  joins = np.maximum(rng.integers(-2 * DAYS, DAYS, USERS), 0)
  histories: list[list[int]] = [[] for _ in range(USERS)]

  for day in range(DAYS):
    midnight = START + day * DAY
    active = (rng.random(USERS) < rate) & (joins <= day)
    users = rng.permutation(np.flatnonzero(active))
    times = midnight + np.sort(rng.integers(DAY, size=len(users)))
    shelf = np.flatnonzero(
      (world.published < midnight + DAY)
      & (world.published >= midnight - domain.shelf_days * DAY)
    )
    age = (times[:, None] - world.published[shelf]).astype(np.float32) / DAY
    shown = 1 + SHOW_CURRENT * readers.interest + SHOW_FORMER * readers.former
    shown = shown.astype(np.float32)[users][:, world.subtopics[shelf]]
    weights = shown * np.exp(appeal[shelf]).astype(np.float32) / (4 + abs(age))
    weights[(age <= 0) | (age > domain.shelf_days)] = 0
    topic = np.minimum(readers.interest @ same_topic, 1)
    taste = INTEREST * readers.interest + TOPIC * topic

    columns, counts = draw_candidates(rng, weights)
    shown_items = shelf[columns]
    logits = BASE + taste[users[:, None], world.subtopics[shown_items]]
    aged = domain.age * np.take_along_axis(age, columns, 1)
    logits += appeal[shown_items] - aged
    p = 1 / (1 + np.exp(-logits))
    clicks = rng.random(p.shape) < p
    kept = []
    for i, (user, n) in enumerate(zip(users, counts, strict=True)):
      items, labels = shown_items[i, :n], clicks[i, :n]
      if day >= FIRST_DAY['train'] and 0 < labels.sum() < n:
        kept.append(
          {
            'user_id': f'U{user:04}',
            'time': int(times[i]),
            'history': histories[user][-MAX_HISTORY:],
            'candidates': items.tolist(),
            'labels': labels.astype(int).tolist(),
            'probabilities': given_kept(p[i, :n]).tolist(),
          }
        )
      histories[user] += items[labels].tolist()
      readers.click(user, world.subtopics[items[labels]])
    chosen = rng.permutation(len(kept))[:IMPRESSIONS_PER_DAY]
    world.impressions += [kept[i] for i in sorted(chosen)]
    readers.next_day()

  for i, impression in enumerate(world.impressions):
    impression['impression_id'] = f'I{i:05}'
  return world


@functools.cache
def the_world(name: str) -> World:
  """The one world that items and all splits come from; do not change it."""
  return make_world(name)


class Demo(Builder):
  """The demo world of news; the directory is not looked at."""

  DOMAIN = 'news'
  SPLITS = ('train', 'validation', 'test')
  READS_FILES = False
  ORACLE = True

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    return []

  @classmethod
  def fingerprint(cls, directory: pathlib.Path) -> str:
    source = DOMAINS[cls.DOMAIN].texts
    made_of = [source.lines, source.appealing, source.style.__name__]
    made_of += [str(source.columns), inspect.getsource(demo_texts)]
    made_of += [super().fingerprint(directory)]
    return hashlib.sha256('\0'.join(made_of).encode()).hexdigest()[:16]

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    world = the_world(self.DOMAIN)
    for i, (texts, topic) in enumerate(
      zip(world.texts, world.topics, strict=True)
    ):
      yield {'item_id': f'N{i:04}', **texts, 'category': topic}

  def impressions(self, directory: pathlib.Path, split: str) -> Iterator[dict]:
    for impression in the_world(self.DOMAIN).impressions:
      day = (impression['time'] - START) // DAY
      begun = [name for name, first in FIRST_DAY.items() if first <= day]
      if split == max(begun, key=FIRST_DAY.__getitem__):
        yield impression


class DemoShop(Demo):
  """The demo world of a shop."""

  DOMAIN = 'shop'


class DemoMusic(Demo):
  """The demo world of songs and their artists."""

  DOMAIN = 'music'
  ITEM_TEXTS = ('title', 'artist', 'category')


class DemoVideo(Demo):
  """The demo world of films and their plots."""

  DOMAIN = 'video'
  ITEM_TEXTS = ('title', 'plot', 'category')
