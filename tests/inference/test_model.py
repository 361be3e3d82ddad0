"""A loaded bundle says what the trainer says, and answers whatever is asked."""

import dataclasses
import inspect
import os
import threading

import jax
import numpy as np
import pytest

import jaxrec
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.training.experiment import Experiment


@pytest.fixture
def model(shop):
  return jaxrec.load(shop[2])


@pytest.fixture
def trainer(shop):
  """(experiment, scorer) of what was trained."""
  config, workdir, _ = shop
  experiment = Experiment.from_config(config, Display(quiet=True))
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    chosen = experiment.restore_chosen(workdir, state)
    yield (
      experiment,
      experiment.judge.scorer(chosen.params, frozen),
      chosen.params,
    )


def arguments_of(experiment, examples):
  """Histories of examples as a user of a bundle gives them."""
  ids = experiment.dataset.items['item_id']
  names = experiment.dataset.behaviours
  arguments = {'histories': [], 'times': [], 'behaviours': []}
  for i in range(len(examples)):
    here = slice(*examples.history_offsets[i : i + 2])
    arguments['histories'].append([ids[int(x)] for x in examples.history[here]])
    arguments['times'].append(examples.history_times[here].tolist())
    arguments['behaviours'].append(
      [names[b] for b in examples.history_behaviours[here]]
    )
  return arguments


@pytest.mark.parametrize('strategy', ['top_k', 'probability'])
@pytest.mark.parametrize('exclude', [True, False])
def test_lists_are_the_trainers(model, trainer, strategy, exclude):
  experiment, scorer, params = trainer
  examples = experiment.dataset.test
  given = arguments_of(experiment, examples)
  assert len(given['histories']) > 5 and all(given['histories'])
  ranked = scorer.rank(examples, exclude, 10)
  lists = [
    model.recommend(
      history,
      10,
      times=times,
      behaviours=behaviours,
      now=float(now),  # The trend is that of its day.
      strategy=strategy,
      exclude_seen=exclude,
    )
    for history, times, behaviours, now in zip(
      *given.values(), examples.times, strict=True
    )
  ]
  ids = experiment.dataset.items['item_id']
  for best, items, scores in zip(
    lists, ranked.items, ranked.scores, strict=True
  ):
    wanted = [ids[int(x)] for x in items if x >= 0]
    assert [x.item_id for x in best] == wanted
    np.testing.assert_allclose(
      [x.logit for x in best],
      scores[: len(wanted)] + float(params['bias']),
      atol=1e-5,
    )
    ordered = [x.score for x in best]
    assert ordered == sorted(ordered, reverse=True)


def test_behaviours_and_times_are_read(model, trainer):
  given = arguments_of(trainer[0], trainer[0].dataset.test)
  history = given['histories'][0]
  logits = lambda **more: [
    x.logit for x in model.score(history, model.item_ids[:3], **more)
  ]
  plain = logits()
  for name in ('times', 'behaviours'):
    assert np.abs(np.subtract(plain, logits(**{name: given[name][0]}))).max()


def test_an_item_added_as_it_is_changes_nothing(model):
  """So that encoder, fields and what is known of ids are the trainer's."""
  before = np.asarray(model._index.table)
  model.add_items([model.item(i).fields for i in model.item_ids])
  after = np.asarray(model._index.table)
  np.testing.assert_allclose(after, before, atol=1e-5)
  rows = ~model._index.free
  assert np.abs(before[rows]).max(0).min() > 0  # All columns are tried.


def test_new_items(model):
  history = model.item_ids[:3]
  (item,) = model.add_items(
    [{'item_id': 'new', 'title': 'Neu \N{ROCKET}', 'sold_at': 'nowhere'}]
  )
  assert item == model.item('new') and 'new' in model
  assert item.text.startswith('Neu \N{ROCKET}')
  # By text, as a candidate and in a history, it is the same.
  by_id, by_text = model.score(history, ['new', dict(item.fields)])
  assert by_id.logit == pytest.approx(by_text.logit, abs=1e-5)
  a = model.recommend([*history, 'new'], k=5)
  b = model.recommend([*history, dict(item.fields)], k=6)
  kept = [x for x in b if x.item_id != 'new'][:5]
  assert [x.item_id for x in a] == [x.item_id for x in kept]
  everything = model.recommend(history, k=1000)
  assert 'new' in [x.item_id for x in everything]
  model.remove_items(['new'])
  assert 'new' not in model
  assert 'new' not in [x.item_id for x in model.recommend(history, k=1000)]
  with pytest.raises(UserError, match="'new' is unknown"):
    model.item('new')


