import collections
import dataclasses
import itertools
import pathlib
import re
import string

import numpy as np
import pytest

from jaxrec.data.datasets import builder_class, demo, demo_texts

NOWHERE = pathlib.Path('no-such-directory')
BUILDERS = (demo.Demo, demo.DemoShop, demo.DemoMusic, demo.DemoVideo)


@pytest.fixture(scope='module', params=demo.DOMAINS)
def drawn(request):
  """A domain's texts, and its items without what was done with them."""
  source = demo.DOMAINS[request.param].texts
  return source, demo.draw_items(np.random.default_rng(demo.SEED), source)


@pytest.fixture(scope='module')
def builder(tmp_path_factory):
  return demo.Demo(data_dir=tmp_path_factory.mktemp('demo'), config='items')


@pytest.fixture(scope='module')
def items(builder):
  return list(builder.items(NOWHERE))


@pytest.fixture(scope='module')
def splits(builder):
  return {
    split: list(builder.impressions(NOWHERE, split)) for split in builder.SPLITS
  }


@pytest.fixture(scope='module')
def impressions(splits):
  return [i for split in splits.values() for i in split]


def auc(scores, labels):
  """Per-impression AUC with ties counting half."""
  scores, labels = np.asarray(scores), np.asarray(labels, bool)
  gap = scores[labels][:, None] - scores[~labels]
  return np.mean((gap > 0) + (gap == 0) / 2)


def test_a_seed_gives_one_world_and_another_seed_another(monkeypatch):
  monkeypatch.setattr(demo, 'USERS', 300)  # A whole one takes seconds.
  world, again = demo.make_world('news'), demo.make_world('news')
  assert again.texts == world.texts
  assert again.impressions == world.impressions
  other = np.random.default_rng(demo.SEED + 1)
  assert demo.draw_items(other, demo_texts.news.NEWS).titles != world.titles


def test_a_seed_gives_every_domain_its_items(drawn):
  source, world = drawn
  again = demo.draw_items(np.random.default_rng(demo.SEED), source)
  assert again.texts == world.texts
  assert (again.subtopics == world.subtopics).all()


def test_titles_are_many_distinct_and_finished(drawn):
  source, world = drawn
  assert len(set(world.titles)) == len(world.texts) >= 3000
  assert len(set(world.topics)) >= 12
  for texts in world.texts:
    assert texts.keys() == {'title', *source.columns}
    for text in texts.values():
      assert not text[0].islower()
      assert not set(text) & set('{}|') and '  ' not in text
      assert not re.search(r'\b(\w+) \1\b', text, re.IGNORECASE), text


def test_appeal_is_for_some_titles(drawn):
  source, world = drawn
  assert 0.05 < np.mean([source.appeals(t) for t in world.titles]) < 0.25


def test_all_domains_are_of_one_size(drawn):
  """So that each takes the few seconds that the news does."""
  source, world = drawn
  news = demo_texts.news.NEWS.subtopics
  assert len(source.subtopics) == len(news)
  assert len({(s.topic, s.name) for s in source.subtopics}) == len(news)
  assert len(world.texts) == len(news) * demo.ITEMS_PER_SUBTOPIC


def slots_of(text):
  return [slot for _, slot, _, _ in string.Formatter().parse(text) if slot]


def test_every_subtopic_has_templates_and_words_of_its_own(drawn):
  source, _ = drawn
  kinds = collections.Counter(
    (slot, value)
    for subtopic in source.subtopics
    for slot, values in subtopic.slots.items()
    for value in values
  )
  for subtopic in source.subtopics:
    assert len(subtopic.templates) >= 6
    assert any(map(source.appeals, subtopic.templates))
    texts = [*subtopic.templates, *source.columns.values()]
    for slot in {name for text in texts for name in slots_of(text)}:
      count = len(subtopic.slots[slot])
      assert len(set(subtopic.slots[slot])) == count, slot
      assert len(subtopic.phrases(slot, 0.6)) < count or count == 1, slot
    own = [(slot, v) for slot, vs in subtopic.slots.items() for v in vs]
    assert sum(kinds[each] == 1 for each in own) >= 8, subtopic.name


def test_every_subtopic_has_titles_to_spare(drawn):
  """Else the draw of distinct ones slows down, or never ends."""
  source, _ = drawn

  def count(subtopic, text):
    return np.prod(
      [
        sum(count(subtopic, value) for value in subtopic.slots[slot])
        for slot in slots_of(text)
      ]
    )

  for subtopic in source.subtopics:
    spare = sum(count(subtopic, text) for text in subtopic.templates)
    assert spare >= 2 * demo.ITEMS_PER_SUBTOPIC, subtopic.name


