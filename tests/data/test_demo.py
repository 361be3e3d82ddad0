import collections
import itertools
import pathlib
import string

import numpy as np
import pytest

from jaxrec.data import demo, demo_texts

NOWHERE = pathlib.Path('no-such-directory')


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


def test_a_seed_gives_one_world_and_another_seed_another():
  again = demo.make_world()
  other = demo.draw_items(np.random.default_rng(demo.SEED + 1))
  assert again is not demo.the_world()
  assert again.titles == demo.the_world().titles
  assert again.impressions == demo.the_world().impressions
  assert other.titles != again.titles


def test_titles_are_many_distinct_and_finished(items):
  titles = [item['title'] for item in items]
  assert len(set(titles)) == len(titles) >= 3000
  assert len({item['item_id'] for item in items}) == len(items)
  assert len({item['category'] for item in items}) >= 12
  for title in titles:
    assert title[0].isupper() or title[0].isdigit()
    assert not set(title) & set('{}|') and '  ' not in title


def test_every_subtopic_has_templates_and_words_of_its_own():
  for subtopic in demo_texts.subtopics():
    assert len(subtopic.templates) >= 6
    assert any(map(demo_texts.is_question, subtopic.templates))
    for slot in subtopic.slots.keys() - {'who', 'town'}:
      assert any(f'{{{slot}}}' in t for t in subtopic.templates)
      assert len(subtopic.phrases(slot, 0.6)) < len(subtopic.slots[slot])


def test_every_subtopic_has_headlines_to_spare():
  """Else the draw of distinct ones slows down, or never ends."""
  for subtopic in demo_texts.subtopics():
    count = 0
    for template in subtopic.templates:
      names = [n for _, n, _, _ in string.Formatter().parse(template) if n]
      count += np.prod([len(subtopic.slots[n]) for n in names])
    assert count >= 2 * demo.ITEMS_PER_SUBTOPIC


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
  published = demo.the_world().published
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
  for mine in by_user.values():
    for now, after in itertools.pairwise(mine):
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
  new = set(np.flatnonzero(demo.the_world().published >= cold_from).tolist())
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


def test_the_fingerprint_covers_the_texts(monkeypatch):
  before = demo.Demo.fingerprint(NOWHERE)
  assert demo.Demo.fingerprint(NOWHERE) == before
  source = demo.inspect.getsource
  monkeypatch.setattr(
    demo.inspect,
    'getsource',
    lambda of: source(of) + '#' * (of is demo_texts),
  )
  assert demo.Demo.fingerprint(NOWHERE) != before