def test_changes_are_all_or_nothing(model):
  size, table = len(model), model._index
  with pytest.raises(UserError, match=r'items\[1\].*title'):
    model.add_items([{'item_id': 'x', 'title': 'x'}, {'item_id': 'y'}])
  with pytest.raises(UserError, match='twice'):
    model.add_items([{'item_id': 'x', 'text': 'x'}] * 2)
  with pytest.raises(UserError, match="'none'"):
    model.remove_items([model.item_ids[0], 'none'])
  assert len(model) == size and model._index is table


def test_rows_are_used_again_and_the_table_grows(model):
  names = [f'n{i}' for i in range(1500)]
  add = lambda names: model.add_items(
    [{'item_id': name, 'text': f'about {name}'} for name in names]
  )
  size = len(model)
  add(names)
  assert len(model) == size + 1500
  model.remove_items(names[:1400])
  rows = len(model._index.ids)
  add(names[:1400])
  assert len(model._index.ids) == rows and len(model) == size + 1500
  index = model._index
  assert all(index.ids[row] == name for name, row in index.rows.items())
  alone = model.recommend(['n7'], k=1, exclude_seen=False, only=['n7'])
  assert alone[0].item_id == 'n7'


def test_terms_add_up_to_the_logit(model):
  history = [*model.item_ids[:4], {'title': 'A new thing', 'sold_at': ''}]
  best = model.recommend(history, k=3, explain=True)
  for item in best:
    assert {'text', 'ids', 'bias'} <= item.terms.keys()
    assert sum(item.terms.values()) == pytest.approx(item.logit, abs=1e-4)
    assert item.terms['ids'] != 0 and item.terms['text'] != 0
  assert model.recommend(history, k=1)[0].terms is None


def test_contributions_add_up_to_what_the_history_changes(model):
  history = [*model.item_ids[:4], {'title': 'A new thing', 'sold_at': ''}]
  history += history[:1]
  best = model.recommend(history, k=3, explain=True)
  candidates = [x.item_id for x in best]
  full = model.score(history, candidates)
  none = model.score([], candidates)
  for item, a, b in zip(best, full, none, strict=True):
    assert len(item.contributions) == len(history) == len(best.read)
    assert sum(item.contributions) == pytest.approx(a.logit - b.logit, abs=1e-4)
  assert len({x for x in best[0].contributions}) > 2
  # Of one entry, it is what that entry changes.
  (one,) = model.score(history[:1], candidates[:1], explain=True)
  assert one.contributions[0] == pytest.approx(
    one.logit - none[0].logit, abs=1e-5
  )


def test_what_matters_most_contributes_most(model):
  """Contributions differ as what the logit loses without each entry."""
  history, wanted = model.item_ids[:6], model.item_ids[7:8]
  (scored,) = model.score(history, wanted, explain=True)
  full = scored.logit
  alone = [
    full - model.score(history[:i] + history[i + 1 :], wanted)[0].logit
    for i in range(len(history))
  ]
  about = lambda x: np.array(x) - np.mean(x)
  np.testing.assert_allclose(
    about(scored.contributions), about(alone), atol=1e-5
  )
  assert np.std(alone) > 0.01


def test_filters(model):
  history, ids = model.item_ids[:2], model.item_ids
  assert not {x.item_id for x in model.recommend(history, k=99)} & set(history)
  kept = model.recommend(history, k=99, exclude_seen=False)
  assert {x.item_id for x in kept} == set(ids)
  some = model.recommend(history, k=99, only=ids[1:5])
  assert {x.item_id for x in some} == set(ids[2:5])
  assert [x.item_id for x in some] == [
    x.item_id for x in kept if x.item_id in ids[2:5]
  ]
  assert model.recommend(history, only=history) == []
  assert len(model.recommend(history, k=3)) == 3
  with pytest.raises(UserError, match='have no category'):
    model.recommend(history, categories=['x'])