def test_a_subtopic_can_be_read_from_its_texts(drawn):
  """By the words alone, seen in the older half: all that a model can go by."""
  source, world = drawn
  words = [
    set(re.findall(r'[a-zà-ÿ]+', ' '.join(texts.values()).lower()))
    for texts in world.texts
  ]
  half = len(words) // 2
  known = {w: i for i, w in enumerate(sorted(set().union(*words[:half])))}
  bags = np.zeros((len(words), len(known)), np.float32)
  for bag, title in zip(bags, words, strict=True):
    bag[[known[word] for word in title if word in known]] = 1
  bags /= np.sqrt(1 + bags[:half].sum(0))  # Rare words tell more.
  bags /= np.linalg.norm(bags, axis=1, keepdims=True) + 1e-9
  means = np.stack(
    [
      bags[:half][world.subtopics[:half] == s].mean(0)
      for s in range(len(source.subtopics))
    ]
  )
  means /= np.linalg.norm(means, axis=1, keepdims=True)
  right = (bags[half:] @ means.T).argmax(1) == world.subtopics[half:]
  assert right.mean() > 0.85  # By chance: 0.02.


@pytest.mark.parametrize('name', ['shop', 'music', 'video'])
def test_other_domains_are_worlds_as_well(name, monkeypatch):
  monkeypatch.setattr(demo, 'USERS', 300)  # A whole one takes seconds.
  world = demo.make_world(name)
  p = np.concatenate([i['probabilities'] for i in world.impressions])
  y = np.concatenate([i['labels'] for i in world.impressions])
  assert abs(y.mean() - p.mean()) < 4 * np.sqrt((p * (1 - p)).sum()) / len(p)
  oracle = [auc(i['probabilities'], i['labels']) for i in world.impressions]
  assert 0.85 < np.mean(oracle) < 0.95


@pytest.mark.parametrize('cls', BUILDERS)
def test_builders_give_what_their_features_say(cls, tmp_path, monkeypatch):
  domain = demo.DOMAINS[cls.DOMAIN]
  world = demo.draw_items(np.random.default_rng(0), domain.texts)
  monkeypatch.setattr(demo, 'the_world', lambda name: world)
  builder = cls(data_dir=tmp_path, config='items')
  catalog = list(builder.items(NOWHERE))
  assert len({item['item_id'] for item in catalog}) == len(catalog)
  for item in catalog:
    assert item.keys() == set(builder.info.features)
  assert builder_class(builder.name) is cls


def test_impressions_are_well_formed(items, impressions):
  low, high = demo.CANDIDATES
  for i in impressions:
    candidates = i['candidates']
    assert low <= len(candidates) <= high
    assert len(set(candidates)) == len(candidates)
    assert len(i['labels']) == len(i['probabilities']) == len(candidates)
    assert set(i['labels']) == {0, 1}
    assert len(i['history']) <= demo.MAX_HISTORY
    assert all(0 <= k < len(items) for k in i['history'] + candidates)
    assert all(0 < p < 1 for p in i['probabilities'])
  assert len({i['impression_id'] for i in impressions}) == len(impressions)


def test_splits_follow_each_other_in_time(splits):
  assert 6000 <= len(splits['train']) <= 12000
  assert 800 <= len(splits['validation']) <= 1500
  assert 1500 <= len(splits['test']) <= 2500
  times = [[i['time'] for i in split] for split in splits.values()]
  joined = [t for split in times for t in split]
  assert joined == sorted(joined)
  for earlier, later in itertools.pairwise(times):
    assert earlier[-1] // demo.DAY < later[0] // demo.DAY


def test_nothing_is_shown_or_read_before_it_is_published(impressions):
  published = demo.the_world('news').published
  for i in impressions:
    used = published[i['history'] + i['candidates']]
    assert (used < i['time']).all()


def test_a_history_is_the_clicks_made_before(impressions):
  by_user = collections.defaultdict(list)
  for i in impressions:
    by_user[i['user_id']].append(i)
  clicked_items = lambda i: [
    c for c, y in zip(i['candidates'], i['labels'], strict=True) if y
  ]
  checked = 0
  for impressions in by_user.values():
    for now, after in itertools.pairwise(impressions):
      # Sessions that were not kept may lie between the two.
      grown = now['history'] + clicked_items(now)
      if len(after['history']) < demo.MAX_HISTORY:
        assert after['history'][: len(grown)] == grown
        checked += 1
  assert checked > 1000


def test_candidates_have_weight_and_no_place_tells_it():
  weights = np.tile(np.r_[np.zeros(20), np.ones(29), 50], (2000, 1))
  rng = np.random.default_rng(0)
  columns, counts = demo.draw_candidates(rng, weights)
  rows = [c[:n] for c, n in zip(columns, counts, strict=True)]
  assert all((row >= 20).all() for row in rows)
  places = [
    row.tolist().index(49) / (len(row) - 1) for row in rows if 49 in row
  ]
  assert len(places) > 1900
  assert abs(np.mean(places) - 0.5) < 0.04