def test_thresholds(model):
  answerer = model._answerer
  scale = dataclasses.replace(
    answerer.scale, slope=1.5, intercept=-0.2, choice=None
  )
  model._answering = dataclasses.replace(
    answerer,
    scale=scale,
    chances=dataclasses.replace(answerer.chances, scale=scale),
  )
  every = model.recommend([], k=99, strategy='probability')
  assert all(0 < x.probability < 1 and x.score == x.probability for x in every)
  cut = every[4].probability
  some = model.recommend([], k=99, strategy='probability', threshold=cut)
  assert some == every[:5]
  for threshold in ('auto', 2, float('nan'), 'high', True):
    with pytest.raises(UserError, match='threshold'):
      model.recommend([], strategy='probability', threshold=threshold)
  with pytest.raises(UserError, match='only strategy'):
    model.recommend([], threshold=0.5)


def test_probabilities_are_of_one_choice(model):
  """Over all that may be recommended they add up, and keep the order."""
  history, ids = model.item_ids[:3], model.item_ids
  for given in ([], history):
    every = model.recommend(given, k=99, strategy='probability')
    chances = [x.probability for x in every]
    assert chances == sorted(chances, reverse=True) and chances[0] < 0.999
    assert 0.999 < sum(chances) <= 1
    assert [x.score for x in every] == chances
    # A candidate's is what it has in the list, whatever the strategy.
    scored = model.score(given, [x.item_id for x in every])
    np.testing.assert_allclose([x.probability for x in scored], chances, 1e-4)
  among = model.recommend(history, k=99, strategy='probability', only=ids[:8])
  assert 0.999 < sum(x.probability for x in among) <= 1
  some = model.recommend(history, k=2, strategy='probability')
  every = model.recommend(history, k=99, strategy='probability')
  np.testing.assert_allclose(
    [x.probability for x in some], [x.probability for x in every[:2]]
  )
  seen, new = model.score(history, [history[0], {'title': 'A thing'}])
  assert 0 < seen.probability < 1 and 0 < new.probability < 1


def test_what_is_seen_counts_where_it_was_ranked(model):
  """By a protocol that keeps it; then what is left out has its part."""
  answerer = model._answerer
  choice = dataclasses.replace(answerer.scale.choice, seen='kept')
  scale = dataclasses.replace(answerer.scale, choice=choice)
  model._answering = dataclasses.replace(
    answerer,
    scale=scale,
    chances=dataclasses.replace(answerer.chances, scale=scale),
  )
  history = model.item_ids[:3]
  every = model.recommend(history, k=99, exclude_seen=False)
  chances = {x.item_id: x.probability for x in every}
  assert 0.999 < sum(chances.values()) <= 1
  unseen = model.recommend(history, k=99)
  assert len(unseen) == len(every) - 3
  for x in [*unseen, *model.score(history, history)]:
    assert x.probability == pytest.approx(chances[x.item_id], rel=1e-4)


def test_a_score_is_a_cosine_in_the_order_of_the_logits(model):
  history = [*model.item_ids[:4], {'title': 'A new thing', 'sold_at': ''}]
  best = model.recommend(history, k=99)
  scores = np.array([x.score for x in best])
  assert np.abs(scores).max() <= 1 and (np.diff(scores) <= 0).all()
  logits = np.array([x.logit for x in best])
  line = np.polyfit(logits, scores, 1)
  np.testing.assert_allclose(np.polyval(line, logits), scores, atol=1e-6)


def test_lists_that_differ(model):
  history, texts = model.item_ids[:2], [f'{i} box' for i in range(30)]
  model.add_items(
    {'item_id': text, 'title': text, 'sold_at': ''} for text in texts
  )
  first, *rest = [x.item_id for x in model.recommend(history, 30, only=texts)]
  model.add_items(
    {'item_id': f'same{i}', 'title': first, 'sold_at': ''} for i in range(3)
  )
  options = {'k': 5, 'only': ['same0', 'same1', 'same2', *rest]}
  best = model.recommend(history, **options)
  assert best == model.recommend(history, **options, diversity=0)
  assert len({x.item_id[:4] for x in best[:3]}) == 1 and len(best) == 5
  differ = model.recommend(history, **options, diversity=0.5)
  ids = [x.item_id for x in differ]
  assert ids[0] == best[0].item_id and len(set(ids)) == 5
  assert not ids[1].startswith('same')
  assert differ == model.recommend(history, **options, diversity=0.5)
  every = {x.item_id: x for x in model.recommend(history, k=99)}
  for x in differ:  # Moved, not rescored.
    assert x.logit == every[x.item_id].logit
  assert len(model.recommend([], k=5, diversity=1.0)) == 5  # What is popular.


def test_without_a_history_what_is_popular(model, shop):
  best = model.recommend([], k=99)
  assert {x.item_id for x in best} == set(model.item_ids)
  scores = [x.score for x in best]
  assert scores == sorted(scores, reverse=True)
  assert sum(scores) == pytest.approx(1, abs=1e-5)
  assert len(model.recommend([], k=2, only=model.item_ids[:3])) == 2


def test_long_histories_and_duplicates(model):
  ids = model.item_ids
  long = (ids * 1000)[:10_000]
  length = model.history_length
  best = model.recommend(long, k=5, exclude_seen=False)
  assert best.read == tuple(range(10_000 - length, 10_000))
  assert best == model.recommend(long[-length:], k=5, exclude_seen=False)
  # All of it is seen, also what is too old to be read.
  first = [ids[0], *[ids[1]] * length]
  assert ids[0] not in [x.item_id for x in model.recommend(first, k=99)]
  # Repeats mean something, and candidates keep their order and number.
  once, twice = (
    model.score([ids[0], ids[1]] + [ids[1]] * n, ids[:3])[2].logit
    for n in (0, 5)
  )
  assert once != twice
  scored = model.score(ids[:2], [ids[3], ids[2], ids[3]])
  assert [x.item_id for x in scored] == [ids[3], ids[2], ids[3]]
  assert scored[0].logit == pytest.approx(scored[2].logit, abs=1e-6)


def test_unknown_ids(model):
  known = model.item_ids[:2]
  with pytest.raises(UserError, match=r"history\[1\]: item id 'N-9'"):
    model.recommend([known[0], 'N-9'])
  with pytest.raises(UserError, match=r'histories\[1\]: history\[0\]'):
    model.recommend_many([known, ['N-9']])
  skipped = model.recommend([known[0], 'N-9', known[1]], unknown='skip')
  assert skipped.unknown == ('N-9',) and skipped.read == (0, 2)
  assert skipped == model.recommend(known)
  with pytest.raises(UserError, match=r'candidates\[0\]'):
    model.score(known, ['N-9'])


@pytest.mark.parametrize(
  'text',
  [
    '\N{ROCKET}\N{FAMILY}\N{ZERO WIDTH JOINER}\N{WOMAN}',
    '\x00\x01',
    'a' * 2**20,
    'word ' * 200_000,
    'é' * 2**20,
    '\N{COMBINING ACUTE ACCENT}' * 2**20,
    'שלום 你好 नमस्ते',
  ],
  ids=range(7),
)
def test_any_text_is_read(model, text):
  best = model.recommend([{'text': text}], k=3)
  assert len(best) == 3 and all(np.isfinite(x.logit) for x in best)