def test_test_days_show_items_unseen_in_training(splits):
  shown = lambda split: {c for i in splits[split] for c in i['candidates']}
  seen = shown('train') | {k for i in splits['train'] for k in i['history']}
  cold_from = demo.START + demo.FIRST_DAY['test'] * demo.DAY
  new = set(
    np.flatnonzero(demo.the_world('news').published >= cold_from).tolist()
  )
  assert not new & seen
  assert len(new & shown('test')) > 100


def test_some_histories_are_empty_but_few(splits):
  for split in splits.values():
    empty = np.mean([not i['history'] for i in split])
    assert 0 < empty < 0.06


def test_probabilities_are_calibrated(impressions):
  p = np.concatenate([i['probabilities'] for i in impressions])
  y = np.concatenate([i['labels'] for i in impressions])
  for low, high in [(0, 1), (0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1)]:
    here = (p >= low) & (p < high)
    error = np.sqrt((p * (1 - p))[here].sum()) / here.sum()
    assert abs(y[here].mean() - p[here].mean()) < 4 * error


def test_position_tells_nothing(impressions):
  low = demo.CANDIDATES[0]
  labels = np.array([i['labels'][:low] for i in impressions])
  error = np.sqrt(labels.mean() * (1 - labels.mean()) / len(labels))
  assert (abs(labels.mean(0) - labels.mean()) < 4 * error).all()


def test_the_oracle_beats_popularity_which_beats_chance(items, splits):
  clicks = np.zeros(len(items))
  for i in splits['train']:
    clicks[i['candidates']] += i['labels']
  each = lambda score: np.mean(
    [auc(score(i), i['labels']) for i in splits['test']]
  )
  oracle = each(lambda i: i['probabilities'])
  popularity = each(lambda i: clicks[i['candidates']])
  assert 0.75 < oracle < 0.95
  assert 0.5 < popularity < oracle - 0.15


def test_recent_clicks_tell_more_than_old_ones(items, splits):
  """Interests drift: so the order of the history matters."""
  topics = np.array([item['category'] for item in items])
  long = [i for i in splits['test'] if len(i['history']) >= 20]

  def agreement(clicks):
    score = lambda i: (
      topics[i['candidates']][:, None] == topics[clicks(i['history'])]
    ).mean(1)
    return np.mean([auc(score(i), i['labels']) for i in long])

  recent, old = agreement(lambda h: h[-5:]), agreement(lambda h: h[:5])
  assert recent > old + 0.05
  assert old > 0.5


@pytest.mark.parametrize('config', ['items', 'impressions'])
def test_tfds_keeps_what_was_drawn(config, items, splits, tmp_path):
  features = demo.Demo(data_dir=tmp_path, config=config).info.features
  drawn = items if config == 'items' else splits['test'][:200]
  for example in drawn:
    encoded = features.encode_example(example)
    assert encoded.keys() == example.keys()
    for name, value in example.items():
      if isinstance(value, str):
        assert np.asarray(encoded[name]).item() == value
      else:
        np.testing.assert_allclose(encoded[name], value, rtol=1e-6)


@pytest.mark.parametrize(
  'change',
  [{'lines': ''}, {'appealing': 'x'}, {'style': str}, {'columns': {'a': 'b'}}],
  ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_covers_the_texts(change, monkeypatch):
  before = [cls.fingerprint(NOWHERE) for cls in BUILDERS]
  assert [cls.fingerprint(NOWHERE) for cls in BUILDERS] == before
  assert len(set(before)) == len(BUILDERS)
  news = demo.DOMAINS['news']
  texts = dataclasses.replace(news.texts, **change)
  changed = dataclasses.replace(news, texts=texts)
  monkeypatch.setitem(demo.DOMAINS, 'news', changed)
  after = [cls.fingerprint(NOWHERE) for cls in BUILDERS]
  assert after[0] != before[0] and after[1:] == before[1:]


def test_the_fingerprint_covers_the_code_of_the_texts(monkeypatch):
  before = [cls.fingerprint(NOWHERE) for cls in BUILDERS]
  source = demo.inspect.getsource
  monkeypatch.setattr(
    demo.inspect,
    'getsource',
    lambda of: source(of) + '#' * (of is demo_texts),
  )
  for cls, old in zip(BUILDERS, before, strict=True):
    assert cls.fingerprint(NOWHERE) != old


def test_titles_keep_small_words_and_units_small():
  title = demo_texts.title_case
  assert title('the end of a day') == 'The End of a Day'
  assert (
    title('pan for hobs, 24 cm, sky blue') == 'Pan for Hobs, 24 cm, Sky Blue'
  )