@pytest.mark.parametrize(
  ('ask', 'message'),
  [
    (lambda m: m.recommend('N1'), 'history'),
    (lambda m: m.recommend(None), 'history'),
    (lambda m: m.recommend([1]), r'history\[0\] is 1'),
    (lambda m: m.recommend([{'text': 1}]), 'want text'),
    (lambda m: m.recommend([{}]), "no 'title'"),
    (lambda m: m.recommend([{'text': ''}]), r'history\[0\]: its text is empty'),
    (lambda m: m.recommend([{'text': ' ' * 2**20}]), 'text is empty'),
    (lambda m: m.recommend([{'txt': 'x'}]), "'txt' .*did you mean 'text'"),
    (
      lambda m: m.add_items([{'item_id': 'a', 'text': 'x', 'sold_ta': 'y'}]),
      r"items\[0\]: column 'sold_ta' .*did you mean 'sold_at'",
    ),
    (lambda m: m.add_items([{'item_id': 'a', 'text': ' '}]), 'is empty'),
    (lambda m: m.recommend([{'text': '\ud800'}]), 'half of a pair'),
    (lambda m: m.recommend([{'text': 'a' * (2**20 + 1)}]), 'at most'),
    (lambda m: m.recommend([], k=0), 'k=0'),
    (lambda m: m.recommend([], k=True), 'k=True'),
    (lambda m: m.recommend([], k=10**9), 'k=1000000000'),
    (lambda m: m.recommend([], strategy='topk'), "mean 'top_k'"),
    (lambda m: m.recommend([], diversity=2), 'diversity=2: want'),
    (lambda m: m.recommend([], diversity=True), 'diversity'),
    (lambda m: m.recommend([], diversity=np.nan), 'diversity'),
    (lambda m: m.recommend([], unknown='ignore'), 'unknown'),
    (lambda m: m.recommend([], only='N1'), 'only'),
    (lambda m: m.recommend([], only=['N1']), "'N1' is unknown"),
    (lambda m: m.recommend([], only=[{}]), 'only'),
    (lambda m: m.recommend(m.item_ids[:2], times=[1]), 'times'),
    (lambda m: m.recommend(m.item_ids[:2], times=[2, 1]), 'oldest first'),
    (lambda m: m.recommend(m.item_ids[:1], times=['x']), r'times\[0\]'),
    (lambda m: m.recommend(m.item_ids[:1], times=[np.nan]), r'times\[0\]'),
    (lambda m: m.recommend(m.item_ids[:1], behaviours=['bye']), "mean 'buy'"),
    (lambda m: m.recommend(m.item_ids[:1], now=1), 'give these too'),
    (lambda m: m.score([], 'N1'), 'candidates'),
    (lambda m: m.score_many([[]], []), 'candidates'),
    (lambda m: m.add_items([{'text': 'x'}]), 'item_id'),
    (lambda m: m.add_items([{'item_id': '', 'text': 'x'}]), 'item_id'),
    (lambda m: m.add_items('x'), 'items'),
    (lambda m: m.remove_items('x'), 'item_ids'),
  ],
  ids=range(35),
)
def test_what_cannot_be_is_one_clear_error(model, ask, message):
  with pytest.raises(UserError, match=message) as e:
    ask(model)
  assert '\n' not in str(e.value) and len(str(e.value)) < 400


def test_now(model):
  ids = model.item_ids[:3]
  best = model.recommend(ids, k=5, times=[10, 20, 30], now=20)
  assert best.read == (0, 1)
  assert best == model.recommend(ids[:2], k=5, times=[10, 20], now=20)


def test_numbers_and_arrays_of_numpy(model):
  """What a program that recommends has at hand."""
  ids = list(model.item_ids)[:3]
  times = [1.0, 2.0, 3.0]
  wanted = model.recommend(ids, 4, times=times, now=9.0, diversity=0.5)
  got = model.recommend(
    np.array(ids),
    np.int64(4),
    times=np.array(times, np.float32),
    now=np.int32(9),
    diversity=np.float32(0.5),
  )
  assert got == wanted
  assert model.recommend_many(np.array([ids]).tolist(), k=np.int8(2))
  with pytest.raises(UserError, match=r'k=np\.True_'):
    model.recommend(ids, np.bool_(True))
  with pytest.raises(UserError, match='history is array'):
    model.recommend(np.array([ids]))


def test_a_forked_process_is_told(model, monkeypatch):
  """It would wait for threads that it does not have."""
  snapshot = model.snapshot()
  parent = os.getpid()
  monkeypatch.setattr(os, 'getpid', lambda: parent + 1)
  for forked in (model, snapshot):
    with pytest.raises(UserError, match=f'process {parent} and cannot answer'):
      forked.recommend()
    assert 'items' in repr(forked)


def test_search(model):
  first = model.item(model.item_ids[3])
  assert first in model.search(first.text, 3)
  assert model.search(first.item_id, 1)[0].item_id == first.item_id
  assert len(model.search('nothing has this text', 4)) == 4
  assert len(model.search('', 5)) == 5


def test_whole_words_are_found_first(model):
  model.add_items(
    {'item_id': f'q{i}', 'text': text}
    for i, text in enumerate(('zqk-zzqkly', 'a zqkly', 'zzqk', 'on ZQK, late'))
  )
  ids = [x.item_id for x in model.search('zqk', 4)]
  assert ids == ['q0', 'q3', 'q1', 'q2']
  model.add_items([{'item_id': 'zqk', 'text': 'x'}])
  model.remove_items(['q0'])
  ids = [x.item_id for x in model.search(' Zqk ', 4)]
  assert ids == ['zqk', 'q3', 'q1', 'q2']
  # What is there is not found by what it was called.
  first = model.item(model.item_ids[0])
  model.add_items([{'item_id': first.item_id, 'text': 'renamed zqk'}])
  assert first.item_id in [x.item_id for x in model.search('zqk', 5)]
  assert model._answerer.search(model._index, first.text.lower()) == []


def test_near_misses_of_ids(model):
  model.add_items({'item_id': f'N{i:04}', 'text': 'x'} for i in range(30))
  with pytest.raises(UserError, match=r"'n-0007' .*did you mean 'N0007'"):
    model.recommend(['n-0007'])


def test_items_once_taken_are_taken_again(model):
  odd = {'item_id': 'odd', 'text': '', 'colour': 'red'}
  with pytest.raises(UserError, match='colour'):
    model.add_items([odd])
  model.add_items([odd], strict=False)
  assert model.item('odd').fields == odd


def test_it_says_what_it_is(model):
  assert f'{len(model)} items, step 1' in repr(model)


def test_options_of_one_are_those_of_many(model):
  for one, many in (('recommend', 'recommend_many'), ('score', 'score_many')):
    names, wanted = (
      set(inspect.signature(getattr(model, name)).parameters)
      for name in (one, many)
    )
    assert names - {'history'} == wanted - {'histories'}


def test_a_snapshot_stays_as_it_is(model):
  """An answer is of one state of the items, its texts and filters too."""
  ids = model.item_ids
  history, candidates = ids[:2], [ids[3], {'item_id': ids[4], 'text': 'other'}]
  snapshot = model.snapshot()
  about = lambda: (
    *(len(snapshot), snapshot.item_ids, snapshot.search('', 3)),
    *(snapshot.recommend(history, k=99), snapshot.score(history, candidates)),
    [snapshot.item(x) for x in ids],
  )
  before = about()
  model.add_items([{'item_id': ids[3], 'text': 'another text'}])
  model.remove_items(ids[5:])
  assert about() == before
  assert model.item(ids[3]).text == 'another text' and len(model) == 5
  best = snapshot.recommend(history, k=99)
  items = snapshot.items_of(best)
  assert items == [snapshot.item(x.item_id) for x in best]
  assert snapshot.items_of(best, 2) == items[:2]
  scored = snapshot.items_of(snapshot.score(history, candidates))
  assert scored == [snapshot.item(ids[3]), None]


def test_readers_see_all_of_a_change_or_nothing(model):
  """Two items that come and go together are never seen alone."""
  pair = [{'item_id': x, 'title': 'x', 'sold_at': ''} for x in ('p', 'q')]
  history, torn, stop = model.item_ids[:2], [], threading.Event()

  def read():
    while not stop.is_set():
      ids = {x.item_id for x in model.recommend(history, k=99)}
      if len(ids & {'p', 'q'}) == 1:
        torn.append(ids)

  threads = [threading.Thread(target=read) for _ in range(2)]
  for thread in threads:
    thread.start()
  for _ in range(30):
    model.add_items(pair)
    model.remove_items(['p', 'q'])
  stop.set()
  for thread in threads:
    thread.join()
  assert not torn
